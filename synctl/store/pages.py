"""Runs and units a page at a time: each page begins where the one before ended, whatever was added meanwhile."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

import msgspec

from synctl.states import RunState, UnitState
from synctl.store.db import Row, Transaction
from synctl.store.runs import Run, run_of
from synctl.store.units import in_states

BEFORE_ALL: Final = -1
"""Units are numbered from 0."""
NEWEST: Final = 2**62
LOOKED_AT: Final = 25
"""Units of a square that did not succeed, of which the worse kind is shown: all of them in a run of 10,000 units."""


class RunPage(msgspec.Struct, frozen=True):
    """Runs, the newest first. `before`: where the next page begins; None at the end."""

    runs: list[Run]
    before: int | None


class UnitPage(msgspec.Struct, frozen=True):
    """Rows of the ledger in its order. `after`: where the next page begins; None at the end."""

    rows: list[Row]
    after: int | None


class UnitGrid(msgspec.Struct, frozen=True):
    """`cells`: for every so many units in a row the state that most needs to be seen. `counts`: units in each state.

    What needs to be seen most, first: quarantined, failed, leased, pending, done.
    """

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
    transaction: Transaction, run: Run, *, states: Collection[UnitState], after: int | None, limit: int
) -> UnitPage:
    """Return the units of a run in these states that follow the one numbered `after`.

    What the run's counters say there is none of is not looked for: not to be found, it would cost the whole ledger.
    """
    sought = [state for state in states if _may_have(run, state)]
    if not sought:
        return UnitPage([], None)
    rows = transaction.all(
        f"SELECT * FROM {in_states(transaction, sought)} AND run_seq = :run AND ordinal > :after"
        " ORDER BY ordinal LIMIT :limit",
        run=run.seq,
        after=BEFORE_ALL if after is None else after,
        limit=limit + 1,
    )
    return UnitPage(rows[:limit], rows[limit - 1]["ordinal"] if len(rows) > limit else None)


def unit_grid(transaction: Transaction, run: Run, per_cell: int) -> UnitGrid:
    """Return how a run's units stand: from its counters, and a few look-ups for each square, however many it is of.

    A square without units is left out: they were pruned.
    """
    under_way = [
        int(row["ordinal"])
        for row in transaction.all(
            f"SELECT ordinal FROM {in_states(transaction, [UnitState.LEASED])} AND run_seq = :run", run=run.seq
        )
    ]
    within = "run_seq = :run AND ordinal >= first AND ordinal < first + :per_cell"
    failing = in_states(transaction, [UnitState.FAILED, UnitState.QUARANTINED])
    rows = transaction.all(
        "WITH RECURSIVE cell (first) AS (SELECT 0 UNION ALL"
        " SELECT first + :per_cell FROM cell WHERE first + :per_cell < :total) SELECT first,"
        # Of the two words the worse one is the last of the alphabet.
        f" (SELECT MAX(state) FROM (SELECT state FROM {failing} AND {within} ORDER BY ordinal LIMIT :looked_at) seen)"
        f" AS failing, EXISTS (SELECT 1 FROM {in_states(transaction, [UnitState.PENDING])} AND {within}) AS pending,"
        f" EXISTS (SELECT 1 FROM sync_unit WHERE {within}) AS held FROM cell ORDER BY first",
        run=run.seq,
        per_cell=per_cell,
        total=run.total,
        looked_at=LOOKED_AT,
    )
    at_work = {ordinal // per_cell for ordinal in under_way}
    cells = [
        UnitState(row["failing"])
        if row["failing"]
        else UnitState.LEASED
        if row["first"] // per_cell in at_work
        else UnitState.PENDING
        if row["pending"]
        else UnitState.DONE
        for row in rows
        if row["held"]
    ]
    counts = {
        UnitState.PENDING: max(0, run.total - run.done - run.failed - len(under_way)),
        UnitState.LEASED: len(under_way),
        UnitState.DONE: run.done,
        UnitState.FAILED: run.failed - run.quarantined,
        UnitState.QUARANTINED: run.quarantined,
    }
    return UnitGrid(cells, counts)


def _may_have(run: Run, state: UnitState) -> bool:
    """Whether a run may have units in a state: pending and leased ones have an index that tells as quickly."""
    if state is UnitState.DONE:
        return run.done > 0
    if state is UnitState.QUARANTINED:
        return run.quarantined > 0
    return state is not UnitState.FAILED or run.failed > run.quarantined
