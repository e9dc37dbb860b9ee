"""Reads the ledger: units of a run, and its failures grouped by cause."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Final

import msgspec

from synctl.clock import iso
from synctl.states import UnitState
from synctl.store.db import Row, Transaction, by_index


class Cause(msgspec.Struct, frozen=True):
    """Failed units that share class, status and message; `sample` is the key of one."""

    error_class: str
    http_status: int | None
    message: str
    count: int
    sample: str

    def as_json(self) -> dict[str, object]:
        """Return the stable fields of `--json`."""
        return {
            "error": self.error_class,
            "http_status": self.http_status,
            "message": self.message,
            "count": self.count,
            "sample": self.sample,
        }


def causes(transaction: Transaction, run_seq: int, among: int | None = None) -> list[Cause]:
    """Return the causes of failure of a run, the most frequent first: of all that failed, or `among` the first."""
    failed = (
        f"SELECT error_class, http_status, message, key FROM sync_unit{by_index(transaction, 'sync_unit_failed')}"
        " WHERE run_seq = :run AND state IN ('failed', 'quarantined')"
    )
    rows = transaction.all(
        "SELECT error_class, http_status, message, COUNT(*) AS n, MIN(key) AS sample"
        f" FROM ({failed if among is None else f'{failed} ORDER BY ordinal LIMIT {among:d}'}) failed"
        " GROUP BY error_class, http_status, message ORDER BY n DESC",
        run=run_seq,
    )
    return [Cause(row["error_class"], row["http_status"], row["message"], row["n"], row["sample"]) for row in rows]


def units(transaction: Transaction, run_seq: int, states: Collection[UnitState], limit: int | None) -> Iterator[Row]:
    """Yield the units of a run in these states, in order."""
    yield from transaction.stream(
        f"SELECT * FROM {in_states(transaction, states)} AND run_seq = :run ORDER BY ordinal LIMIT :limit",
        run=run_seq,
        limit=-1 if limit is None and transaction.dialect == "sqlite" else limit,
    )


def in_states(transaction: Transaction, states: Collection[UnitState]) -> str:
    """Return the ledger, narrowed to units in these states: by the index that holds only such, if there is one."""
    chosen = ", ".join(f"'{state}'" for state in sorted(states))
    for index, condition, held in _INDEXES:
        if held.issuperset(states):
            return f"sync_unit{by_index(transaction, index)} WHERE {condition} AND state IN ({chosen})"
    return f"sync_unit WHERE state IN ({chosen})"


_INDEXES: Final = (
    ("sync_unit_pending", "state = 'pending'", frozenset({UnitState.PENDING})),
    ("sync_unit_leased", "state = 'leased'", frozenset({UnitState.LEASED})),
    ("sync_unit_failed", "state IN ('failed', 'quarantined')", frozenset({UnitState.FAILED, UnitState.QUARANTINED})),
)
"""Indexes over a part of the ledger, with the condition as SQLite must find it in a query, and the states they hold."""


def as_json(run_id: str, row: Row) -> dict[str, object]:
    """Return the stable fields of `units --json` and `errors --json`."""
    return {
        "run": run_id,
        "unit": row["key"],
        "state": row["state"],
        "attempts": row["attempts"],
        "deaths": row["deaths"],
        "crashes": row["crashes"],
        "error": row["error_class"],
        "http_status": row["http_status"],
        "message": row["message"],
        "rows": row["rows"],
        "changed": row["changed"],
        "took_ms": row["took_ms"],
        "settled_at": iso(row["settled_at"]) if row["settled_at"] else None,
    }
