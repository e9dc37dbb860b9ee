"""Events as they happen, from the real command: what one client sees all see, through a restart of the server."""

from __future__ import annotations

import json
import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import connect

from synctl.engine.metrics.declared import METRICS
from tests.e2e.conftest import Home
from tests.helpers import PATIENCE_S, until
from tests.web.conftest import LONDON
from tests.web.server import Server


class Client(threading.Thread):
    """Follows, and comes again with the last id it saw, as a browser does."""

    def __init__(self, server: Server, after: int) -> None:
        super().__init__(daemon=True)
        self.server = server
        self.after = after
        self.seen: list[dict[str, Any]] = []
        self.enough = False
        self.connections = 0

    def run(self) -> None:
        while not self.enough:
            with suppress(OSError, httpx.TransportError, ConnectionClosed, TimeoutError, InvalidStatus):
                self.follow()
            time.sleep(0.05)  # a client's own pace

    def take(self, text: str | bytes) -> None:
        event = json.loads(text)
        self.seen.append(event)
        self.after = event["id"] or self.after

    def kept(self) -> list[tuple[Any, ...]]:
        return [(one["id"], one["event"], one["run"], one["state"]) for one in self.seen if one["id"]]

    def follow(self) -> None:
        raise NotImplementedError


class ByWebSocket(Client):
    def follow(self) -> None:
        url = f"ws://127.0.0.1:{self.server.port}/ws?after={self.after}"
        with connect(url, additional_headers=self.server.headers()) as socket:
            self.connections += 1
            while not self.enough:
                with suppress(TimeoutError):
                    self.take(socket.recv(timeout=0.2))


class ByEventSource(Client):
    def follow(self) -> None:
        headers = {**self.server.headers(), "Last-Event-ID": str(self.after)}
        with httpx.stream("GET", f"{self.server.url}/api/events", headers=headers, timeout=1) as answer:
            self.connections += 1
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    self.take(line.removeprefix("data: "))
                if self.enough:
                    return


@contextmanager
def watching(home: Home, after: int) -> Iterator[list[dict[str, Any]]]:
    """`synctl watch --json --after`, whose events are added to the list as they come."""
    seen: list[dict[str, Any]] = []
    process = home.start("watch", "--json", "--after", str(after))
    assert process.stdout is not None
    reader = threading.Thread(target=lambda: seen.extend(map(json.loads, process.stdout or ())), daemon=True)
    reader.start()
    yield seen
    process.send_signal(signal.SIGINT)
    process.wait(PATIENCE_S)
    reader.join(PATIENCE_S)
    process.communicate()


def latest(home: Home) -> int:
    return int(home.sql("SELECT COALESCE(MAX(id), 0) FROM run_event")[0][0])


@pytest.mark.slow
def test_watch_a_websocket_and_an_event_source_see_the_same_through_a_restart(server: Server) -> None:
    begin = latest(server.home)
    clients: list[Client] = [ByWebSocket(server, begin), ByEventSource(server, begin)]
    with watching(server.home, begin) as watched:
        for client in clients:
            client.start()
        until(lambda: all(client.connections for client in clients))
        run = server.post("/api/runs", {"resource": "prayer", "cities": 60, "year": 2034})["run"]
        until(lambda: all(any(one["progress"] for one in client.seen) for client in clients))
        server.post(f"/api/runs/{run}/pause", {"reason": "a restart"})
        server.stop()
        server.home.run("resume", run)  # while nobody is told
        server.start()
        until(lambda: all(client.connections > 1 for client in clients))
        server.post(f"/api/runs/{run}/cancel")
        last = latest(server.home)
        until(lambda: all(client.after >= last for client in clients))
        until(lambda: server.home.sql("SELECT state FROM run WHERE id = ?", run) == [("cancelled",)])
        last = latest(server.home)
        until(lambda: all(client.after >= last for client in clients))
        until(lambda: any(one["id"] == last for one in list(watched)))
        for client in clients:
            client.enough = True
            client.join(PATIENCE_S)
    expected = server.home.sql("SELECT id, kind, run_id, state FROM run_event WHERE id > ? ORDER BY id", begin)
    for client in clients:
        assert client.kept() == expected
    assert [(one["id"], one["event"], one["run"], one["state"]) for one in watched if one["id"]] == expected
    moved = [one["progress"] for one in clients[0].seen if one["progress"] and one["run"] == run]
    assert set(moved[0]) == set(server.home.json("status", run)) - {"errors"}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Origin": "http://elsewhere.example"}, 403),
    ],
    ids=str,
)
def test_a_follower_without_the_right_to_it_is_refused(server: Server, headers: dict[str, str], status: int) -> None:
    given = headers if status == 401 else {**server.headers(), **headers}
    with pytest.raises(InvalidStatus) as refused, connect(f"ws://127.0.0.1:{server.port}/ws", additional_headers=given):
        pass
    assert refused.value.response.status_code == status
    assert httpx.get(f"{server.url}/api/events", headers=given).status_code == status


@pytest.mark.parametrize("after", ["-1", "x", "1e3", "9" * 400, "%F0%9F%98%80"])
def test_an_id_that_is_none_is_refused(server: Server, after: str) -> None:
    assert httpx.get(f"{server.url}/api/events?after={after}", headers=server.headers()).status_code == 400
    with (
        pytest.raises(InvalidStatus) as refused,
        connect(f"ws://127.0.0.1:{server.port}/ws?after={after}", additional_headers=server.headers()),
    ):
        pass
    assert refused.value.response.status_code == 400


def test_what_a_client_says_changes_nothing(server: Server) -> None:
    with connect(f"ws://127.0.0.1:{server.port}/ws", additional_headers=server.headers("operate")) as socket:
        for message in ("", "{}", '{"cancel": "all"}', b"\x00\xff" * 100, "x" * 4000):
            socket.send(message)
        server.post("/api/runs", {**LONDON, "year": 2035})
        assert json.loads(socket.recv(timeout=PATIENCE_S))["event"] in ("created", "progress")
        socket.send("x" * 10_000)
        with pytest.raises(ConnectionClosed):
            list(socket)
    assert server.answers()


def test_metrics_need_a_token(server: Server) -> None:
    assert httpx.get(f"{server.url}/metrics").status_code == 401
    answer = httpx.get(f"{server.url}/metrics", headers=server.headers())
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    told = {line.split()[2] for line in answer.text.splitlines() if line.startswith("# TYPE")}
    assert {"synctl_build_info", "synctl_database_up", "synctl_redis_up"} <= told <= {one.name for one in METRICS}


def test_no_secret_is_in_the_log_or_the_process_list(server: Server) -> None:
    httpx.get(f"{server.url}/api/runs", headers={"Authorization": "Bearer a-wrong-secret"})
    log = server.home.path / "logs" / "synctl.log"
    until(lambda: "a wrong token" in log.read_text(encoding="utf-8"))
    assert server.process is not None
    text = log.read_text(encoding="utf-8") + Path(f"/proc/{server.process.pid}/cmdline").read_text(encoding="utf-8")
    assert not any(secret in text for secret in (*server.tokens.values(), "a-wrong-secret"))


def test_a_port_that_is_taken_is_told_in_one_line(server: Server) -> None:
    ended = server.home.run("serve", "--port", str(server.port), code=2)
    assert f"cannot listen on 127.0.0.1 port {server.port}" in ended.stderr
    assert ended.stderr.count("\n") == 1
