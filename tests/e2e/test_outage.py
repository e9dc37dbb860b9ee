"""Valkey is killed while commands follow a run: they say so, wait for it, and end as the run does."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from synctl.cli import follow
from synctl.engine.filelock import try_lock
from synctl.engine.server import find_binary
from tests.chaos.processes import Role, with_role
from tests.e2e.conftest import PATIENCE_S, Call, Home, until
from tests.upstream.aladhan import serve
from tests.upstream.faults import Faults, parse
from tests.upstream.server import LoopbackServer

CITIES = 2
UNITS = CITIES * 23 * 2
ROWS = UNITS * 31
MONTH = ("prayer", "--cities", str(CITIES), "--from", "2026-03-01", "--to", "2026-03-31")
AWAY = "waiting for Redis (does not answer, "


@pytest.fixture
def upstream() -> Iterator[LoopbackServer]:
    """Answers for one method only when it is released: until then a run stays in its middle."""
    with serve(Faults(*parse("hang(600)@method=3"))) as server:
        yield server


@pytest.fixture
def home(home: Home, upstream: LoopbackServer) -> Home:
    home.use(upstream, SYNCTL_SOURCES__ALADHAN__IN_FLIGHT="0", SYNCTL_PRAYER__SOURCE="aladhan")
    return home


def test_who_follows_a_run_waits_for_a_killed_valkey_and_ends_as_the_run_does(
    home: Home, upstream: LoopbackServer
) -> None:
    run = home.start("run", *MONTH)
    run_id = _middle(home)
    following = {
        "run": run,
        "enqueue": _listening(home.start("enqueue", *MONTH, "--wait"), "exists already"),
        "retry": _listening(home.start("retry", run_id, "--wait"), "already"),
        "watch": _listening(home.start("watch", run_id, "--exit"), "running"),
        "events": _listening(home.start("watch", run_id, "--json"), "progress"),
    }
    with _valkey_away(home):
        said = {name: _listening(following[name], AWAY) for name in ("run", "enqueue", "retry", "watch", "events")}
    upstream.faults.released.set()
    for name, process in said.items():
        out, err = process.communicate(timeout=PATIENCE_S)
        assert (process.returncode, err) == (0, ""), name
        assert "succeeded" in out, name
    assert home.sql("SELECT state, done, failed, rows FROM run") == [("succeeded", UNITS, 0, ROWS)]
    assert home.sql("SELECT COUNT(*) FROM prayer_time") == [(ROWS,)]
    assert home.sql("SELECT COUNT(*), SUM(rows) FROM sync_unit WHERE state = 'done'") == [(UNITS, ROWS)]


def test_a_valkey_that_never_comes_back_is_one_line(home: Home, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "PATIENCE_S", 1.0)
    broken = _breakable_valkey(home)

    def kill() -> None:
        _middle(home)
        broken.touch()
        _kill_valkey(home)

    killer = threading.Thread(target=kill)
    killer.start()
    said = call(home, "run", *MONTH, "--quiet", code=10)
    killer.join()
    assert said.out == ""
    assert said.err == (
        f"synctl: Redis unix://{home.path}/redis/valkey.sock: nothing listens there;"
        " start the local stack with `synctl up`\n"
    )
    assert not with_role(home.path, Role.SUPERVISOR)


def test_an_interrupt_ends_the_wait(home: Home) -> None:
    broken = _breakable_valkey(home)
    run = home.start("run", *MONTH)
    _middle(home)
    broken.touch()
    _kill_valkey(home)
    _listening(run, AWAY)
    run.send_signal(signal.SIGINT)
    _, err = run.communicate(timeout=PATIENCE_S)
    assert run.returncode == 130
    assert "stopped watching" in err
    assert err.count("\n") == 1
    assert not with_role(home.path, Role.SUPERVISOR)


def _middle(home: Home) -> str:
    """Wait until all units that the upstream answers are done; return the run's id."""

    def found() -> str:
        if not (home.path / "supervisor.lock").exists():  # then the database is there, too
            return ""
        rows = home.sql("SELECT id FROM run WHERE state = 'running' AND done > 0")
        return str(rows[0][0]) if rows else ""

    return str(until(found))


def _listening(process: subprocess.Popen[str], word: str) -> subprocess.Popen[str]:
    """Read what it says until it has said a word."""
    assert process.stdout is not None
    assert any(word in line for line in process.stdout), (process.args, word)
    return process


def _kill_valkey(home: Home) -> None:
    (server,) = with_role(home.path, Role.VALKEY)
    assert server.send(signal.SIGKILL)


@contextmanager
def _valkey_away(home: Home) -> Iterator[None]:
    """Kill it, and keep another from starting: who holds the lock is taken for a server that is not ready yet."""
    (supervisor,) = with_role(home.path, Role.SUPERVISOR)
    assert supervisor.send(signal.SIGSTOP)
    _kill_valkey(home)
    lock: int = until(lambda: try_lock(home.path / "redis" / "server.lock"))
    assert supervisor.send(signal.SIGCONT)
    try:
        yield
    finally:
        os.close(lock)


def _breakable_valkey(home: Home) -> Path:
    """Have it started by a script; return the file that keeps it from starting again."""
    folder = home.path / "bin"
    folder.mkdir()
    broken, script = folder / "broken", folder / "valkey-server"
    script.write_text(f'#!/bin/sh\ntest -e {broken} && exit 1\nexec {find_binary()} "$@"\n')
    script.chmod(0o700)
    home.environment["PATH"] = f"{folder}{os.pathsep}{os.environ['PATH']}"
    return broken
