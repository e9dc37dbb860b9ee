"""kill -9, SIGTERM and a wiped Redis in the middle of a run: it ends, its counts exact, no unit committed twice."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import suppress
from typing import Any

import pytest

from synctl.engine.connect import connect_cli
from synctl.engine.server import EmbeddedServer
from tests.e2e.conftest import Home, until
from tests.upstream.aladhan import serve
from tests.upstream.faults import Faults, parse

CITIES = 6
UNITS = CITIES * 23 * 2
ROWS = UNITS * 365
ORDER = ("enqueue", "prayer", "--cities", str(CITIES), "--year", "2026")


def test_a_killed_work_horse_is_replaced_at_once(stack: Home) -> None:
    run = _running(stack)
    os.kill(int(run["lease"][0]["holder"].rpartition(":")[2]), signal.SIGKILL)
    _ends_exactly(stack, run["run"])


def test_killed_workers_and_supervisor_are_replaced_by_up(stack: Home) -> None:
    run = _running(stack)
    client = connect_cli(EmbeddedServer(stack.path / "redis").url)
    os.kill(int((stack.path / "supervisor.lock").read_text()), signal.SIGKILL)
    for name in client.smembers("rq:workers"):
        pid = client.hget(name, "pid")
        if pid:
            _kill(int(pid))
    client.close()
    stack.run("up")
    _ends_exactly(stack, run["run"])


def test_down_checkpoints_and_up_goes_on(stack: Home) -> None:
    run = _running(stack)
    stack.run("down")
    between = stack.json("status", run["run"])
    assert between["state"] == "queued"
    assert 0 < between["done"] < UNITS
    stack.run("up")
    _ends_exactly(stack, run["run"])


def test_a_killed_and_then_a_wiped_redis_loses_nothing(stack: Home) -> None:
    run = _running(stack)
    server = EmbeddedServer(stack.path / "redis")
    client = connect_cli(server.url)
    os.kill(client.info("server")["process_id"], signal.SIGKILL)
    client.close()
    until(lambda: server.running and stack.json("status", run["run"])["state"] in ("running", "succeeded"))
    client = connect_cli(server.url)
    until(lambda: _pings(client))
    client.flushall()
    client.close()
    _ends_exactly(stack, run["run"])


@pytest.mark.parametrize("verb", ["pause", "cancel"])
def test_control_acts_at_once_while_the_upstream_hangs(home: Home, verb: str) -> None:
    with serve(Faults(*parse("hang(30)"))) as upstream:
        home.environment = {
            "SYNCTL_SOURCES__ALADHAN__BASE_URL": f"{upstream.url}/v1",
            "SYNCTL_SOURCES__ALADHAN__RATE": "0",
        }
        home.run("up")
        run_id = home.json(*ORDER, "--source", "aladhan")["run"]
        until(lambda: len(upstream.open) >= 8)
        fact = {"pause": "paused", "cancel": "cancelled"}[verb]
        assert home.json(verb, run_id, "--wait", "--reason", "a test")["state"] == fact
        history = home.lines("history", run_id)
        asked = next(event for event in history if event["kind"] == "request")
        assert (asked["reason"], history[-1]["state"]) == ("a test", fact)
        assert history[-1]["who"].startswith("worker")


def test_a_paused_run_goes_on_where_it_stopped(stack: Home) -> None:
    run = _running(stack)
    paused = stack.json("pause", run["run"], "--wait")
    assert paused["state"] == "paused"
    assert 0 < paused["done"] < UNITS
    assert stack.json("resume", run["run"])["state"] in ("queued", "running")
    _ends_exactly(stack, run["run"])


def _running(home: Home) -> Any:
    """Start a run that takes some seconds and return it in its middle."""
    run_id = home.json(*ORDER)["run"]

    def middle() -> Any:
        view = home.json("status", run_id)
        assert view["state"] in ("queued", "running"), view
        return view if view["done"] > 5 and view["lease"] else None

    return until(middle)


def _ends_exactly(home: Home, run_id: str) -> None:
    home.run("watch", run_id, "--exit")
    view = home.json("status", run_id)
    assert (view["state"], view["done"], view["failed"], view["rows"]) == ("succeeded", UNITS, 0, ROWS)
    with sqlite3.connect(home.path / "synctl.db") as database:
        assert database.execute("SELECT COUNT(*) FROM prayer_time").fetchone() == (ROWS,)
        assert database.execute("SELECT COUNT(*), SUM(rows) FROM sync_unit WHERE state = 'done'").fetchone() == (
            UNITS,
            ROWS,
        )


def _kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def _pings(client: Any) -> bool:
    try:
        return bool(client.ping())
    except Exception:  # noqa: BLE001 - still starting
        return False
