"""The reaper: what is dead goes on, what lives is left alone, and looking changes nothing."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing

import pytest
from redis import Redis

from synctl.engine.control import Control
from synctl.engine.enqueue import Enqueuer, Order
from synctl.engine.reaper import Reaper
from synctl.errors import Fenced
from synctl.resource import Selectors
from synctl.states import RunState
from synctl.store import ledger, runs
from synctl.store.db import Database
from synctl.store.ledger import Settled
from tests.engine.fakes import CITIES, FakeResource, age, die, expected, get, take

QUEUE = "rq:queue:fake-sync"


@pytest.fixture
def run_id(enqueuer: Enqueuer) -> str:
    return enqueuer.enqueue(FakeResource(), Selectors(city=CITIES), Order()).run.id


@pytest.fixture
def dump(database: Database, connection: Redis) -> Callable[[], object]:
    """All that Redis and SQL hold."""

    def everything() -> object:
        redis = {key: (connection.type(key), connection.dump(key)) for key in sorted(connection.keys("*"))}
        with closing(sqlite3.connect(database.location)) as raw:
            return redis, list(raw.iterdump())

    return everything


def _kill_all(database: Database, client: Redis, control: Control, run_id: str) -> None:
    die(client, run_id, *take(database, client, run_id))


def _flush(database: Database, client: Redis, control: Control, run_id: str) -> None:
    client.flushall()


def _dead_while_pausing(database: Database, client: Redis, control: Control, run_id: str) -> None:
    leases = take(database, client, run_id)
    control.pause(run_id)
    die(client, run_id, *leases)


def _dead_while_cancelling(database: Database, client: Redis, control: Control, run_id: str) -> None:
    leases = take(database, client, run_id)
    control.cancel(run_id)
    die(client, run_id, *leases)


def _no_shards(database: Database, client: Redis, control: Control, run_id: str) -> None:
    with database.write() as transaction:
        transaction.execute("DELETE FROM run_shard")
    client.flushall()


DEATHS = [
    (_kill_all, 2, RunState.RUNNING),
    (_flush, 2, RunState.QUEUED),
    (_dead_while_pausing, 1, RunState.PAUSED),
    (_dead_while_cancelling, 1, RunState.CANCELLED),
    (_no_shards, 1, RunState.QUEUED),
]


@pytest.mark.parametrize(("death", "findings", "state"), DEATHS)
def test_what_died_is_found_without_a_change_and_mended_once(
    database: Database,
    client: Redis,
    control: Control,
    reaper: Reaper,
    run_id: str,
    dump: Callable[[], object],
    death: Callable[[Database, Redis, Control, str], None],
    findings: int,
    state: RunState,
) -> None:
    death(database, client, control, run_id)
    age(database)
    before = dump()
    found = reaper.look()
    assert dump() == before
    assert len(found) == findings
    assert reaper.reap() == found
    assert get(database, run_id).state is state
    jobs = [job.job_id for job in expected(database, run_id)]
    assert sorted(client.lrange(QUEUE, 0, -1)) == sorted(jobs)
    assert bool(jobs) is (state in {RunState.RUNNING, RunState.QUEUED})
    assert reaper.look() == reaper.reap() == []


def test_a_dead_shard_gets_its_next_attempt_and_its_units_and_the_dead_are_fenced(
    database: Database, client: Redis, reaper: Reaper, run_id: str
) -> None:
    dead, alive = take(database, client, run_id)
    with database.write() as transaction:
        lost = ledger.claim(transaction, dead, 2)
        kept = ledger.claim(transaction, alive, 2)
    die(client, run_id, dead)
    age(database)
    before = expected(database, run_id)
    (finding,) = reaper.reap()
    assert "is gone" in finding.what
    after = expected(database, run_id)
    assert after[0].attempt > max(shard.attempt for shard in before)
    assert after[1] == before[1]
    assert client.lrange(QUEUE, 0, 0) == [after[0].job_id]  # at the front: it waited once
    with database.read() as transaction:
        rows = transaction.all("SELECT ordinal, state FROM sync_unit ORDER BY ordinal")
        assert runs.events(transaction, run_id)[-1]["kind"] == "taken-over"
    assert [row["state"] for row in rows] == ["pending"] * 2 + ["leased"] * 2
    with pytest.raises(Fenced), database.write() as transaction:
        ledger.commit(transaction, dead, [Settled(unit, 1) for unit in lost], "fake", "here")
    with database.write() as transaction:
        assert ledger.commit(transaction, alive, [Settled(unit, 1) for unit in kept], "fake", "here").done == 2


@pytest.mark.parametrize("verb", [None, "pause", "cancel"])
def test_what_lives_is_left_alone(
    database: Database,
    client: Redis,
    control: Control,
    reaper: Reaper,
    run_id: str,
    dump: Callable[[], object],
    verb: str | None,
) -> None:
    take(database, client, run_id)
    age(database)
    if verb:
        getattr(control, verb)(run_id)
    client.persist(f"synctl:lease:{run_id}:0")
    before = dump()
    assert reaper.look() == reaper.reap() == []
    assert dump() == before


def test_a_job_that_waits_and_one_that_just_left_the_queue_are_left_alone(
    database: Database, client: Redis, reaper: Reaper, run_id: str
) -> None:
    client.delete(QUEUE)
    assert reaper.look() == []  # it may be starting
    shard = expected(database, run_id)[0]
    age(database)
    client.rpush(QUEUE, *(job.job_id for job in expected(database, run_id)))
    assert reaper.look() == []
    assert expected(database, run_id)[0].attempt == shard.attempt


def test_of_two_reapers_with_the_same_finding_one_queues_it(
    database: Database, client: Redis, reaper: Reaper, run_id: str
) -> None:
    client.flushall()
    shard = expected(database, run_id)[0]
    assert [reaper.requeue(shard), reaper.requeue(shard)] == [True, False]
    assert client.llen(QUEUE) == 1


def test_a_shard_that_was_taken_since_it_was_looked_at_is_left_alone(
    database: Database, client: Redis, reaper: Reaper, run_id: str
) -> None:
    """Its job had just left the queue: the finding was true, but is not any more."""
    seen, *_ = expected(database, run_id)
    lease, *_ = take(database, client, run_id)
    assert reaper.requeue(seen) is False
    with database.write() as transaction:
        ledger.guard(transaction, lease)
