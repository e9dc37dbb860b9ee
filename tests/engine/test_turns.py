"""Turns: runs that store the same rows work one after the other, and nobody has to push them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from redis import Redis

from synctl.engine import registry
from synctl.engine.control import Control
from synctl.engine.enqueue import Enqueued, Enqueuer, Order
from synctl.engine.holders import holders
from synctl.engine.lease import acquire
from synctl.engine.reaper import Reaper
from synctl.engine.view import views
from synctl.errors import Busy, Fenced
from synctl.resource import Selectors
from synctl.states import RunState
from synctl.store import runs
from synctl.store.db import Database
from synctl.store.runs import Run
from tests.engine.fakes import ACTOR, FakeResource, age, end, expected, get, take

QUEUE = "rq:queue:fake-sync"
Enqueue = Callable[..., Enqueued]


@pytest.fixture
def enqueue(enqueuer: Enqueuer, monkeypatch: pytest.MonkeyPatch) -> Enqueue:
    """Queue a run over some cities; the engine knows the resource."""
    monkeypatch.setattr(registry, "load", lambda _name: FakeResource())
    return lambda *cities, **order: enqueuer.enqueue(
        FakeResource(), Selectors(city=cities), Order(**{"shards": 1, **order})
    )


def _queue(client: Redis) -> list[str]:
    return [str(job).rpartition("-s")[0] for job in client.lrange(QUEUE, 0, -1)]


def test_the_next_waits_without_a_job_in_the_queue_and_others_pass_it(
    enqueue: Enqueue, database: Database, client: Redis
) -> None:
    first, second, third = enqueue("a", "b"), enqueue("b", "c"), enqueue("d")
    assert (first.waits_for, second.waits_for, third.waits_for) == ("", first.run.id, "")
    assert _queue(client) == [first.run.id, third.run.id]
    view = views([get(database, second.run.id)], client)[0]
    assert (view.run.state, view.note) == (RunState.QUEUED, f"waiting for {first.run.id}")
    assert view.as_json()["waits_for"] == first.run.id
    assert enqueue("c", "b").waits_for == first.run.id  # asked again: the same run, and it still waits


def test_whoever_is_ahead_counts_not_only_who_works(enqueue: Enqueue) -> None:
    enqueue("a", "b")
    middle = enqueue("b", "c")
    assert enqueue("c", "d").waits_for == middle.run.id


@pytest.mark.parametrize("verb", ["pause", "cancel", "delete"])
def test_the_next_starts_by_itself_when_the_first_rests(
    enqueue: Enqueue, control: Control, database: Database, client: Redis, verb: str
) -> None:
    first, second = enqueue("a", "b"), enqueue("b", "c")
    getattr(control, verb)(first.run.id)
    assert _queue(client) == [second.run.id]
    assert get(database, second.run.id).waits_for == ""


def test_a_dead_first_that_was_cancelled_gives_way(
    enqueue: Enqueue, control: Control, database: Database, client: Redis
) -> None:
    first, second = enqueue("a", "b"), enqueue("b", "c")
    take(database, client, first.run.id)
    assert control.cancel(first.run.id).state is RunState.CANCELLING
    assert _queue(client) == []
    client.flushall()  # its holder is gone
    assert control.wait(first.run.id, lambda run: run.state is RunState.CANCELLED, 10).state is RunState.CANCELLED
    assert _queue(client) == [second.run.id]


def test_a_resumed_run_waits_for_the_one_that_went_on_meanwhile(
    enqueue: Enqueue, control: Control, database: Database, client: Redis
) -> None:
    first, second = enqueue("a", "b"), enqueue("b", "c")
    control.pause(first.run.id)
    take(database, client, second.run.id)
    resumed = control.resume(first.run.id)
    assert (resumed.state, resumed.waits_for) == (RunState.QUEUED, second.run.id)
    assert _queue(client) == []


def test_no_wait_says_who_is_ahead_and_holds_it_and_creates_nothing(
    enqueue: Enqueue, database: Database, client: Redis
) -> None:
    first = enqueue("a", "b", shards=2)
    with pytest.raises(Busy, match=f"{first.run.id} is ahead .*: queued, held by no worker"):
        enqueue("b", "c", no_wait=True)
    one, _ = take(database, client, first.run.id)
    with pytest.raises(Busy, match=f"{first.run.id} is ahead .*: running, held by {one.holder} for 0 s"):
        enqueue("b", "c", no_wait=True)
    with database.read() as transaction:
        assert [run.id for run in runs.listing(transaction)] == [first.run.id]
    assert enqueue("d", no_wait=True).waits_for == ""


def test_no_wait_joins_no_run_that_waits(enqueue: Enqueue) -> None:
    first = enqueue("a", "b")
    enqueue("b", "c")
    with pytest.raises(Busy, match=first.run.id):
        enqueue("b", "c", no_wait=True)


def test_a_resource_that_cannot_compare_takes_turns_and_hurts_nobody(
    enqueue: Enqueue, database: Database, reaper: Reaper, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(FakeResource):
        def overlap(self, one: object, other: object) -> bool:
            raise KeyError("cities")

    monkeypatch.setattr(registry, "load", lambda _name: Broken())
    first = enqueue("a")
    assert enqueue("b").waits_for == first.run.id
    with database.write() as transaction:
        transaction.execute("UPDATE run SET waits_for = 'gone' WHERE waits_for <> ''")
    assert reaper.reap() == []


def test_two_that_were_queued_at_the_same_moment_do_not_both_start(
    enqueue: Enqueue, database: Database, client: Redis
) -> None:
    """The younger one's job was pushed before anybody knew of the older one."""
    first, second = enqueue("a", "b"), enqueue("b", "c")
    with database.write() as transaction:
        runs.wait_for(transaction, get(database, second.run.id), "")
    (job,) = expected(database, second.run.id)
    with pytest.raises(Fenced, match=f"waits for {first.run.id}"):
        acquire(database, client, second.run.id, job.shard, job.attempt, ttl_ms=1000, actor=ACTOR)
    assert get(database, second.run.id).waits_for == first.run.id
    assert len(take(database, client, first.run.id)) == 1


