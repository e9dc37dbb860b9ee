"""Bulk upsert: rows that did not change are not written, whatever the dialect."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from synctl.store.db import ROWS_PER_STATEMENT, Transaction
from synctl.store.table import Table

__all__ = ["ROWS_PER_STATEMENT", "Rows", "Table", "upsert", "upsert_rows"]


@dataclass(frozen=True, slots=True)
class Rows:
    """Verified rows of one unit for one table.

    `scope` says which stored rows they take the place of: a column's value, or its (lowest, highest). Stored rows in
    it that are not among `rows` are removed. Without a scope nothing is.
    """

    table: Table
    rows: Sequence[tuple[object, ...]]
    scope: Mapping[str, object] = field(default_factory=dict)


def upsert(transaction: Transaction, part: Rows, unit_id: int) -> int:
    """Insert or update the rows of a unit; return how many were new or different."""
    table = part.table
    stored = Table(table.name, table.key, (*table.values, "unit_id"))
    changed = 0
    for start in range(0, len(part.rows), ROWS_PER_STATEMENT):  # by parts: rows may be many, and packed
        chunk = part.rows[start : start + ROWS_PER_STATEMENT]
        changed += upsert_rows(transaction, stored, [(*row, unit_id) for row in chunk])
    return changed


def upsert_rows(transaction: Transaction, table: Table, rows: Sequence[tuple[object, ...]]) -> int:
    """Insert or update rows by their key; return how many were new or different.

    Idempotent: a row equal to the stored one is skipped, so nothing is written when nothing changed.
    """
    return transaction.upsert(table, rows) if rows else 0
