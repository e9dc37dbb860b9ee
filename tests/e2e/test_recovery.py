"""kill -9, SIGTERM and a wiped Redis in the middle of a run: it ends, its counts exact, no unit committed twice."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import closing, suppress
from functools import partial
from itertools import pairwise
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import RedisError

from synctl.engine import keys, queues
from synctl.engine.connect import connect_cli
from synctl.engine.server import EmbeddedServer
from tests.e2e.conftest import Call, Home, until
from tests.upstream.aladhan import serve
from tests.upstream.faults import Faults, parse
from tests.upstream.server import LoopbackServer

CITIES = 4
UNITS = CITIES * 23 * 2
MONTH = ("enqueue", "prayer", "--cities", str(CITIES), "--from", "2026-03-01", "--to", "2026-03-31")
MONTH_ROWS = UNITS * 31
LONG_UNITS = 30 * 23 * 2
LONG = ("enqueue", "prayer", "--cities", "30", "--year", "2026", "--shards", "1")
"""Some 400 units a second of pure work, on a quick machine."""
FACT_WITHIN_MS = 1000
"""The promise is a quarter of a second, which the chaos tests measure; a machine that is busy keeps this one too."""


@pytest.fixture
def upstream() -> Iterator[LoopbackServer]:
    """Takes its time, and answers for one method only when it is released: until then a run stays in its middle."""
    with serve(Faults(*parse("hang(600)@method=3@school=0"), latency=0.4)) as server:
        yield server


@pytest.fixture
def stack(home: Home, upstream: LoopbackServer) -> Home:
    # A dead horse's requests would count as under way for 15 s: another promise, with tests of its own.
    home.use(upstream, SYNCTL_SOURCES__ALADHAN__IN_FLIGHT="0", SYNCTL_PRAYER__SOURCE="aladhan")
    home.run("up")
    return home


def test_a_killed_work_horse_is_replaced_at_once(home: Home, upstream: LoopbackServer, call: Call) -> None:
    """By its own worker: the lease, which everybody else would have to wait for, outlives the test."""
    home.use(upstream, SYNCTL_SOURCES__ALADHAN__IN_FLIGHT="0", SYNCTL_PRAYER__SOURCE="aladhan")
    home.environment["SYNCTL_REDIS__LEASE_TTL"] = "600"
    home.run("up")
    run = _running(home, call)
    horse = int(run["lease"][0]["holder"].rpartition(":")[2])
    assert os.sched_getscheduler(horse) == os.SCHED_BATCH
    os.kill(horse, signal.SIGKILL)
    until(lambda: "taken-over" in {event["kind"] for event in call(home, "history", run["run"], "--json").lines})
    upstream.faults.released.set()
    _ends_exactly(home, call, run["run"])


def test_an_idle_worker_that_is_killed_is_started_again(home: Home) -> None:
    home.environment["SYNCTL_WORKERS__PRAYER"] = "1"
    home.run("up")
    with closing(connect_cli(EmbeddedServer(home.path / "redis").url)) as client:
        (before,) = queues.workers(client)
        os.kill(before.pid, signal.SIGKILL)
        until(lambda: {one.pid for one in queues.workers(client)} - {before.pid})
    assert home.json("up")["started"] is False  # the supervisor did it


def test_workers_have_a_core_each_where_there_are_as_many(home: Home) -> None:
    cores = os.sched_getaffinity(0)
    home.environment["SYNCTL_WORKERS__PRAYER"] = str(len(cores))
    home.environment["SYNCTL_WORKERS__QURAN"] = str(len(cores) + 1)
    home.run("up")
    with closing(connect_cli(EmbeddedServer(home.path / "redis").url)) as client:
        workers = queues.workers(client)
    kept = {
        name: [os.sched_getaffinity(one.pid) for one in workers if one.queue == keys.queue(name)]
        for name in ("prayer", "quran")
    }
    assert sorted(map(sorted, kept["prayer"])) == [[core] for core in sorted(cores)]
    assert kept["quran"] == [cores] * (len(cores) + 1)


@pytest.mark.slow
def test_killed_workers_and_supervisor_are_replaced_by_up(stack: Home, upstream: LoopbackServer, call: Call) -> None:
    run = _running(stack, call)
    os.kill(int((stack.path / "supervisor.lock").read_text()), signal.SIGKILL)
    with closing(connect_cli(EmbeddedServer(stack.path / "redis").url)) as client:
        for worker in queues.workers(client):
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
    stack.run("up")
    upstream.faults.released.set()
    _ends_exactly(stack, call, run["run"])


def test_down_checkpoints_and_up_goes_on(stack: Home, upstream: LoopbackServer, call: Call) -> None:
    run = _running(stack, call)
    stack.run("down")
    between = call(stack, "status", run["run"], "--json").json
    assert between["state"] == "queued"
    assert 0 < between["done"] < UNITS
    upstream.faults.released.set()
    stack.run("up")
    _ends_exactly(stack, call, run["run"])


def test_a_killed_and_then_a_wiped_redis_loses_nothing(stack: Home, upstream: LoopbackServer, call: Call) -> None:
    run = _running(stack, call)
    with closing(connect_cli(EmbeddedServer(stack.path / "redis").url)) as client:
        killed = _pid(client)
        assert killed
        os.kill(killed, signal.SIGKILL)
        until(lambda: _pid(client) not in (None, killed))
        until(lambda: call(stack, "status", run["run"], "--json").json["state"] == "running")
        client.flushall()
    upstream.faults.released.set()
    _ends_exactly(stack, call, run["run"])


@pytest.mark.slow
def test_control_acts_at_once_while_the_upstream_hangs(home: Home, call: Call) -> None:
    with serve(Faults(*parse("hang(600)"))) as upstream:
        home.use(upstream, SYNCTL_PRAYER__SOURCE="aladhan")
        home.run("up")
        run_id = home.json(*MONTH)["run"]
        known = 0
        for verb, fact in [("pause", "paused"), ("pause", "paused"), ("cancel", "cancelled")]:
            if known:
                home.run("resume", run_id)
            until(partial(_has_opened, upstream, known + 8))
            assert home.json(verb, run_id, "--wait", "--reason", "a test")["state"] == fact
            known = len(upstream.open)  # the stand-in goes on hanging, though nobody listens any more
        events = home.sql("SELECT kind, state, at, who, reason FROM run_event WHERE run_id = ? ORDER BY id", run_id)
        requests = [(asked, became) for asked, became in pairwise(events) if asked[1] in ("pausing", "cancelling")]
        assert [became[1] for _, became in requests] == ["paused", "paused", "cancelled"]
        for asked, became in requests:
            assert became[2] - asked[2] < FACT_WITHIN_MS
            assert asked[4] == "a test"
            assert became[3].startswith("worker")


def test_a_paused_run_goes_on_where_it_stopped(home: Home, call: Call) -> None:
    """Of calculated times, which are pure work: what stops then waits for nothing."""
    home.run("up")
    run = _running(home, call, LONG)
    paused = call(home, "pause", run["run"], "--wait", "--json").json  # a process of its own may come too late
    assert paused["state"] == "paused"
    assert 0 < paused["done"] < LONG_UNITS
    assert home.json("resume", run["run"])["state"] in ("queued", "running")
    _ends_exactly(home, call, run["run"], LONG_UNITS, LONG_UNITS * 365)


def _has_opened(upstream: LoopbackServer, number: int) -> bool:
    return len(upstream.open) >= number


def _running(home: Home, call: Call, order: tuple[str, ...] = MONTH) -> Any:
    """Start a run that takes some seconds and return it in its middle."""
    run_id = call(home, *order, "--json").json["run"]

    def middle() -> Any:
        view = call(home, "status", run_id, "--json").json
        assert view["state"] in ("queued", "running"), view
        return view if view["done"] > 5 and view["lease"] else None

    return until(middle)


def _ends_exactly(home: Home, call: Call, run_id: str, units: int = UNITS, rows: int = MONTH_ROWS) -> None:
    call(home, "watch", run_id, "--exit")
    view = call(home, "status", run_id, "--json").json
    assert (view["state"], view["done"], view["failed"], view["rows"]) == ("succeeded", units, 0, rows)
    assert home.sql("SELECT COUNT(*) FROM prayer_time") == [(rows,)]
    assert home.sql("SELECT COUNT(*), SUM(rows) FROM sync_unit WHERE state = 'done'") == [(units, rows)]


def _pid(client: Redis) -> int | None:
    """Of the server; None while there is none."""
    try:
        return int(client.info("server")["process_id"])
    except RedisError:
        return None