def test_the_reaper_leaves_who_waits_and_queues_whose_turn_has_come(
    enqueue: Enqueue, database: Database, client: Redis, reaper: Reaper
) -> None:
    first, second = enqueue("a", "b"), enqueue("b", "c")
    age(database)
    assert reaper.look() == []
    _end(database, first.run)
    client.flushall()
    (finding,) = reaper.look()
    assert (finding.run_id, finding.action) == (second.run.id, "queue it")
    assert _queue(client) == []
    assert reaper.reap() == [finding]
    assert _queue(client) == [second.run.id]
    assert reaper.look() == []


def test_the_end_of_a_run_queues_who_waited(
    enqueue: Enqueue, database: Database, client: Redis, reaper: Reaper
) -> None:
    first, second = enqueue("a", "b"), enqueue("b", "c")
    end(database, client, first.run.id)
    reaper.next_turns("fake")
    assert _queue(client) == [second.run.id]


def test_holders_are_named_with_their_age_and_who_waits(enqueue: Enqueue, database: Database, client: Redis) -> None:
    first, second = enqueue("a", "b"), enqueue("b", "c")
    take(database, client, first.run.id)
    with database.read() as transaction:
        (holder,) = holders(transaction, client)
    assert (holder.run.id, holder.shard, holder.waiting) == (first.run.id, 0, (second.run.id,))
    assert (holder.host, holder.pid) != ("", None)
    assert holder.held_s >= 0
    assert holder.heartbeat_s is None  # a worker that is played writes no progress


def _end(database: Database, run: Run) -> None:
    with database.write() as transaction:
        runs.transition(transaction, run, RunState.FAILED, ACTOR)
