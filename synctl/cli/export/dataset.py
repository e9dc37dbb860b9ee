"""What an export reads: records in order, and how one looks as a flat row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol

import msgspec

Fields = dict[str, Any]


class Record(Protocol):
    """A stored day, ayah or hadith."""

    def as_json(self) -> Fields:
        """Return the fields of `show --json`."""


class Dataset(msgspec.Struct, frozen=True, kw_only=True):
    """Records of one resource, read while they are written.

    `flat` gives the values of `columns` from a record's fields. `lacking` fills on the way with what was selected of
    which nothing is stored. `enqueue` are the words that would sync it.
    """

    resource: str
    columns: Sequence[str]
    records: Iterable[Record]
    flat: Callable[[Fields], Iterable[object]]
    lacking: list[str] = msgspec.field(default_factory=list)
    enqueue: str
