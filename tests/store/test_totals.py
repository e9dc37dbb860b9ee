"""Totals over runs, on every kind of database."""

from __future__ import annotations

from synctl.states import RunState
from synctl.store import runs, shards, totals
from synctl.store.db import Database
from synctl.store.runs import Actor, NewRun

ACTOR = Actor("somebody", "a test")


def _run(database: Database, name: str, *states: RunState, waits_for: str = "", total: int = 4) -> None:
    with database.write() as transaction:
        runs.create(transaction, NewRun(name, "prayer", "here", "2026-11-24", "{}", "", 1, total), ACTOR, "")
        run = runs.get(transaction, name)
        shards.expect(transaction, run.seq, 1)
        for state in states:
            assert runs.transition(transaction, run, state, ACTOR)
        transaction.execute("UPDATE run SET done = 2, failed = 1, rows = 20, changed = 10 WHERE id = :id", id=name)
        runs.wait_for(transaction, run, waits_for)


def test_runs_are_added_up_by_resource_and_state(database: Database) -> None:
    for number in range(3):
        _run(database, f"run-{number}", RunState.RUNNING)
    _run(database, "failed", RunState.RUNNING, RunState.FAILED)
    with database.read() as transaction:
        found = {row["state"]: dict(row) for row in totals.runs_by_state(transaction)}
    assert set(found) == {"running", "failed"}
    assert {name: int(value) for name, value in found["running"].items() if name not in ("resource", "state")} == {
        "runs": 3, "total": 12, "done": 6, "failed": 3, "quarantined": 0, "unchanged": 0, "rows": 60, "changed": 30,
    }  # fmt: skip


def test_the_last_run_that_ended_and_the_last_success(database: Database) -> None:
    _run(database, "good", RunState.RUNNING, RunState.SUCCEEDED)
    _run(database, "bad", RunState.RUNNING, RunState.PARTIAL)
    _run(database, "live", RunState.RUNNING)
    with database.write() as transaction:
        for name, at in (("good", 1000), ("bad", 2000)):
            transaction.execute("UPDATE run SET finished_at = :at WHERE id = :id", at=at, id=name)
    with database.read() as transaction:
        (row,) = totals.last_ended(transaction)
    assert (row["resource"], row["state"], row["succeeded_at"]) == ("prayer", "partial", 1000)


def test_queued_runs_by_what_they_wait_for(database: Database) -> None:
    _run(database, "first")
    _run(database, "second", waits_for="first")
    with database.write() as transaction:
        transaction.execute("UPDATE run_shard SET enqueued_at = 5")
    with database.read() as transaction:
        (row,) = totals.queued(transaction)
    assert (int(row["for_worker"]), int(row["for_turn"]), row["since"]) == (1, 1, 5)


def test_nothing_is_added_up_to_nothing(database: Database) -> None:
    with database.read() as transaction:
        for total in (totals.runs_by_state, totals.last_ended, totals.queued, totals.stored, totals.quarantined):
            assert total(transaction) == []
