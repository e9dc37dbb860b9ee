"""Who does not take what is sent is dropped, its socket closed, and nobody waits for it meanwhile."""

from __future__ import annotations

import asyncio
import json
import logging
import socket
import threading
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import uvicorn
from redis import Redis
from websockets.sync.client import connect

from synctl.config import Settings
from synctl.states import RunState
from synctl.store.db import Database, open_database
from synctl.store.runs import Actor, record
from synctl.web import dispatch, hub, live, protocols
from synctl.web import server as serving
from synctl.web.access import Keyring, Role, Token
from synctl.web.app import make_app
from synctl.web.backend import Backend
from synctl.web.dispatch import Work
from tests.helpers import PATIENCE_S, until
from tests.store.databases import migrated
from tests.web.conftest import ORIGIN, READ

HISTORY = 2000
LONG = "because " * 500
"""With the history it is more than sockets and buffers hold."""
SOON_S = 0.3


@dataclass(frozen=True, slots=True)
class Running:
    """A server in this process, and what it serves."""

    server: uvicorn.Server
    database: Database
    port: int

    @property
    def connections(self) -> int:
        return len(self.server.server_state.connections)

    def dial(self, path: str, *lines: str, method: str = "GET") -> socket.socket:
        """Ask for something with a socket that holds little."""
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        made.settimeout(PATIENCE_S)
        made.connect(("127.0.0.1", self.port))
        head = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Authorization: Bearer {READ}", *lines]
        made.sendall("\r\n".join([*head, "", ""]).encode())
        return made


@pytest.fixture
def backend(tmp_path: Path) -> Iterator[Backend]:
    """A database with nothing live in it, so that Redis is not asked."""
    with migrated("sqlite", tmp_path) as url, closing(open_database(url)) as database:
        nowhere = Redis(port=9)
        yield Backend(Settings(home=tmp_path), database, nowhere, nowhere, "redis://127.0.0.1:9")


@pytest.fixture
def running(backend: Backend, monkeypatch: pytest.MonkeyPatch) -> Iterator[Running]:
    """A server whose patience is short."""
    monkeypatch.setattr(live, "SEND_S", SOON_S)
    monkeypatch.setattr(protocols, "HEAD_S", SOON_S)
    monkeypatch.setattr(serving, "UNTAKEN_MS", 1000)
    monkeypatch.setattr(dispatch, "BODY_S", SOON_S)
    app = make_app(backend, Keyring([Token("reader", Role.READ, READ)]), {ORIGIN})
    with serving.bound(serving.Where("127.0.0.1", 0)) as listening:
        server = serving.server_of(app)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        yield Running(server, backend.database, listening.getsockname()[1])
        server.should_exit = True
        thread.join(PATIENCE_S)


def happen(database: Database, *reasons: str) -> None:
    with database.write() as transaction:
        for reason in reasons:
            record(transaction, "prayer-1", "state", RunState.SUCCEEDED, Actor("tests", "here"), reason)


@pytest.mark.parametrize(
    ("path", "lines"),
    [
        (
            "/ws?after=0",
            ["Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13",
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="],
        ),
        ("/api/events?after=0", []),
    ],
    ids=["WebSocket", "server-sent events"],
)  # fmt: skip
def test_a_client_that_does_not_read_is_cut_off_and_others_are_served_meanwhile(
    running: Running, path: str, lines: list[str]
) -> None:
    happen(running.database, *[LONG] * HISTORY)
    headers = {"Authorization": f"Bearer {READ}"}
    with (
        connect(f"ws://127.0.0.1:{running.port}/ws", additional_headers=headers) as reader,
        closing(running.dial(path, *lines)) as sleeper,
    ):
        until(lambda: running.connections == 2)
        until(lambda: sleeper.recv(1, socket.MSG_PEEK))  # it is answered, and now takes nothing
        asked, ids = 0, []
        while running.connections == 2:
            asked += 1
            happen(running.database, f"now {asked}")
            while (told := json.loads(reader.recv(timeout=PATIENCE_S)))["reason"] != f"now {asked}":
                ids.append(told["id"])
            ids.append(told["id"])
        assert ids == list(range(ids[0], ids[0] + len(ids)))  # though more happened at once than may wait
        taken = 0
        with suppress(ConnectionError):
            while piece := sleeper.recv(65_536):
                taken += len(piece)
        assert taken < HISTORY * len(LONG)


def test_a_connection_that_never_asks_is_closed(running: Running) -> None:
    with socket.create_connection(("127.0.0.1", running.port)) as silent, running.dial("/healthz") as asking:
        silent.settimeout(PATIENCE_S)
        silent.sendall(b"GET /healthz HT")
        assert silent.recv(100) == b""
        assert b"200 OK" in asking.recv(100)


def test_a_body_that_does_not_come_is_not_waited_for(running: Running) -> None:
    with running.dial("/login", "Origin: http://127.0.0.1", "Content-Length: 10", method="POST") as dawdling:
        assert b"403" in dawdling.recv(100)  # not even asked for
    own = f"Origin: {ORIGIN}"
    kind = "Content-Type: application/x-www-form-urlencoded"
    with running.dial("/login", own, kind, "Content-Length: 10", method="POST") as dawdling:
        assert b"408" in dawdling.recv(100)


def test_a_client_for_which_too_many_events_wait_is_dropped_and_the_next_one_is_told(
    backend: Backend, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(hub, "WAITING", 5)
    monkeypatch.setattr(hub, "POLL_S", 0.02)

    async def follow() -> tuple[list[int | None], list[int | None]]:
        work = Work(backend)
        mine = hub.Hub(backend, work)
        polling = asyncio.create_task(mine.run())
        reading, sleeping = mine.follow(None), mine.follow(None)
        waiting = [asyncio.ensure_future(anext(one)) for one in (reading, sleeping)]
        while len(mine._subscribers) < 2:
            await asyncio.sleep(0)
        happen(backend.database, "first")
        seen = [(await one).id for one in waiting]  # from here on only one of them reads
        read, got = seen[:1], seen[1:]
        for number in range(8):
            happen(backend.database, str(number))
            read.append((await anext(reading)).id)
        with suppress(hub.Dropped):
            while True:
                got.append((await anext(sleeping)).id)
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)
        await reading.aclose()
        work.close()
        return read, got

    with caplog.at_level(logging.WARNING, "synctl.web"):
        read, got = asyncio.run(follow())
    assert read == list(range(1, 10))
    assert got == [1, 2, 3, 4, 5, 6]
    assert [line.getMessage() for line in caplog.records].count("dropped a client that did not keep up") == 1
