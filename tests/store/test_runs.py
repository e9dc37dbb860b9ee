"""Runs in SQL: found by a part of their id, created once, and changed by exactly one of many that ask."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from synctl.errors import IllegalTransition, NotFound
from synctl.states import RunState
from synctl.store import runs, trail
from synctl.store.db import Database
from synctl.store.runs import Actor, NewRun

ACTOR = Actor("somebody", "a test")
MANY = 8


def _create(database: Database, run_id: str) -> int | None:
    new = NewRun(run_id, "fake", "here", "2026-01-01", "{}", "", 1, 1)
    with database.write() as transaction:
        return runs.create(transaction, new, ACTOR, "")


@pytest.mark.parametrize(
    ("origin", "target"),
    [("queued", "running"), ("running", "pausing"), ("pausing", "paused"), ("partial", "queued")],
)
def test_of_many_that_ask_at_once_exactly_one_changes_the_state(database: Database, origin: str, target: str) -> None:
    _create(database, "r")
    with database.write() as transaction:
        transaction.execute("UPDATE run SET state = :state", state=origin)
        run = runs.get(transaction, "r")
    barrier = Barrier(MANY)

    def ask(_: int) -> bool:
        barrier.wait(timeout=30)
        with database.write() as transaction:
            return runs.transition(transaction, run, RunState(target), ACTOR, reason="why")

    with ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(ask, range(MANY)))
    assert sorted(answers) == [False] * (MANY - 1) + [True]
    with database.read() as transaction:
        events = [(event["kind"], event["state"]) for event in runs.events(transaction, "r")]
    assert events == [("created", "queued"), ("state", target)]


def test_of_many_that_create_at_once_exactly_one_does(database: Database) -> None:
    barrier = Barrier(MANY)

    def create(_: int) -> int | None:
        barrier.wait(timeout=30)
        return _create(database, "r")

    with ThreadPoolExecutor(MANY) as pool:
        answers = list(pool.map(create, range(MANY)))
    assert sum(answer is not None for answer in answers) == 1


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("prayer-20260101-aaaa", "prayer-20260101-aaaa"),
        ("aaaa", "prayer-20260101-aaaa"),
        ("bbbb", "prayer-20260101-bbbb"),
        ("prayer", None),
        ("nothing", None),
        ("%aaaa", None),
        ("_aaaa", None),
        ("a\\a", None),
    ],
)
def test_a_run_is_named_by_a_part_that_no_other_has(database: Database, name: str, found: str | None) -> None:
    for run_id in ("prayer-20260101-aaaa", "prayer-20260101-bbbb"):
        _create(database, run_id)
    with database.read() as transaction:
        if found is None:
            with pytest.raises(NotFound):
                runs.get(transaction, name)
        else:
            assert runs.get(transaction, name).id == found


def test_an_ended_run_that_starts_again_is_no_longer_finished_and_keeps_its_first_start(database: Database) -> None:
    _create(database, "r")
    path = [RunState.RUNNING, RunState.PARTIAL, RunState.QUEUED, RunState.RUNNING, RunState.SUCCEEDED]
    started = []
    with database.write() as transaction:
        run = runs.get(transaction, "r")
        for target in path:
            assert runs.transition(transaction, run, target, ACTOR)
            now = runs.get(transaction, "r")
            started.append(now.started_at)
            assert (now.finished_at is not None) is (target in {RunState.PARTIAL, RunState.SUCCEEDED})
        with pytest.raises(IllegalTransition, match="cannot pause r: it is succeeded"):
            runs.require_transition(transaction, run, RunState.PAUSING, ACTOR, reason="", verb="pause")
    assert len(set(started)) == 1


def test_runs_and_events_are_found_by_age_and_kind(database: Database) -> None:
    for name in ("old-1", "old-2", "new-1"):
        _create(database, name)
    with database.write() as transaction:
        transaction.execute("UPDATE run SET state = 'failed', finished_at = 1000 WHERE id = 'old-1'")
        transaction.execute("UPDATE run_event SET at = 1000 WHERE run_id = 'old-1'")
        runs.record(transaction, "old-1", "stalled", RunState.RUNNING, ACTOR, "")
    with database.read() as transaction:
        assert {run.id for run in runs.listing(transaction, since=1001)} == {"old-2", "new-1"}
        assert {run.id for run in runs.listing(transaction, since=1000)} == {"old-1", "old-2", "new-1"}
        assert [event["kind"] for event in runs.events(transaction, "old-1", since=1001)] == ["stalled"]
        assert len(runs.events(transaction, None, kinds={"created"})) == 3
        assert len(runs.events(transaction, "old-1", kinds=["created", "stalled"])) == 2
        assert trail.kinds(transaction) == ["created", "stalled"]


def test_runs_that_work_are_listed_before_those_that_wait_and_those_that_ended(database: Database) -> None:
    states = ["succeeded", "paused", "running", "queued", "pausing", "cancelling", "failed"]
    for number, state in enumerate(states):
        seq = _create(database, f"r-{number}")
        with database.write() as transaction:
            transaction.execute(
                "UPDATE run SET state = :state, created_at = :at WHERE seq = :seq",
                state=state,
                at=number,
                seq=seq,
            )
    with database.read() as transaction:
        listed = [str(run.state) for run in runs.listing(transaction)]
    assert listed == ["cancelling", "pausing", "running", "queued", "paused", "failed", "succeeded"]


def test_a_mistyped_id_is_suggested_only_where_it_can_be_meant(database: Database) -> None:
    _create(database, "prayer-20261124-1f0c7e2ab4")
    with database.read() as transaction:
        with pytest.raises(NotFound, match=r"did you mean prayer-20261124-1f0c7e2ab4\?"):
            runs.get(transaction, "prayer-20261124-1f0c7e2ad4")
        with pytest.raises(NotFound) as caught:
            runs.get(transaction, "prayer-20261124-aaaaaaaaaa")
    assert "did you mean" not in str(caught.value)
