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
from contextlib import suppress
from pathlib import Path

import pytest

from synctl.engine.server import EmbeddedServer
from tests.e2e.conftest import Home
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


def test_workers_of_another_database_are_told_of(home: Home) -> None:
    """They take the jobs of a run that they do not find, and nobody else does."""
    home.environment |= {"SYNCTL_WORKERS__PRAYER": "1"}
    assert home.run("up").stderr == ""
    assert home.run("up").stderr == ""
    first, other = home.path / "synctl.db", home.path / "other.db"
    home.environment["SYNCTL_DATABASE__URL"] = f"sqlite:///{other}"
    assert home.run("up").stderr == (
        f"synctl: workers that run already write to {first}; `synctl down`, `synctl up` has them write here\n"
    )
    queued = home.run("enqueue", "prayer", "--city", "London", "--methods", "3", "--madhab", "shafi")
    assert queued.stderr.endswith(f" listens on prayer-sync, but looks for runs in {first}, not in {other}\n")
    examined = home.start("doctor", "--offline", "--json").communicate(timeout=PATIENCE_S)[0]  # by now it may be stuck
    told = [one for one in json.loads(examined) if one["check"] == "workers prayer"]
    assert [one["status"] for one in told] == ["ok", "warning"]
    assert f"looks for runs in {first}, not in {other}" in told[1]["message"]
    until(lambda: "no such run in this worker's database" in home.run("logs").stdout)
    home.run("down")
    home.run("up")
    run = queued.stdout.split()[0]
    until(lambda: home.json("status", run)["state"] == "succeeded")


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may read everywhere")
def test_a_stack_of_another_user_is_not_said_to_be_down(stack: Home) -> None:
    powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    lock = stack.path / "supervisor.lock"
    for hidden, mode, code in ((lock, 0o600, 1), (stack.path, 0o700, 2)):
        hidden.chmod(0)
        try:
            done = subprocess.run(
                [*powerless, sys.executable, "-m", "synctl", "down"],
                capture_output=True, text=True, check=False, cwd="/", env=stack.environ(), timeout=PATIENCE_S,
            )  # fmt: skip
        finally:
            hidden.chmod(mode)
        assert (done.returncode, done.stdout) == (code, ""), done
        assert str(stack.path) in done.stderr
        assert ": Permission denied" in done.stderr
    assert stack.run("up").stdout.startswith("Already up")
