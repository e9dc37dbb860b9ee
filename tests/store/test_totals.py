"""Totals over runs, on every kind of database."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

from synctl.states import RunState
from synctl.store import runs, shards, totals
from synctl.store.db import Database, open_database, sqlite_path
from synctl.store.runs import Actor, NewRun
from tests.store.databases import migrated

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


def test_what_is_stored_is_added_up_by_resource(database: Database) -> None:
    units = [("prayer", "a", 31, 5000), ("quran", "b", 6236, 4000), ("prayer", "c", 30, 3000), ("hadith", "d", 0, 1)]
    with database.write() as transaction:
        for resource, key, rows, at in units:
            transaction.execute(
                "INSERT INTO stored_unit (resource, key, source, run_id, synced_at, rows)"
                " VALUES (:resource, :key, 'here', 'r', :at, :rows)",
                resource=resource,
                key=key,
                at=at,
                rows=rows,
            )
    with database.read() as transaction:
        found = [tuple(dict(row).values()) for row in totals.stored(transaction)]
    assert found == [("hadith", 1, 0, 1, 1), ("prayer", 2, 61, 3000, 5000), ("quran", 1, 6236, 4000, 4000)]


def test_what_is_stored_is_added_up_without_a_look_at_the_table(tmp_path: Path) -> None:
    """With 1.6 million units the table is 300 MB."""
    asked: list[str] = []
    with migrated("sqlite", tmp_path) as url, closing(open_database(url)) as database, database.write() as transaction:
        transaction.execute(
            "INSERT INTO stored_unit (resource, key, source, run_id, synced_at, rows) VALUES ('a', 'b', '', '', 1, 1)"
        )
        raw = sqlite3.connect(sqlite_path(url))
        transaction.raw.set_trace_callback(asked.append)  # type: ignore[attr-defined]
        totals.stored(transaction)
        transaction.raw.set_trace_callback(None)  # type: ignore[attr-defined]
        plans = [
            line[3]
            for query in asked
            for line in raw.execute(f"EXPLAIN QUERY PLAN {query}")
            if "stored_unit" in line[3]
        ]
        raw.close()
    assert len(asked) == 2
    assert [plan for plan in plans if "USING COVERING INDEX" not in plan] == []
