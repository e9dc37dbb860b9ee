"""Homes of any name, and what is left in one of a `run` that did not get far."""

from __future__ import annotations

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
