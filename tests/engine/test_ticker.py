"""The heartbeat: what it renews, what it reads, and when it stops its own shard."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator

import pytest
from redis import Redis

from synctl.engine import keys, progress
from synctl.engine.connect import connect_cli, connect_ticker
from synctl.engine.gauge import Gauge
from synctl.engine.progress import ProgressWriter
from synctl.engine.server import EmbeddedServer
from synctl.engine.stop import StopReason, StopSignal
from synctl.engine.ticker import CALL_PART, Ticker
from synctl.states import RunState
from synctl.store.ledger import Counters, Lease
from tests.helpers import until

LEASE = Lease("prayer-20260101-0", 1, 0, epoch=1, token="here:1:abc", holder="here:1")
LEASE_KEY = keys.lease(LEASE.run_id, LEASE.shard)
TTL_S = 1.0
LONG_TTL_S = 4.0
"""For a test that measures: late by a second, as a busy machine is, it is still in time."""


@pytest.fixture
def client(own_server: EmbeddedServer) -> Iterator[Redis]:
    made = connect_cli(own_server.url)
    yield made
    made.close()


@pytest.fixture
def stop() -> StopSignal:
    return StopSignal()


class Sql:
    """What SQL says of the run, and whether SIGTERM came."""

    state: RunState | None = RunState.RUNNING
    shutdown = False


@pytest.fixture
def sql() -> Sql:
    return Sql()


@pytest.fixture
def ttl_s() -> float:
    return TTL_S


@pytest.fixture
def gauge(own_server: EmbeddedServer, stop: StopSignal, sql: Sql, ttl_s: float) -> Iterator[Gauge]:
    """A gauge whose ticker runs, as the job starts it."""
    made = Gauge(LEASE.holder)
    with _ticker(own_server, made, stop, sql, ttl_s):
        yield made


def _ticker(own_server: EmbeddedServer, made: Gauge, stop: StopSignal, sql: Sql, ttl_s: float) -> Ticker:
    return Ticker(
        writer=ProgressWriter(connect_ticker(own_server.url, ttl_s * CALL_PART), LEASE, round(ttl_s * 1000)),
        gauge=made,
        stop=stop,
        lease_ttl_s=ttl_s,
        confirm=lambda: sql.state,
        shutdown=lambda: sql.shutdown,
    )


def test_the_lease_is_renewed_and_progress_is_shown(client: Redis, gauge: Gauge) -> None:
    gauge.committed(3, 1095, Counters(RunState.RUNNING, total=10, done=3, failed=1, rows=1095))
    seen = until(lambda: (one := progress.read(client, [LEASE.run_id])[LEASE.run_id]).done == 3 and one)
    assert (seen.failed, seen.rows, seen.total) == (1, 1095, 10)
    assert seen.unit_rate > 0
    assert seen.eta_s is not None
    assert client.get(LEASE_KEY) == LEASE.token
    gauge.show(Counters(RunState.RUNNING, total=10, done=2, failed=1, rows=730))  # another shard's older word
    until(lambda: gauge.counters[0] == ("done", 2))
    assert progress.read(client, [LEASE.run_id])[LEASE.run_id].done == 3


def test_a_shard_that_has_ended_holds_nothing(
    own_server: EmbeddedServer, client: Redis, stop: StopSignal, sql: Sql, ttl_s: float
) -> None:
    with _ticker(own_server, Gauge(LEASE.holder), stop, sql, ttl_s):
        until(lambda: progress.read(client, [LEASE.run_id])[LEASE.run_id].holding)
    (last,) = (seen := progress.read(client, [LEASE.run_id])[LEASE.run_id]).shards
    assert (last.ended, seen.holding) == (True, ())


def test_a_wiped_redis_gets_the_lease_back(client: Redis, gauge: Gauge, stop: StopSignal) -> None:
    until(lambda: client.get(LEASE_KEY))
    client.flushall()
    assert until(lambda: client.get(LEASE_KEY)) == LEASE.token
    assert not stop.is_set()


@pytest.mark.usefixtures("gauge")
@pytest.mark.parametrize(("flag", "reason"), [("pause", StopReason.PAUSE), ("cancel", StopReason.CANCEL)])
def test_a_flag_stops_the_shard(client: Redis, stop: StopSignal, flag: str, reason: StopReason) -> None:
    progress.flag(client, LEASE.run_id, flag)
    assert until(lambda: stop.reason) is reason


@pytest.mark.usefixtures("gauge")
@pytest.mark.parametrize(
    ("state", "reason"),
    [(RunState.PAUSING, StopReason.PAUSE), (RunState.CANCELLING, StopReason.CANCEL), (None, StopReason.LOST)],
)
def test_what_sql_says_counts_though_redis_lost_the_flag(
    stop: StopSignal, sql: Sql, state: RunState | None, reason: StopReason
) -> None:
    sql.state = state
    assert until(lambda: stop.reason) is reason


@pytest.mark.usefixtures("gauge")
def test_a_lease_that_somebody_else_took_is_left_alone(client: Redis, stop: StopSignal) -> None:
    client.set(LEASE_KEY, "there:2:def")
    assert until(lambda: stop.reason) is StopReason.LOST
    assert client.get(LEASE_KEY) == "there:2:def"


@pytest.mark.usefixtures("gauge")
def test_a_dead_redis_stops_the_shard_before_its_lease_is_stale(own_server: EmbeddedServer, stop: StopSignal) -> None:
    own_server.stop()
    assert until(lambda: stop.reason) is StopReason.SUSPENDED


@pytest.mark.usefixtures("gauge")
@pytest.mark.parametrize("ttl_s", [LONG_TTL_S])
def test_a_frozen_redis_stops_the_shard_before_its_lease_is_stale(
    client: Redis, stop: StopSignal, ttl_s: float
) -> None:
    stopped: list[float] = []
    stop.on_request(lambda: stopped.append(time.monotonic()))
    pid = client.info("server")["process_id"]
    until(lambda: client.get(LEASE_KEY))
    os.kill(pid, signal.SIGSTOP)
    frozen = time.monotonic()
    try:
        until(lambda: stopped)
    finally:
        os.kill(pid, signal.SIGCONT)
    assert stop.reason is StopReason.SUSPENDED
    assert stopped[0] - frozen < ttl_s


@pytest.mark.usefixtures("gauge")
def test_sigterm_becomes_a_stop(stop: StopSignal, sql: Sql) -> None:
    sql.shutdown = True
    assert until(lambda: stop.reason) is StopReason.SHUTDOWN
    stop.request(StopReason.PAUSE)
    assert stop.reason is StopReason.SHUTDOWN  # the more urgent one stays
