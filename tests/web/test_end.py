"""`synctl serve` ends as its help says, and calls nothing an error that is none."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator

import httpx
import pytest
from websockets.exceptions import InvalidStatus
from websockets.sync.client import connect

from tests.e2e.conftest import Home, made_home
from tests.web.server import Server


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with made_home() as made:
        made.environment = {"SYNCTL_WORKERS__PRAYER": "0"}
        made.run("up")
        yield made


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_0_and_no_error_while_somebody_follows(home: Home, number: signal.Signals) -> None:
    server = Server(home)
    server.start()
    assert server.process is not None
    with pytest.raises(InvalidStatus), connect(f"ws://127.0.0.1:{server.port}/ws"):
        pass
    with (
        httpx.stream("GET", f"{server.url}/api/events", headers=server.headers()) as followed,
        connect(f"ws://127.0.0.1:{server.port}/ws", additional_headers=server.headers()),
    ):
        assert followed.status_code == 200
        _, told = server.stop(number)
    assert server.process.returncode == 0
    assert [line for line in told.splitlines() if json.loads(line)["level"] != "info"] == []
