"""What old runs leave behind is removed here, a few rows in a transaction, so that no writer waits for it.

Removed are the units of a run and what it changed, or the run as a whole with its part of the audit trail. Never what
it stored, never anything of a run that has not ended. The newest run of a selection that did not succeed keeps the
units that are not done: `retry` needs them. When units go, the run says so (`pruned_at`) in the same transaction.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

import msgspec

from synctl.clock import iso, now_ms
from synctl.states import RETRIABLE, TERMINAL
from synctl.store import runs
from synctl.store.db import Transaction
from synctl.store.runs import Actor, Run, run_of

BATCH: Final = 1000
"""Rows in one transaction at most: some 10 ms, less than a shard's own commit takes."""
_ENDED: Final = ", ".join(f"'{state}'" for state in sorted(TERMINAL))
_NOT_DONE: Final = ", ".join(f"'{state}'" for state in sorted(RETRIABLE))


class Scope(StrEnum):
    """How much of a run goes."""

    DONE = "done"
    """The units that are done; `retry` can still queue the others."""
    UNITS = "units"
    """All its units."""
    RUN = "run"
    """The run, too, and its part of the audit trail."""


class Limits(msgspec.Struct, frozen=True):
    """Moments in milliseconds: of runs that ended before, units go, or all of it. None: nothing does."""

    units: int | None
    runs: int | None


class Old(msgspec.Struct, frozen=True):
    """A run of which something is to go."""

    run: Run
    scope: Scope


class Size(msgspec.Struct, frozen=True):
    """How much of a run is to go: units, and changed rows it noted."""

    units: int
    changes: int


def old(transaction: Transaction, limits: Limits) -> list[Old]:
    """Return what is to go, the oldest first. Changes nothing."""
    runs_before = _before_open_claims(transaction, limits.runs)
    rows = transaction.all(
        # A retriable run is needed while no newer one has its selection; a resource's last run, and its last that
        # succeeded, are what metrics tell of it.
        "WITH newest AS (SELECT MAX(seq) AS seq FROM run GROUP BY resource, source, params),"
        " told AS (SELECT MAX(finished_at) AS at, resource FROM run GROUP BY resource UNION ALL"
        " SELECT MAX(finished_at), resource FROM run WHERE state = 'succeeded' GROUP BY resource)"
        f" SELECT r.*, CASE WHEN r.state IN ({_NOT_DONE}) AND r.seq IN (SELECT seq FROM newest) THEN 1 ELSE 0 END"
        " AS needed, CASE WHEN r.finished_at < :runs AND NOT EXISTS (SELECT 1 FROM told"
        " WHERE told.resource = r.resource AND told.at = r.finished_at) THEN 1 ELSE 0 END AS whole"
        f" FROM run r WHERE r.state IN ({_ENDED}) AND (r.finished_at < :units OR r.finished_at < :runs)"
        " ORDER BY r.finished_at, r.seq",
        units=limits.units or 0,
        runs=runs_before,
    )
    found = []
    for row in rows:
        scope = Scope.DONE if row["needed"] else Scope.RUN if row["whole"] else Scope.UNITS
        one = Old(run_of(row), scope)
        if scope is Scope.RUN or _has_any(transaction, one):
            found.append(one)
    return found


def size(transaction: Transaction, one: Old) -> Size:
    """Count what is to go of a run."""
    units = transaction.one(
        f"SELECT COUNT(*) AS n FROM sync_unit WHERE run_seq = :run{_only(one.scope)}", run=one.run.seq
    )
    changes = transaction.one("SELECT COUNT(*) AS n FROM unit_change WHERE run_seq = :run", run=one.run.seq)
    return Size(int(units["n"]) if units else 0, int(changes["n"]) if changes else 0)


def remove_some(transaction: Transaction, one: Old, actor: Actor) -> bool:
    """Remove up to a batch of what is to go; return whether that was the last of it.

    A run that was queued again meanwhile is left alone.
    """
    run = one.run
    held = transaction.execute(
        f"UPDATE run SET pruned_at = :now WHERE seq = :seq AND state IN ({_ENDED}) AND finished_at = :finished",
        now=now_ms(),
        seq=run.seq,
        finished=run.finished_at,
    )
    if not held:
        return True
    removed = transaction.execute(
        "DELETE FROM sync_unit WHERE run_seq = :run AND ordinal IN"
        f" (SELECT ordinal FROM sync_unit WHERE run_seq = :run{_only(one.scope)} ORDER BY ordinal LIMIT :most)",
        run=run.seq,
        most=BATCH,
    )
    if removed < BATCH:
        removed += transaction.execute(
            "DELETE FROM unit_change WHERE id IN"
            " (SELECT id FROM unit_change WHERE run_seq = :run ORDER BY id LIMIT :most)",
            run=run.seq,
            most=BATCH - removed,
        )
    if removed == BATCH:
        return False
    if one.scope is Scope.RUN:
        _remove_run(transaction, run)
    reason = f"{_WORDS[one.scope]}; it ended {iso(run.finished_at or 0)}"
    runs.record(transaction, run.id, "pruned", run.state, actor, reason)
    return True


def forget_deleted(transaction: Transaction, limits: Limits) -> bool:
    """Remove up to a batch of old events of runs that are gone; return whether that was the last of them."""
    before = _before_open_claims(transaction, limits.runs)
    removed = transaction.execute(
        "DELETE FROM run_event WHERE id IN (SELECT id FROM run_event e WHERE e.at < :before"
        " AND NOT EXISTS (SELECT 1 FROM run r WHERE r.id = e.run_id) ORDER BY id LIMIT :most)",
        before=before,
        most=BATCH,
    )
    return removed < BATCH


_WORDS: Final = {
    Scope.DONE: "the units that are done, and what they changed",
    Scope.UNITS: "all units, and what they changed",
    Scope.RUN: "the run and its part of the audit trail",
}


def _before_open_claims(transaction: Transaction, moment: int | None) -> int:
    """Return the moment, or an earlier one: whoever finishes a claimed slot of a schedule looks for its run."""
    row = transaction.one("SELECT MIN(slot) AS slot FROM schedule_slot WHERE state = 'claimed'")
    claimed = row["slot"] if row else None
    return min(moment or 0, claimed if claimed is not None else moment or 0)


def _only(scope: Scope) -> str:
    return " AND state = 'done'" if scope is Scope.DONE else ""


def _has_any(transaction: Transaction, one: Old) -> bool:
    units = f"SELECT 1 AS found FROM sync_unit WHERE run_seq = :run{_only(one.scope)} LIMIT 1"
    changes = "SELECT 1 AS found FROM unit_change WHERE run_seq = :run LIMIT 1"
    return any(transaction.one(query, run=one.run.seq) is not None for query in (units, changes))


def _remove_run(transaction: Transaction, run: Run) -> None:
    transaction.execute("DELETE FROM run_event WHERE run_id = :id", id=run.id)
    transaction.execute("DELETE FROM run_shard WHERE run_seq = :seq", seq=run.seq)
    transaction.execute("DELETE FROM run WHERE seq = :seq", seq=run.seq)
