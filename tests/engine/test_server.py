"""The embedded Valkey: it outlives who started it, keeps its data, and is private."""

from __future__ import annotations

import fcntl
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest

from synctl.engine.connect import connect_cli
from synctl.engine.server import SOCKET_PATH_LIMIT, EmbeddedServer
from synctl.errors import RedisUnreachable
from tests.e2e.conftest import until


@pytest.fixture
def server(short: Path) -> Iterator[EmbeddedServer]:
    made = EmbeddedServer(short / "redis")
    yield made
    with suppress(RedisUnreachable):
        made.stop()


def test_it_is_started_once_and_stopped_once(server: EmbeddedServer, short: Path) -> None:
    assert not server.running
    assert not server.stop()
    assert [server.ensure(), server.ensure()] == [True, False]
    assert server.running
    assert [server.stop(), server.stop()] == [True, False]
    assert not server.running


def test_it_is_stopped_although_it_is_only_starting(server: EmbeddedServer) -> None:
    assert server.ensure(lambda: True)
    assert server.stop()
    assert not server.running


def test_it_is_private_even_where_the_folder_was_not(server: EmbeddedServer, short: Path) -> None:
    (short / "redis").mkdir(mode=0o755)
    server.ensure()
    assert (short / "redis").stat().st_mode & 0o777 == 0o700
    assert server.socket.stat().st_mode & 0o077 == 0


def test_a_terminal_that_closes_or_interrupts_does_not_reach_it(server: EmbeddedServer) -> None:
    server.ensure()
    with closing(connect_cli(server.url)) as client:
        pid = client.info("server")["process_id"]
    assert os.getsid(pid) == os.getpgid(pid) == pid


def test_it_survives_its_starter(server: EmbeddedServer, short: Path) -> None:
    code = (
        "import os, pathlib, sys; from synctl.engine.server import EmbeddedServer;"
        "EmbeddedServer(pathlib.Path(sys.argv[1])).ensure(); os.kill(os.getpid(), 9)"
    )
    starter = subprocess.run([sys.executable, "-c", code, str(short / "redis")], timeout=60, check=False)
    assert starter.returncode == -signal.SIGKILL
    assert server.running
    assert not server.ensure()


def test_data_survives_a_kill_and_the_socket_it_leaves_is_no_obstacle(server: EmbeddedServer) -> None:
    server.ensure()
    with closing(connect_cli(server.url)) as client:
        client.set("key", "value")
        # `everysec` may lose a second of a power cut, nothing of a killed process: it was handed to the kernel.
        os.kill(client.info("server")["process_id"], signal.SIGKILL)
    until(lambda: not server.running)
    assert server.socket.exists()
    assert server.ensure()
    with closing(connect_cli(server.url)) as client:
        assert client.get("key") == "value"


@pytest.mark.parametrize("beyond", [0, 1, 80])
def test_a_path_too_long_for_a_socket_gets_one_elsewhere(short: Path, beyond: int) -> None:
    parent = short / ("x" * (SOCKET_PATH_LIMIT + beyond - len(f"{short}//valkey.sock")))
    server = EmbeddedServer(parent)
    assert (server.socket.parent == parent) is (beyond == 0)
    assert server.socket == EmbeddedServer(parent).socket
    assert len(os.fsencode(server.socket)) <= SOCKET_PATH_LIMIT
    try:
        server.ensure()
        assert server.socket.parent.stat().st_mode & 0o777 == 0o700
    finally:
        server.stop()
        if beyond:
            server.socket.parent.rmdir()


def test_who_asks_whether_it_runs_does_not_keep_it_from_being_started(server: EmbeddedServer, short: Path) -> None:
    (short / "redis").mkdir(mode=0o700)
    with (short / "redis" / "server.lock").open("w") as probe:
        fcntl.flock(probe, fcntl.LOCK_SH)  # what `running` holds for a moment
        asked_no_more = threading.Timer(0.3, lambda: fcntl.flock(probe, fcntl.LOCK_UN))
        asked_no_more.start()
        started = server.ensure()
        asked_no_more.join()
    assert started
