"""Homes of any name, and what is left in one of a `run` that did not get far."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from synctl.engine import queues
from synctl.engine.connect import connect_cli
from synctl.engine.queues import STALE_S, WorkerInfo
from synctl.engine.server import EmbeddedServer
from tests.e2e.conftest import Home, made_home
from tests.helpers import PATIENCE_S, until

DAY = ("--cities", "1", "--methods", "3", "--from", "today", "--to", "today")
BEGUN = ("redis/valkey.log", "redis/server.lock", "synctl.db", "logs")
"""What appears one after the other while a stack starts."""


@pytest.fixture
def parent() -> Iterator[Path]:
    """A folder with a short path: a socket's is limited."""
    path = Path(tempfile.mkdtemp(prefix="synctl-"))
    yield path
    shutil.rmtree(path, ignore_errors=True)


@pytest.mark.parametrize("name", ["two words", "a&b=c", "a#b", "a?b", "a%41b", "ü☾ 'q\"", "a;b"])
def test_a_home_may_be_called_anything(parent: Path, name: str) -> None:
    home = Home(parent / name)
    server = EmbeddedServer(home.path / "redis")
    home.path.mkdir()
    try:
        assert "stored" in home.run("run", "prayer", *DAY).stdout
        assert not server.running
        assert home.run("down").stdout == "Nothing was up.\n"
    finally:
        home.run("down")
        with suppress(OSError):
            server.socket.parent.rmdir()


@pytest.mark.parametrize("begun", BEGUN)
def test_a_run_that_is_interrupted_as_it_starts_leaves_nothing_running(home: Home, begun: str) -> None:
    process = home.start("run", "prayer", *DAY)
    until((home.path / begun).exists)
    process.send_signal(signal.SIGINT)
    said = process.communicate(timeout=PATIENCE_S)
    assert process.returncode in (130, 0), said  # 0: it had been through
    time.sleep(0.5)  # who is still to come has come
    assert not EmbeddedServer(home.path / "redis").running
    assert home.run("down").stdout == "Nothing was up.\n"


def test_a_run_that_cannot_start_leaves_the_stack_of_another_process(home: Home) -> None:
    """The other is started in the very moment in which this one starts: both found nothing there."""
    code = (
        "import sys\nfrom synctl.cli import run\nfrom synctl.config import load_settings\n"
        "from synctl.engine.stack import Stack\nfrom synctl.errors import SynctlError\n"
        "class Late(Stack):\n"
        "    def up(self):\n        print('found nothing', flush=True)\n        sys.stdin.readline()\n"
        "        raise SynctlError('no')\n"
        "try:\n    run._brought(Late(load_settings()))\nexcept SynctlError:\n    print('ended')\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=home.environ(), cwd=home.path,
    ) as late:  # fmt: skip
        assert late.stdout is not None
        assert late.stdout.readline() == "found nothing\n"
        home.run("up")
        assert late.communicate("\n", timeout=PATIENCE_S)[0] == "ended\n"
    assert home.run("up").stdout.startswith("Already up")


LONDON = ("prayer", "--city", "London", "--methods", "3", "--madhab", "shafi")


def test_workers_of_another_database_are_told_of(home: Home) -> None:
    """They take the jobs of a run that they do not find, and nobody else does."""
    home.environment |= {"SYNCTL_WORKERS__PRAYER": "1"}
    assert home.run("up").stderr == ""
    (home.path / "link.db").symlink_to(home.path / "synctl.db")
    home.environment["SYNCTL_DATABASE__URL"] = f"sqlite:///{home.path}/link.db"
    assert home.run("up").stderr == ""  # another name of the same
    first, other = home.path / "synctl.db", home.path / "other.db"
    home.environment["SYNCTL_DATABASE__URL"] = f"sqlite:///{other}"
    again = home.run("up", "--json")
    assert json.loads(again.stdout)["elsewhere"] == str(first)
    strange = f" looks for runs in another database, {first}"
    assert f"{strange}; if it is this home's: `synctl down`, `synctl up`; else give both stacks " in again.stderr
    queued = home.run("enqueue", *LONDON)
    assert queued.stderr.endswith(f"{strange}; a job of this run that it takes is lost: give all one database.url\n")
    waiting = home.start("enqueue", *LONDON, "--wait", "--quiet")
    assert waiting.stderr is not None
    assert strange in waiting.stderr.readline()  # also of one that is queued already
    examined = home.json("doctor", "--offline", code=4)
    told = [one for one in examined if one["check"] == "workers prayer"]
    assert [one["status"] for one in told] == ["ok", "error"]
    assert told[1]["message"].endswith(strange)
    assert told[1]["hint"] == "give all one database.url; then synctl down, synctl up"
    until(lambda: "no such run in this worker's database" in home.run("logs").stdout)
    home.run("down")
    home.run("up")
    assert waiting.wait(PATIENCE_S) == 0


