"""Runs and units a page at a time: each page begins where the one before ended, whatever was added meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from synctl.states import RunState, UnitState
from synctl.store.db import Row, Transaction
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


def unit_grid(transaction: Transaction, run_seq: int, per_cell: int) -> UnitGrid:
    """Return how a run's units stand, in one look at its ledger: a million of them take a second."""
    rows = transaction.all(
        "SELECT ordinal / :per_cell AS cell, state, COUNT(*) AS n FROM sync_unit WHERE run_seq = :run"
        " GROUP BY ordinal / :per_cell, state ORDER BY cell",
        run=run_seq,
        per_cell=per_cell,
    )
    worst: dict[int, UnitState] = {}
    counts = dict.fromkeys(UnitState, 0)
    for row in rows:
        cell, state = int(row["cell"]), UnitState(row["state"])
        counts[state] += int(row["n"])
        if cell not in worst or _NEED.index(state) < _NEED.index(worst[cell]):
            worst[cell] = state
    return UnitGrid(list(worst.values()), counts)


_NEED: Final = (UnitState.QUARANTINED, UnitState.FAILED, UnitState.LEASED, UnitState.PENDING, UnitState.DONE)
"""What needs to be seen most, first."""
