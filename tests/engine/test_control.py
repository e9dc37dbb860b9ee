"""Pause, resume, cancel, delete: requests become facts, with or without a living worker."""

from __future__ import annotations

import pytest
from redis import Redis
from redis.exceptions import OutOfMemoryError

from synctl.engine import progress
from synctl.engine.control import Control
from synctl.engine.enqueue import Enqueuer, Order
from synctl.engine.lease import acquire
from synctl.errors import Busy, Fenced, IllegalTransition, NotFound
from synctl.resource import Selectors
from synctl.states import RunState
from synctl.store import ledger, runs
from synctl.store.db import Database
from tests.engine.fakes import ACTOR, CITIES, FakeResource, die, end, expected, get, take

QUEUE = "rq:queue:fake-sync"
ASKED = [("pause", RunState.PAUSED), ("cancel", RunState.CANCELLED)]


@pytest.fixture
def run_id(enqueuer: Enqueuer) -> str:
    return enqueuer.enqueue(FakeResource(), Selectors(city=CITIES), Order()).run.id


@pytest.mark.parametrize(("verb", "fact"), ASKED)
def test_a_request_on_a_queued_run_is_a_fact_at_once(
    control: Control, database: Database, client: Redis, run_id: str, verb: str, fact: RunState
) -> None:
    (job, *_) = expected(database, run_id)
    assert getattr(control, verb)(run_id, "because").state is fact
    assert client.llen(QUEUE) == 0
    assert not client.exists(f"rq:job:{job.job_id}")
    assert expected(database) == []
    assert getattr(control, verb)(run_id).state is fact  # again: nothing to do
    with pytest.raises(Fenced):  # a worker that had taken the job already
        acquire(database, client, run_id, job.shard, job.attempt, ttl_ms=1000, actor=ACTOR)
    with database.read() as transaction:
        kinds = [(event["kind"], event["state"], event["reason"]) for event in runs.events(transaction, run_id)]
    assert kinds == [("created", "queued", ""), ("request", str(fact), "because")]


@pytest.mark.parametrize(("verb", "fact"), ASKED)
def test_a_request_on_a_running_run_waits_for_its_worker_and_not_for_a_dead_one(
    control: Control, database: Database, client: Redis, run_id: str, verb: str, fact: RunState
) -> None:
    leases = take(database, client, run_id)
    with database.write() as transaction:
        ledger.claim(transaction, leases[0], 2)
    asked = getattr(control, verb)(run_id)
    assert asked.state.value in {"pausing", "cancelling"}
    assert progress.read(client, [run_id])[run_id].control == verb
    assert control.wait(run_id, lambda run: run.state is fact, 0).state is asked.state
    die(client, run_id, leases[0])
    assert control.wait(run_id, lambda run: run.state is fact, 0).state is asked.state  # one still lives
    die(client, run_id, *leases)
    assert control.wait(run_id, lambda run: run.state is fact, 30).state is fact
    with database.write() as transaction:
        units = transaction.all("SELECT DISTINCT state FROM sync_unit")
        assert [row["state"] for row in units] == ["pending"]
        with pytest.raises(Fenced):
            ledger.guard(transaction, leases[0])


def test_a_paused_run_is_resumed_with_jobs_of_a_new_attempt_and_without_the_flag(
    control: Control, database: Database, client: Redis, run_id: str
) -> None:
    old = expected(database, run_id)
    control.pause(run_id)
    progress.flag(client, run_id, "pause")
    assert control.resume(run_id).state is RunState.QUEUED
    new = expected(database, run_id)
    assert client.lrange(QUEUE, 0, -1) == [job.job_id for job in new]
    assert not {job.attempt for job in new} & {job.attempt for job in old}
    assert progress.read(client, [run_id])[run_id].control == ""
    assert control.resume(run_id).state is RunState.QUEUED  # again: nothing to do
    assert client.llen(QUEUE) == 2


def test_a_resume_while_pausing_settles_what_dead_workers_left(
    control: Control, database: Database, client: Redis, run_id: str
) -> None:
    leases = take(database, client, run_id)
    control.pause(run_id)
    die(client, run_id, *leases)
    assert control.resume(run_id).state is RunState.QUEUED


def test_a_resume_while_a_worker_is_still_pausing_is_refused_when_patience_ends(
    control: Control, database: Database, client: Redis, run_id: str
) -> None:
    take(database, client, run_id)
    control.pause(run_id)
    with pytest.raises(IllegalTransition, match="pausing"):
        control.resume(run_id, patience=0)


def test_a_pause_may_become_a_cancel_but_not_the_other_way(
    control: Control, database: Database, client: Redis, run_id: str
) -> None:
    take(database, client, run_id)
    control.pause(run_id)
    assert control.cancel(run_id).state is RunState.CANCELLING
    assert progress.read(client, [run_id])[run_id].control == "cancel"
    with pytest.raises(IllegalTransition, match="cancelling"):
        control.pause(run_id)
    assert progress.read(client, [run_id])[run_id].control == "cancel"


@pytest.mark.parametrize("failures", [(), ("a",), CITIES])
@pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
def test_an_ended_run_takes_no_request(
    control: Control, database: Database, client: Redis, run_id: str, failures: tuple[str, ...], verb: str
) -> None:
    before = end(database, client, run_id, *failures)
    with pytest.raises(IllegalTransition, match=f"cannot {verb} {run_id}: it is {before.state}"):
        getattr(control, verb)(run_id)
    assert get(database, run_id) == before
    assert client.dbsize() == 0


@pytest.mark.parametrize("verb", [None, "pause", "cancel"])
def test_a_run_somebody_works_on_is_not_deleted(
    control: Control, database: Database, client: Redis, run_id: str, verb: str | None
) -> None:
    take(database, client, run_id)
    if verb:
        getattr(control, verb)(run_id)
    before = get(database, run_id)
    with pytest.raises(Busy):
        control.delete(run_id)
    assert get(database, run_id) == before


@pytest.mark.parametrize("verb", [None, "pause", "cancel"])
def test_a_run_nobody_works_on_is_deleted_with_its_jobs_and_progress(
    control: Control, database: Database, client: Redis, run_id: str, verb: str | None
) -> None:
    if verb:
        getattr(control, verb)(run_id)
    progress.flag(client, run_id, "pause")
    control.delete(run_id, "old")
    assert client.llen(QUEUE) == 0
    assert not client.keys("synctl:*")
    with pytest.raises(NotFound):
        control.pause(run_id)
    with database.read() as transaction:
        last = runs.events(transaction, run_id)[-1]
    assert (last["kind"], last["reason"]) == ("deleted", "old")


def test_a_request_counts_though_redis_takes_no_write(
    control: Control, database: Database, client: Redis, run_id: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object) -> None:
        raise OutOfMemoryError("no more")

    monkeypatch.setattr(progress, "flag", refuse)
    take(database, client, run_id)
    assert control.pause(run_id).state is RunState.PAUSING  # the shards ask SQL once a second
