"""One stream of events: kept ones by id, none twice and none missing; progress when a run moves."""

from __future__ import annotations

import pytest

from synctl.clock import now_ms
from synctl.engine import events
from synctl.engine.events import Follower, latest, read
from synctl.engine.progress import Progress
from synctl.engine.view import RunView
from synctl.states import RunState
from synctl.store import runs
from synctl.store.db import Database
from synctl.store.runs import NewRun
from tests.engine.fakes import ACTOR, get

OLD = now_ms() - 60_000


def made(database: Database, number: int) -> str:
    run_id = f"fake-20261124-{number:010x}"
    with database.write() as transaction:
        new = NewRun(run_id, "fake", "here", "2026-11-24", "{}", "a fake", shards=1, total=1)
        assert runs.create(transaction, new, ACTOR, "why") is not None
    return run_id


def test_events_follow_an_id_in_their_order(database: Database) -> None:
    one, two = made(database, 1), made(database, 2)
    with database.write() as transaction:
        runs.transition(transaction, runs.get(transaction, one), RunState.PAUSED, ACTOR, reason="later")
    with database.read() as transaction:
        first, second, third = read(transaction, 0)
        assert read(transaction, first.id or 0) == [second, third]
        assert latest(transaction) == third.id
    assert [(one.event, one.run, one.state) for one in (first, second, third)] == [
        ("created", one, "queued"), ("created", two, "queued"), ("state", one, "paused"),
    ]  # fmt: skip
    assert (third.who, third.origin, third.reason) == (ACTOR.who, ACTOR.origin, "later")
    assert third.as_json() | {"at": ""} == {
        "id": third.id, "event": "state", "run": one, "at": "", "state": "paused", "who": ACTOR.who,
        "origin": ACTOR.origin, "reason": "later", "progress": None,
    }  # fmt: skip


@pytest.mark.parametrize(("age_ms", "seen"), [(0, 1), (60_000, 2)], ids=["young", "old"])
def test_nothing_is_read_behind_a_gap_that_may_be_filled_yet(database: Database, age_ms: int, seen: int) -> None:
    """An id that PostgreSQL gave to a transaction that has not committed."""
    for number in (1, 2, 3):
        made(database, number)
    with database.write() as transaction:
        transaction.execute("DELETE FROM run_event WHERE id = (SELECT MIN(id) + 1 FROM run_event)")
        transaction.execute("UPDATE run_event SET at = :at", at=now_ms() - age_ms)
    with database.read() as transaction:
        assert len(read(transaction, latest(transaction) - 3)) == seen


def test_a_follower_gives_out_each_event_once_and_progress_when_a_run_moves(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events, "PROGRESS_S", 0.0)
    one, two = made(database, 1), made(database, 2)
    done = [0]

    def look() -> list[RunView]:
        return [RunView(get(database, one), Progress(done=done[0]))]

    follower = Follower(database, look, 0, [one])
    assert [(event.event, event.run) for event in follower.news()] == [("created", one), ("progress", one)]
    assert list(follower.news()) == []
    made(database, 3)
    with database.write() as transaction:
        runs.transition(transaction, runs.get(transaction, one), RunState.RUNNING, ACTOR)
    done[0] = 1
    state, progress = follower.news()
    assert (state.event, state.state) == ("state", "running")
    assert (progress.id, progress.progress and progress.progress["done"]) == (None, 1)
    assert two != one
