"""Runs and units a page at a time: each page begins where the one before ended, whatever was added meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from synctl.states import RunState, UnitState
from synctl.store.db import Row, Transaction, by_index
from synctl.store.runs import Run, run_of
from synctl.store.units import in_states

BEFORE_ALL: Final = -1
"""Units are numbered from 0."""
NEWEST: Final = 2**62


@dataclass(frozen=True, slots=True)
class RunPage:
    """Runs, the newest first. `before`: where the next page begins; None at the end."""

    runs: list[Run]
    before: int | None


@dataclass(frozen=True, slots=True)
class UnitPage:
    """Rows of the ledger in its order. `after`: where the next page begins; None at the end."""

    rows: list[Row]
    after: int | None


@dataclass(frozen=True, slots=True)
class UnitGrid:
    """`cells`: for every so many units in a row the state that most needs to be seen. `counts`: units in each state."""

    cells: list[UnitState]
    counts: dict[UnitState, int]


def runs_page(
    transaction: Transaction,
    *,
    states: Collection[RunState],
    resource: str | None,
    since: int,
    before: int | None,
    limit: int,
) -> RunPage:
    """Return the newest runs created before `before`; without those that ended before `since` (milliseconds)."""
    marks = ", ".join(f"'{state}'" for state in sorted(states))
    rows = transaction.all(
        f"SELECT * FROM run WHERE state IN ({marks}) AND (CAST(:resource AS TEXT) IS NULL OR resource = :resource)"
        " AND (finished_at IS NULL OR finished_at >= :since) AND seq < :before ORDER BY seq DESC LIMIT :limit",
        resource=resource,
        since=since,
        before=NEWEST if before is None else before,
        limit=limit + 1,
    )
    found = [run_of(row) for row in rows[:limit]]
    return RunPage(found, found[-1].seq if len(rows) > limit else None)


def units_page(
    transaction: Transaction, run_seq: int, *, states: Collection[UnitState], after: int | None, limit: int
) -> UnitPage:
    """Return the units of a run in these states that follow the one numbered `after`."""
    rows = transaction.all(
        f"SELECT * FROM {in_states(transaction, states)} AND run_seq = :run AND ordinal > :after"
        " ORDER BY ordinal LIMIT :limit",
        run=run_seq,
        after=BEFORE_ALL if after is None else after,
        limit=limit + 1,
    )
    return UnitPage(rows[:limit], rows[limit - 1]["ordinal"] if len(rows) > limit else None)


def unit_grid(transaction: Transaction, run: Run, per_cell: int) -> UnitGrid:
    """Return how a run's units stand, in a look at each square: it takes as long for a million units as for a thousand.

    Only failures cost more the more there are, where some are quarantined and some are not. What is not in the ledger
    any more was done when it was pruned.
    """
    failed, leased = run.failed - run.quarantined, _leased(transaction, run.seq)
    found = {
        UnitState.QUARANTINED: _quarantined(transaction, run, per_cell),
        UnitState.FAILED: _cells(transaction, run.seq, "failed", per_cell) if failed else frozenset(),
        UnitState.LEASED: frozenset(ordinal // per_cell for ordinal in leased),
        UnitState.PENDING: _cells(transaction, run.seq, "pending", per_cell),
    }
    counts = {
        UnitState.PENDING: run.total - run.settled - len(leased),
        UnitState.LEASED: len(leased),
        UnitState.DONE: run.done,
        UnitState.FAILED: failed,
        UnitState.QUARANTINED: run.quarantined,
    }
    cells = [
        next((state for state, where in found.items() if cell in where), UnitState.DONE)
        for cell in range(-(-run.total // per_cell))
    ]
    return UnitGrid(cells, counts)


def _cells(transaction: Transaction, run_seq: int, which: str, per_cell: int) -> frozenset[int]:
    """Return the squares with a unit of a partial index: from each found the next look is beyond its square."""
    ledger = f"sync_unit{by_index(transaction, f'sync_unit_{which}')} WHERE run_seq = :run AND {_INDEXED[which]}"
    rows = transaction.all(
        f"WITH RECURSIVE found(at) AS (SELECT MIN(ordinal) FROM {ledger} UNION ALL"
        f" SELECT (SELECT MIN(ordinal) FROM {ledger} AND ordinal >= (found.at / :per_cell + 1) * :per_cell) FROM found"
        " WHERE found.at IS NOT NULL) SELECT at / :per_cell AS cell FROM found WHERE at IS NOT NULL",
        run=run_seq,
        per_cell=per_cell,
    )
    return frozenset(int(row["cell"]) for row in rows)


def _quarantined(transaction: Transaction, run: Run, per_cell: int) -> frozenset[int]:
    if run.quarantined == 0:
        return frozenset()
    if run.quarantined == run.failed:
        return _cells(transaction, run.seq, "failed", per_cell)
    rows = transaction.all(
        f"SELECT DISTINCT ordinal / :per_cell AS cell FROM sync_unit{by_index(transaction, 'sync_unit_failed')}"
        f" WHERE run_seq = :run AND {_INDEXED['failed']} AND state = 'quarantined'",
        run=run.seq,
        per_cell=per_cell,
    )
    return frozenset(int(row["cell"]) for row in rows)


def _leased(transaction: Transaction, run_seq: int) -> list[int]:
    """Return the numbers of the units under way: some dozens at most."""
    rows = transaction.all(
        f"SELECT ordinal FROM sync_unit{by_index(transaction, 'sync_unit_leased')}"
        " WHERE run_seq = :run AND state = 'leased'",
        run=run_seq,
    )
    return [int(row["ordinal"]) for row in rows]


_INDEXED: Final = {"pending": "state = 'pending'", "failed": "state IN ('failed', 'quarantined')"}
"""The conditions of the partial indexes `sync_unit_pending` and `sync_unit_failed`."""
