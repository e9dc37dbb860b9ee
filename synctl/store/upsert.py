"""Bulk upsert: rows that did not change are not written, whatever the dialect."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from synctl.store.db import ROWS_PER_STATEMENT, Transaction
from synctl.store.table import Table

__all__ = ["ROWS_PER_STATEMENT", "Rows", "Table", "upsert", "upsert_rows"]


class Rows(msgspec.Struct, frozen=True):
    """Verified rows of one unit for one table.

    `scope` says which stored rows they take the place of: a column's value, or its (lowest, highest). Stored rows in
    it that are not among `rows` are removed. Without a scope nothing is.
    """

    table: Table
    rows: Sequence[tuple[object, ...]]
    scope: Mapping[str, object] = msgspec.field(default_factory=dict)


def upsert(transaction: Transaction, parts: Iterable[tuple[int, Rows]], *, fresh: bool = False) -> Counter[int]:
    """Insert or update rows of units, each part with its unit's id; return how many of each were new or different.

    `fresh`: as far as anybody knows none of them is stored.
    """
    by_table: defaultdict[Table, list[tuple[int, Sequence[tuple[object, ...]]]]] = defaultdict(list)
    for unit_id, part in parts:
        by_table[part.table].append((unit_id, part.rows))
    changed: Counter[int] = Counter()
    for table, rows in by_table.items():
        signed = Table(table.name, table.key, (*table.values, "unit_id"))
        changed.update(transaction.upsert_units(signed, rows, fresh=fresh))
    return changed


def upsert_rows(transaction: Transaction, table: Table, rows: Sequence[tuple[object, ...]]) -> int:
    """Insert or update rows by their key; return how many were new or different.

    Idempotent: a row equal to the stored one is skipped, so nothing is written when nothing changed.
    """
    return transaction.upsert(table, rows) if rows else 0