def test_two_homes_on_one_redis_are_told_that_they_take_jobs_off_each_other(home: Home) -> None:
    home.environment |= {"SYNCTL_WORKERS__PRAYER": "1"}
    home.run("up")
    with made_home() as other:
        shared = home.json("up")["redis"]
        other.environment |= {"SYNCTL_WORKERS__PRAYER": "1", "SYNCTL_REDIS__URL": shared}
        started = other.run("up", "--json")
        assert json.loads(started.stdout)["workers"] == 1  # its own, once that listens
        assert "; give both stacks one database.url, or each a Redis database of its own\n" in started.stderr
        other.environment["SYNCTL_REDIS__URL"] = f"{shared}?db=1"
        other.run("down")
        assert other.run("up").stderr == ""
        assert other.run("enqueue", *LONDON, "--wait").stderr == ""


def test_a_worker_stays_known_when_its_redis_is_wiped_or_its_database_replaced(home: Home) -> None:
    home.environment |= {"SYNCTL_WORKERS__PRAYER": "1"}
    home.run("up")
    with closing(connect_cli(EmbeddedServer(home.path / "redis").url)) as client:
        (before,) = queues.workers(client)
        client.flushall()
        until(lambda: queues.workers(client) and queues.workers(client)[0].ledger)
        (after,) = queues.workers(client)
        assert replace(after, last_heartbeat=before.last_heartbeat) == replace(before, state=after.state)
        for part in home.path.glob("synctl.db*"):
            part.unlink()
        assert home.run("up").stdout.startswith("Already up: 1 worker")
        until(lambda: queues.workers(client)[0].ledger not in ("", before.ledger))
    assert home.run("enqueue", *LONDON, "--wait").stderr == ""


def test_a_worker_that_was_killed_takes_nothing() -> None:
    def worker(silent_s: float, ledger: str) -> WorkerInfo:
        said = datetime.now(UTC) - timedelta(seconds=silent_s)
        return WorkerInfo("w", "prayer-sync", "idle", "here", 7, said.isoformat(), ledger, "synctl.db")

    assert worker(0, "one").strange("other")
    assert not worker(0, "one").strange("one")
    assert not worker(0, "").strange("other")  # of an older synctl: nobody knows
    assert not worker(0, "one").strange("")  # its user may not ask
    assert not worker(STALE_S + 1, "one").strange("other")


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may read everywhere")
def test_a_home_of_another_user_is_told_in_a_line(stack: Home) -> None:
    commands = {"down": 1, "status": 10, "enqueue prayer": 10, "logs": 1, "export prayer": 10, "up": 10}
    for command, code in commands.items():
        ended = _powerless(stack, command, hidden=stack.path, SYNCTL_CONFIG=os.devnull)
        assert (ended.returncode, ended.stdout) == (code, ""), ended
        assert ended.stderr.startswith("synctl: ")
        assert ended.stderr.count("\n") == 1
        assert str(stack.path) in ended.stderr
    measured = _powerless(stack, "metrics", hidden=stack.path, SYNCTL_CONFIG=os.devnull)
    assert (measured.returncode, measured.stderr) == (0, "")
    assert "\nsynctl_database_up 0.0\n" in measured.stdout
    lock = stack.path / "supervisor.lock"
    ended = _powerless(stack, "down", hidden=lock)
    assert (ended.returncode, ended.stdout) == (1, "")
    assert ended.stderr == (
        f"synctl: cannot tell whether anything is up: {lock}: Permission denied; run it as the user of the stack\n"
    )
    assert stack.run("up").stdout.startswith("Already up")


def _powerless(home: Home, command: str, *, hidden: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command as somebody who may not even look at a file or folder."""
    lesser = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    mode = hidden.stat().st_mode
    hidden.chmod(0)
    try:
        return subprocess.run(
            [*lesser, sys.executable, "-m", "synctl", *command.split()],
            capture_output=True, text=True, check=False, cwd="/", env={**home.environ(), **environment},
            timeout=PATIENCE_S,
        )  # fmt: skip
    finally:
        hidden.chmod(mode)


@pytest.mark.parametrize("name", ["file", "file/below", "loop", "long" * 80])
def test_a_home_that_cannot_be_one_is_told_in_a_line(home: Home, name: str) -> None:
    (home.path / "file").touch()
    (home.path / "loop").symlink_to(home.path / "loop")
    home.environment |= {"SYNCTL_HOME": str(home.path / name), "SYNCTL_CONFIG": os.devnull}
    for command in ("down", "logs"):
        ended = home.run(command, code=1)
        assert ended.stderr.startswith("synctl: ")
        assert ended.stderr.count("\n") == 1
    assert "\nsynctl_database_up 0.0\n" in home.run("metrics").stdout
