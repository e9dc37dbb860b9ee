"""Whose audit trail is asked for: it outlives its run."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synctl.errors import NotFound
from synctl.store import runs

if TYPE_CHECKING:
    from synctl.store.db import Transaction


EVENT_KINDS = (
    "accepted", "created", "deleted", "forced", "pruned", "rejected", "request", "retried", "stalled", "state",
    runs.TAKEN_OVER,
)  # fmt: skip
"""Everything the audit trail tells of."""


def owner(transaction: Transaction, name: str) -> str:
    """Return the id of the run that `name` names, as `runs.get` does; else of the one deleted run that it names."""
    try:
        return runs.get(transaction, name).id
    except NotFound:
        if len(name) < runs.SHORTEST_PART:
            raise
        named = transaction.all(
            r"SELECT DISTINCT run_id FROM run_event WHERE kind = 'deleted' AND run_id LIKE :part ESCAPE '\'"
            " ORDER BY run_id LIMIT 2",
            part=runs.like(name),
        )
        if len(named) != 1:
            raise
        return str(named[0]["run_id"])


def kinds(transaction: Transaction) -> list[str]:
    """Return the kinds of events that are stored."""
    return [row["kind"] for row in transaction.all("SELECT DISTINCT kind FROM run_event ORDER BY kind")]
