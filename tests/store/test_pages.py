"""Pages of runs and units: each thing once, whatever is written between two pages; and the grid of units."""

from __future__ import annotations

import random
from collections.abc import Sequence

import pytest

from synctl.states import RunState, UnitState
from synctl.store import ledger, pages, runs, units
from synctl.store.db import Database
from synctl.store.runs import Actor, NewRun

ACTOR = Actor("somebody", "a test")
NEED = ("quarantined", "failed", "leased", "pending", "done")


def make(database: Database, *names: str, resource: str = "prayer", units: int = 1) -> int:
    seq = None
    with database.write() as transaction:
        for name in names:
            new = NewRun(name, resource, "here", "2026-01-01", "{}", "", 1, units)
            seq = runs.create(transaction, new, ACTOR, "")
            assert seq is not None
            ledger.add_units(transaction, seq, (ledger.NewUnit(f"u{n}", [n, "x"]) for n in range(units)))
    assert seq is not None
    return seq


def set_states(database: Database, seq: int, states: Sequence[str]) -> runs.Run:
    """Put the units of a run into these states, and its counters with them, as the ledger does; return the run."""
    with database.write() as transaction:
        for ordinal, state in enumerate(states):
            transaction.execute(
                "UPDATE sync_unit SET state = :state WHERE run_seq = :seq AND ordinal = :ordinal",
                state=state, seq=seq, ordinal=ordinal,
            )  # fmt: skip
        transaction.execute(
            "UPDATE run SET done = :done, failed = :failed, quarantined = :quarantined WHERE seq = :seq",
            done=states.count("done"), failed=states.count("failed") + states.count("quarantined"),
            quarantined=states.count("quarantined"), seq=seq,
        )  # fmt: skip
    return run_of(database, seq)


def run_of(database: Database, seq: int) -> runs.Run:
    with database.read() as transaction:
        return next(run for run in runs.listing(transaction) if run.seq == seq)


def change(database: Database, sql: str, **values: object) -> None:
    with database.write() as transaction:
        transaction.execute(sql, **values)


def page_of_runs(database: Database, before: int | None, **asked: object) -> pages.RunPage:
    every: dict[str, object] = {"states": list(RunState), "resource": None, "since": 0, "limit": 2, **asked}
    with database.read() as transaction:
        return pages.runs_page(transaction, before=before, **every)  # type: ignore[arg-type]


def test_pages_of_runs_do_not_shift_when_runs_come_and_go(database: Database) -> None:
    make(database, *(f"run-{n}" for n in range(7)))
    seen, before = [], None
    for step in range(10):
        page = page_of_runs(database, before)
        seen += [run.id for run in page.runs]
        if page.before is None:
            break
        before = page.before
        make(database, f"later-{step}")  # newer than where we are
        change(database, "DELETE FROM run WHERE id = :id", id=seen[-1])  # the page began there
    assert seen == [f"run-{n}" for n in reversed(range(7))]


def test_a_page_that_ends_with_the_last_run_leads_nowhere(database: Database) -> None:
    assert page_of_runs(database, None) == pages.RunPage([], None)
    make(database, "run-0", "run-1")
    assert page_of_runs(database, None).before is None


def test_runs_are_chosen_by_state_resource_and_age(database: Database) -> None:
    make(database, "old", "new")
    make(database, "other", resource="quran")
    change(database, "UPDATE run SET state = 'succeeded', finished_at = 1000 WHERE id = 'old'")
    change(database, "UPDATE run SET state = 'failed', finished_at = 2000 WHERE id = 'new'")

    def chosen(**asked: object) -> list[str]:
        return [run.id for run in page_of_runs(database, None, **{"limit": 9, **asked}).runs]

    assert chosen() == ["other", "new", "old"]
    assert chosen(resource="prayer") == ["new", "old"]
    assert chosen(states=[RunState.SUCCEEDED]) == ["old"]
    assert chosen(since=1500) == ["other", "new"]
    assert chosen(resource="prayer", states=[RunState.QUEUED]) == []
    assert chosen(resource="' OR 1=1 --") == []


