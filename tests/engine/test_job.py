"""The RQ job, run in this process: how it ends its run, and when it must not."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import NoReturn

import pytest
from redis import ConnectionError, Redis  # noqa: A004

from synctl.config import Settings
from synctl.engine import job, lease, pool, progress, registry
from synctl.engine.enqueue import Enqueuer, Order
from synctl.engine.job import JOB_CONTEXT, JobContext
from synctl.engine.runner import ShardRunner
from synctl.engine.server import EmbeddedServer
from synctl.errors import DatabaseUnreachable, FatalError, RejectedError
from synctl.processors.prayer_unit import TABLE
from synctl.resource import Batch, Context, Known, Missing, Rows, Selectors, Session
from synctl.states import ACTIVE, RunState
from synctl.store import shards
from synctl.store.db import Database
from synctl.store.shards import Shard
from tests.engine.fakes import CITIES, FakeResource, expected, get


@dataclass
class Scripted(FakeResource):
    """Does what a test says when a unit is processed, or when its source is opened or closed."""

    unit: Callable[[], Batch] = lambda: Batch([])
    opened: Callable[[], None] = lambda: None
    closed: Callable[[], None] = lambda: None

    def open(self, source: str, context: Context) -> Session:
        self.opened()
        return self

    def process(self, spec: Sequence[object], known: Known) -> Batch:
        return self.unit()

    def close(self) -> None:
        self.closed()


@pytest.fixture
def resource(monkeypatch: pytest.MonkeyPatch, settings: Settings, valkey: EmbeddedServer) -> Scripted:
    made = Scripted()
    monkeypatch.setattr(registry, "load", lambda _name: made)
    JOB_CONTEXT.set(JobContext(settings, valkey.url, "a worker", shutdown=lambda: False))
    return made


@pytest.fixture
def shard(enqueuer: Enqueuer, database: Database, resource: Scripted) -> Shard:
    run_id = enqueuer.enqueue(resource, Selectors(city=CITIES), Order(shards=1)).run.id
    return expected(database, run_id)[0]


def _drain(shard: Shard) -> str:
    return job.drain(shard.run_id, shard.shard, shard.attempt)


@pytest.mark.usefixtures("client")
def test_a_job_drains_its_run_and_a_second_one_finds_nothing_to_do(database: Database, shard: Shard) -> None:
    assert _drain(shard) == "drained: succeeded"
    assert get(database, shard.run_id).done == len(CITIES)
    assert _drain(shard).startswith("fenced")


@pytest.mark.usefixtures("client")
def test_units_that_fail_do_not_end_a_run(database: Database, resource: Scripted, shard: Shard) -> None:
    resource.unit = _raising(RejectedError("no", http_status=404))
    assert _drain(shard) == "drained: failed"
    assert get(database, shard.run_id).failed == len(CITIES)


@pytest.mark.usefixtures("client")
def test_an_error_that_no_unit_can_escape_ends_the_run_at_once(
    database: Database, resource: Scripted, shard: Shard
) -> None:
    resource.unit = _raising(FatalError("the key is refused"))
    _drain(shard)
    run = get(database, shard.run_id)
    assert (run.state, run.reason, run.settled) == (RunState.FAILED, "the key is refused", 0)


@pytest.mark.usefixtures("client")
def test_prerequisites_are_checked_again_when_the_work_starts(
    database: Database, resource: Scripted, shard: Shard
) -> None:
    resource.lacking = (Missing("3 of 15 calculation methods", "synctl seed"),)
    _drain(shard)
    run = get(database, shard.run_id)
    assert (run.state, run.reason) == (RunState.FAILED, "3 of 15 calculation methods: synctl seed")


@pytest.mark.usefixtures("client")
def test_a_bug_ends_the_run_and_says_where_to_look(database: Database, resource: Scripted, shard: Shard) -> None:
    resource.opened = _raising(RuntimeError("oh"))
    _drain(shard)
    assert f"unexpected RuntimeError: oh; `synctl logs {shard.run_id}`" in get(database, shard.run_id).reason


@pytest.mark.usefixtures("client")
@pytest.mark.parametrize("where", [(lease, "acquire"), (ShardRunner, "drain")], ids=["at first", "later"])
def test_a_database_that_does_not_answer_leaves_the_shard_to_the_reaper(
    database: Database, shard: Shard, where: tuple[object, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A process that was frozen while it connected is told so when it wakes up."""
    monkeypatch.setattr(*where, _raising(DatabaseUnreachable("connection timeout expired")))
    assert _drain(shard) == "left: connection timeout expired"
    assert get(database, shard.run_id).state in ACTIVE


