"""One real stack for the tests of this folder, and the application in this process or served by the real command."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from synctl.config import load_settings
from synctl.engine.connect import connect_cli
from synctl.engine.server import EmbeddedServer
from synctl.store.db import open_database
from synctl.web.access import Keyring, Role, Token
from synctl.web.app import make_app
from synctl.web.backend import Backend
from tests.e2e.conftest import Home, made_home
from tests.e2e.conftest import call as call  # noqa: PLC0414 - a fixture
from tests.helpers import until
from tests.web.server import Server

ORIGIN = "http://127.0.0.1:8327"
READ, OPERATE = "r" * 43, "o" * 43
TOKENS = Keyring([Token("reader", Role.READ, READ), Token("ops", Role.OPERATE, OPERATE)])
LONDON = {"resource": "prayer", "city": ["London"], "methods": "3", "madhab": "shafi", "year": 2030}


@dataclass(frozen=True, slots=True)
class Served:
    """A home whose stack is up, and clients of it: of an operator, a reader, and nobody."""

    home: Home
    backend: Backend
    client: TestClient
    reader: TestClient
    nobody: TestClient

    def state(self, run: str) -> str:
        """Return the state of a run."""
        return str(self.client.get(f"/api/runs/{run}").json()["state"])

    def until_state(self, run: str, *states: str) -> dict[str, Any]:
        """Wait until a run is in one of these states, and return it."""
        until(lambda: self.state(run) in states)
        found: dict[str, Any] = self.client.get(f"/api/runs/{run}").json()
        return found


@pytest.fixture(scope="session")
def up() -> Iterator[Home]:
    with made_home() as home:
        home.run("up")
        yield home


@pytest.fixture(scope="session")
def served(up: Home) -> Iterator[Served]:
    settings = load_settings({name: value for name, value in up.environ().items() if name != "HOME"}, Path(up.path))
    server = EmbeddedServer(settings.redis_dir)
    with (
        closing(open_database(settings.database_url)) as database,
        closing(connect_cli(server.url)) as client,
        closing(connect_cli(server.url, decode=False)) as connection,
    ):
        backend = Backend(settings, database, client, connection, server.url, server)
        with _client(backend, TOKENS) as nobody:
            yield Served(up, backend, _bearing(nobody, OPERATE), _bearing(nobody, READ), nobody)


@pytest.fixture
def stranger(served: Served) -> Iterator[TestClient]:
    """Nobody, of a server that has refused nobody yet: after some wrong tokens it answers otherwise."""
    with _client(served.backend, TOKENS) as nobody:
        yield nobody


@pytest.fixture(scope="module")
def server(up: Home) -> Iterator[Server]:
    """The real command, serving the shared stack."""
    made = Server(up)
    made.start()
    yield made
    made.stop()


def reader_of(backend: Backend) -> TestClient:
    """Return a client that may read, of an application on another backend."""
    return _bearing(_client(backend, TOKENS), READ)


def _client(backend: Backend, tokens: Keyring) -> TestClient:
    return TestClient(make_app(backend, tokens, {ORIGIN}), base_url=ORIGIN, raise_server_exceptions=False)


def _bearing(client: TestClient, token: str) -> TestClient:
    made = TestClient(
        client.app, base_url=ORIGIN, raise_server_exceptions=False, headers={"Authorization": f"Bearer {token}"}
    )
    made.portal = client.portal  # the same event loop
    return made
