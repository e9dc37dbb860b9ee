"""Clients of Redis say who they are, and find that out once."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing

import pytest
from redis import Redis

from synctl import __version__
from synctl.engine.connect import connect_cli, connect_ticker, connect_worker
from synctl.engine.server import EmbeddedServer


@pytest.mark.parametrize("connect", [connect_cli, connect_worker, lambda url: connect_ticker(url, 1.0)])
def test_the_server_can_tell_who_we_are(
    connect: Callable[[str], Redis], valkey: EmbeddedServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("importlib.metadata.version", None)  # 2 ms for each connection
    with closing(connect(valkey.url)) as client:
        assert client.client_info()["lib-name"] == f"redis-py(synctl_v{__version__})"