@pytest.mark.usefixtures("client")
def test_a_shard_that_is_no_longer_expected_is_let_go_also_where_redis_is_gone_by_then(
    database: Database, shard: Shard, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(progress, "release_lease", _raising(ConnectionError("gone")))
    assert "no longer expected" in job.drain(shard.run_id, shard.shard, shard.attempt + 1)
    assert get(database, shard.run_id).state is RunState.QUEUED


@pytest.mark.usefixtures("client")
def test_a_redis_that_does_not_answer_leaves_the_shard_to_the_reaper(
    database: Database, settings: Settings, shard: Shard, caplog: pytest.LogCaptureFixture
) -> None:
    JOB_CONTEXT.set(JobContext(settings, "unix:///nowhere.sock", "a worker", shutdown=lambda: False))
    assert _drain(shard).startswith("left: Redis: ")
    assert get(database, shard.run_id).state is RunState.QUEUED
    assert [one.exc_info for one in caplog.records] == [None]


@pytest.mark.usefixtures("client")
def test_a_stop_ends_a_request_that_hangs_though_the_loop_waits_for_the_database(
    database: Database, settings: Settings, valkey: EmbeddedServer, resource: Scripted, shard: Shard
) -> None:
    """The loop would close the session too, but not before it has its transaction."""
    stopping, closed, elsewhere, waits = threading.Event(), threading.Event(), ExitStack(), list[bool]()
    JOB_CONTEXT.set(JobContext(settings, valkey.url, "a worker", shutdown=stopping.is_set))

    def unit() -> Batch:
        if not waits:
            waits.append(True)
            elsewhere.enter_context(database.write())  # now the loop cannot commit this unit
            return Batch([])
        with elsewhere:
            stopping.set()
            waits.append(closed.wait(5))
            return Batch([])

    resource.unit, resource.closed = unit, closed.set
    assert _drain(shard) == "shutdown: queued"
    assert waits == [True, True]
    assert get(database, shard.run_id).done == 1


@pytest.mark.usefixtures("client")
def test_what_is_done_when_a_stop_comes_is_kept(
    database: Database,
    settings: Settings,
    valkey: EmbeddedServer,
    resource: Scripted,
    shard: Shard,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The first unit waits for company, which never comes."""
    stopping, closed, begun = threading.Event(), threading.Event(), list[bool]()
    monkeypatch.setattr(pool, "MOMENT_S", 30.0)
    JOB_CONTEXT.set(JobContext(settings, valkey.url, "a worker", shutdown=stopping.is_set))

    def unit() -> Batch:
        if begun:
            stopping.set()
            assert closed.wait(5)
        begun.append(True)
        return Batch([])

    resource.unit, resource.closed = unit, closed.set
    assert _drain(shard) == "shutdown: queued"
    assert get(database, shard.run_id).done == 1


@pytest.mark.usefixtures("client")
def test_a_shard_begins_at_its_own_part_and_goes_on_with_what_is_left(
    database: Database, enqueuer: Enqueuer, resource: Scripted, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[object] = []

    def process(spec: Sequence[object], _known: Known) -> Batch:
        seen.extend(spec)
        return Batch([])

    monkeypatch.setattr(resource, "process", process)
    run_id = enqueuer.enqueue(resource, Selectors(city=CITIES), Order(shards=2)).run.id
    assert _drain(expected(database, run_id)[1]) == "drained: succeeded"
    assert seen == [*CITIES[2:], *CITIES[:2]]


def test_who_lost_its_shard_cannot_fail_the_run(
    database: Database, client: Redis, resource: Scripted, shard: Shard
) -> None:
    def taken_over_meanwhile() -> None:
        with database.write() as transaction:
            (taken,) = shards.expected(transaction, shard.run_id)
            assert shards.expect_again(transaction, taken)
        raise RuntimeError("woke up too late")

    resource.opened = taken_over_meanwhile
    assert _drain(shard).startswith("lost")
    assert get(database, shard.run_id).state is RunState.RUNNING


def _raising(error: Exception) -> Callable[..., NoReturn]:
    def act(*_arguments: object, **_named: object) -> NoReturn:
        raise error

    return act


@pytest.mark.usefixtures("client")
def test_a_unit_that_the_database_refuses_fails_alone(database: Database, resource: Scripted, shard: Shard) -> None:
    bad = [True]

    def unit() -> Batch:
        return Batch([Rows(TABLE, [(1, 3, 0, 1, *[None] * 12)])] if bad and bad.pop() else [])

    resource.unit = unit
    assert _drain(shard) == "drained: partial"
    run = get(database, shard.run_id)
    assert (run.done, run.failed) == (len(CITIES) - 1, 1)