def test_pages_of_units_have_each_unit_once_though_they_settle_meanwhile(database: Database) -> None:
    seq = make(database, "run-0", units=10)
    make(database, "run-1", units=10)
    seen: list[int] = []
    after = None
    while True:
        run = run_of(database, seq)
        with database.read() as transaction:
            page = pages.units_page(transaction, run, states=list(UnitState), after=after, limit=3)
        seen += [row["ordinal"] for row in page.rows]
        after = page.after
        if after is None:
            break
        change(database, "UPDATE sync_unit SET state = 'done' WHERE ordinal = :ordinal", ordinal=after + 1)
        change(database, "UPDATE run SET done = done + 1")
    assert seen == list(range(10))
    run = set_states(
        database, seq, [*["pending"] * 3, "done", "pending", "pending", *["done", "pending", "pending"], "done"]
    )
    with database.read() as transaction:
        done = pages.units_page(transaction, run, states=[UnitState.DONE], after=4, limit=9)
    assert ([row["ordinal"] for row in done.rows], done.after) == ([6, 9], None)


@pytest.mark.parametrize("per_cell", [1, 2, 3, 7, 100])
def test_a_square_shows_of_its_units_the_one_that_most_needs_to_be_seen(database: Database, per_cell: int) -> None:
    chance = random.Random(per_cell)
    states = [chance.choice(NEED) for _ in range(50)]
    seq = make(database, "run-0", units=len(states))
    make(database, "run-1", units=3)
    run = set_states(database, seq, states)
    with database.read() as transaction:
        grid = pages.unit_grid(transaction, run, per_cell)
    squares = [states[at : at + per_cell] for at in range(0, len(states), per_cell)]
    assert grid.cells == [min(square, key=NEED.index) for square in squares]
    assert grid.counts == {state: states.count(state) for state in UnitState}


def test_what_was_pruned_is_counted_and_leaves_no_square(database: Database) -> None:
    seq = make(database, "run-0", units=6)
    run = set_states(database, seq, ["done", "done", "failed", "quarantined", "done", "done"])
    change(database, "DELETE FROM sync_unit WHERE state = 'done'")
    with database.read() as transaction:
        grid = pages.unit_grid(transaction, run, 2)
    assert grid.cells == [UnitState.QUARANTINED]
    assert grid.counts == {
        UnitState.PENDING: 0, UnitState.LEASED: 0, UnitState.DONE: 4, UnitState.FAILED: 1, UnitState.QUARANTINED: 1,
    }  # fmt: skip


@pytest.mark.parametrize("state", [UnitState.DONE, UnitState.FAILED, UnitState.QUARANTINED])
def test_units_in_a_state_that_no_counter_knows_are_not_looked_for(database: Database, state: UnitState) -> None:
    others = [one for one in NEED if one != state]
    run = set_states(database, make(database, "run-0", units=len(others)), others)
    with database.read() as transaction:
        assert pages.units_page(transaction, run, states=[state], after=None, limit=9) == pages.UnitPage([], None)
        rest = pages.units_page(transaction, run, states=list(UnitState), after=None, limit=9)
    assert [row["state"] for row in rest.rows] == others


def test_causes_are_told_of_the_first_units_that_failed_where_that_is_asked(database: Database) -> None:
    seq = make(database, "run-0", units=5)
    set_states(database, seq, ["done", *["failed"] * 4])
    change(database, "UPDATE sync_unit SET message = CASE WHEN ordinal < 3 THEN 'early' ELSE 'late' END")
    with database.read() as transaction:
        assert [(one.message, one.count) for one in units.causes(transaction, seq, 3)] == [("early", 2), ("late", 1)]
        assert sum(one.count for one in units.causes(transaction, seq)) == 4
