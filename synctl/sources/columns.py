"""Columns of days, and what is remembered of them: the units of a city have most of theirs in common.

A method sets Fajr and Isha; when the sun rises and sets it does not. So what was found of a column that was looked at a
moment ago is not looked for again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache, wraps
from typing import Final, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")

LONGEST: Final = 366
"""Days. Longer columns are of stored days; what is found of them is not remembered: each may have megabytes."""
_ROOM: Final = 256
"""Columns of a year, 15 KB each at most; a city has some 50. With what is remembered it is 18 MB for any number."""


class Column(tuple[int, ...]):
    """A number for each day. No two are equal, so that looking something up for one does not read all of it."""

    __slots__ = ()
    __hash__ = object.__hash__
    __eq__ = object.__eq__
    __ne__ = object.__ne__


_known: dict[tuple[int, ...], Column] = {}


def columns(rows: Iterable[Sequence[int]]) -> list[Column]:
    """Return the rows' columns, each the same object as an equal one that was seen a moment ago; none of no rows."""
    return [interned(values) for values in zip(*rows, strict=True)]


def interned(values: tuple[int, ...]) -> Column:
    """Return the column of these values: the same object, if it was seen a moment ago."""
    if len(values) > LONGEST:
        return Column(values)
    known = _known.get(values)
    if known is None:
        if len(_known) >= _ROOM:
            _known.clear()
        known = _known[values] = Column(values)
    return known


def remembered(function: Callable[P, T]) -> Callable[P, T]:
    """Have a function remember what it returned. Its arguments: first a column, then such as are quickly hashed."""
    remembering = cast("Callable[P, T]", lru_cache(maxsize=64)(function))

    @wraps(function)
    def remembers(*arguments: P.args, **named: P.kwargs) -> T:
        days = cast("Column", arguments[0])
        return (remembering if len(days) <= LONGEST else function)(*arguments, **named)

    return remembers


@remembered
def extremes(column: Column) -> tuple[int, int]:
    """Return the least and the greatest number; there must be one."""
    return min(column), max(column)
