"""Pages of runs and units: each thing once, whatever is written between two pages; and the grid of units."""

from __future__ import annotations

import random
from collections.abc import Collection, Sequence

import pytest

from synctl.states import RunState, UnitState
from synctl.store import ledger, pages, runs
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
        with database.read() as transaction:
            page = pages.units_page(transaction, seq, states=list(UnitState), after=after, limit=3)
        seen += [row["ordinal"] for row in page.rows]
        after = page.after
        if after is None:
            break
        change(database, "UPDATE sync_unit SET state = 'done' WHERE ordinal = :ordinal", ordinal=after + 1)
    assert seen == list(range(10))
    with database.read() as transaction:
        done = pages.units_page(transaction, seq, states=[UnitState.DONE], after=4, limit=9)
    assert ([row["ordinal"] for row in done.rows], done.after) == ([6, 9], None)


NEVER: Sequence[Collection[str]] = ((), ("failed",), ("quarantined",), NEED[:2])
"""Where a state does not occur, less is looked at."""


@pytest.mark.parametrize("without", NEVER)
@pytest.mark.parametrize("per_cell", [1, 2, 3, 7, 100])
def test_a_square_shows_of_its_units_the_one_that_most_needs_to_be_seen(
    database: Database, per_cell: int, without: Collection[str]
) -> None:
    chance = random.Random(per_cell)
    states = [chance.choice([state for state in NEED if state not in without]) for _ in range(50)]
    seq = make(database, "run-0", units=len(states))
    make(database, "run-1", units=3)
    with database.write() as transaction:
        for ordinal, state in enumerate(states):
            transaction.execute(
                "UPDATE sync_unit SET state = :state WHERE run_seq = :seq AND ordinal = :ordinal",
                state=state, seq=seq, ordinal=ordinal,
            )  # fmt: skip
        counted = {state: states.count(state) for state in UnitState}
        transaction.execute(
            "UPDATE run SET done = :done, failed = :failed, quarantined = :quarantined WHERE seq = :seq",
            done=counted[UnitState.DONE], failed=counted[UnitState.FAILED] + counted[UnitState.QUARANTINED],
            quarantined=counted[UnitState.QUARANTINED], seq=seq,
        )  # fmt: skip
    with database.read() as transaction:
        grid = pages.unit_grid(transaction, runs.get(transaction, "run-0"), per_cell)
    squares = [states[at : at + per_cell] for at in range(0, len(states), per_cell)]
    assert grid.cells == [min(square, key=NEED.index) for square in squares]
    assert grid.counts == counted
