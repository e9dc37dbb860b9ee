"""What an export reads: records in order, and how one looks as a flat row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

Fields = dict[str, Any]


class Record(Protocol):
    """A stored day, ayah or hadith."""

    def as_json(self) -> Fields:
        """Return the fields of `show --json`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """Records of one resource, read while they are written.

    `flat` gives the values of `columns` from a record's fields. `lacking` fills on the way with what was selected of
    which nothing is stored. `enqueue` are the words that would sync it.
    """

    resource: str
    columns: Sequence[str]
    records: Iterable[Record]
    flat: Callable[[Fields], Iterable[object]]
    lacking: list[str] = field(default_factory=list)
    enqueue: str
