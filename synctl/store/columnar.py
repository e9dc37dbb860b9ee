"""Rows that lie in columns: made, kept and bound without a tuple for each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import repeat
from typing import overload

_Row = tuple[object, ...]


class Columnar(Sequence[_Row]):
    """A sequence of rows. Each is what they all begin with, `shared`, and then its own of each column.

    Columns are of one length.
    """

    __slots__ = ("columns", "shared")

    def __init__(self, shared: _Row, columns: Sequence[Sequence[object]]) -> None:
        self.shared = shared
        self.columns = columns

    def __len__(self) -> int:
        return len(self.columns[0]) if self.columns else 0

    def __iter__(self) -> Iterator[_Row]:
        return zip(*(repeat(one, len(self)) for one in self.shared), *self.columns, strict=True)

    @overload
    def __getitem__(self, index: int) -> _Row: ...
    @overload
    def __getitem__(self, index: slice) -> Columnar: ...
    def __getitem__(self, index: int | slice) -> _Row | Columnar:
        if isinstance(index, slice):
            if index.indices(len(self)) == (0, len(self), 1):  # as a tuple does it
                return self
            return Columnar(self.shared, [column[index] for column in self.columns])
        if not self.columns:
            raise IndexError(index)
        return *self.shared, *(column[index] for column in self.columns)


def in_columns(rows: Sequence[_Row]) -> Columnar:
    """Return the rows as columns, whatever they are."""
    return rows if isinstance(rows, Columnar) else Columnar((), list(zip(*rows, strict=True)))
