"""Which stored units are new enough to be left alone."""

from __future__ import annotations

from collections.abc import Sequence

from synctl.store.db import Transaction


def any_since(transaction: Transaction, resource: str, since: int) -> bool:
    """Whether any unit of a resource was synced at or after `since` (milliseconds)."""
    row = transaction.one(
        "SELECT 1 AS found FROM stored_unit WHERE resource = :resource AND synced_at >= :since LIMIT 1",
        resource=resource,
        since=since,
    )
    return row is not None


def synced_since(
    transaction: Transaction, resource: str, source: str, keys: Sequence[str], since: int
) -> dict[str, tuple[int, str]]:
    """Return rows and basis of those units that were synced from a source at or after `since` (milliseconds).

    One whose newest answer was refused, or whose rows another unit has overwritten, is not among them.
    """
    if not keys:
        return {}
    marks = ", ".join(f":key{number}" for number in range(len(keys)))
    rows = transaction.all(
        "SELECT key, rows, basis FROM stored_unit WHERE resource = :resource AND source = :source"
        " AND synced_at >= :since AND body_hash IS NOT NULL"
        f" AND key IN ({marks}) AND NOT EXISTS (SELECT 1 FROM quarantine q"
        " WHERE q.resource = stored_unit.resource AND q.key = stored_unit.key)",
        resource=resource,
        source=source,
        since=since,
        **{f"key{number}": key for number, key in enumerate(keys)},
    )
    return {row["key"]: (row["rows"], row["basis"]) for row in rows}
