"""What is refused changes nothing: neither a row nor a key, whatever was tried; and the log has it, without secrets."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import closing, suppress
from typing import Any
from urllib.parse import quote

import httpx
import pytest

from synctl.engine.connect import connect_cli
from synctl.engine.server import EmbeddedServer
from synctl.web.app import OPERATIONS
from synctl.web.guard import FAILURES
from tests.e2e.conftest import Home, made_home
from tests.helpers import until
from tests.web.server import Server

ORDER = b'{"resource": "prayer", "city": ["Lahore"], "methods": "3", "year": 2031}'
JSON = "Content-Type: application/json"
PAGES = (
    ("GET", "/"), ("GET", "/enqueue"), ("POST", "/enqueue"), ("GET", "/coverage"), ("GET", "/fleet"),
    ("GET", "/runs/{run}"), ("GET", "/runs/{run}/cancel"), ("POST", "/logout"),
    *(("POST", f"/runs/{{run}}/{verb}") for verb in ("pause", "resume", "cancel", "retry", "delete")),
)  # fmt: skip
DOORS = (
    *((one.method, one.path) for one in OPERATIONS),
    ("GET", "/api/events"), ("GET", "/api/openapi.json"), ("GET", "/metrics"), ("GET", "/ws"), *PAGES,
)  # fmt: skip
WRITES = tuple((one.method, one.path) for one in OPERATIONS if one.method != "GET")


@pytest.fixture(scope="module")
def still() -> Iterator[Server]:
    """A server of a home in which nothing moves by itself: no worker lives, and a run waits for one."""
    with made_home() as home:
        home.environment = {"SYNCTL_WORKERS__PRAYER": "0"}
        home.run("up")
        server = Server(home)
        server.start()
        yield server
        server.stop()


@pytest.fixture(scope="module")
def run(still: Server) -> str:
    return str(still.post("/api/runs", {"resource": "prayer", "city": ["London"], "methods": "3"})["run"])


@pytest.fixture
def fresh(still: Server) -> Server:
    """The same server, which has refused nobody yet."""
    still.stop()
    still.start()
    return still


@pytest.fixture(autouse=True)
def nothing_changes(still: Server, run: str) -> Iterator[None]:
    before = everything(still.home)
    yield
    assert everything(still.home) == before
    log = (still.home.path / "logs" / "synctl.log").read_text(encoding="utf-8")
    assert not any(secret in log for secret in still.tokens.values())
    assert "Traceback" not in log


def everything(home: Home) -> tuple[dict[str, list[Any]], dict[str, Any]]:
    """Return all rows and all keys; not the heartbeat of the supervisor, which lives."""
    tables = [name for (name,) in home.sql("SELECT name FROM sqlite_master WHERE type = 'table'")]
    rows = {name: home.sql(f'SELECT * FROM "{name}"') for name in tables}
    with closing(connect_cli(EmbeddedServer(home.path / "redis").url, decode=False)) as client:
        return rows, {repr(key): client.dump(key) for key in client.keys("*")}


def ask(
    server: Server, method: str, target: str, *lines: str | bytes, token: str | None = "operate", body: bytes = b""
) -> int:
    """Send a request as it is written, which no client library would, and return the status; 0 for a cut."""
    head = [f"{method} {target} HTTP/1.1", "Host: 127.0.0.1", "Connection: close", *lines]
    if token is not None:
        head.append(f"Authorization: Bearer {server.tokens.get(token, token)}")
    if body and not any(str(line).startswith("Transfer-Encoding") for line in lines):
        head.append(f"Content-Length: {len(body)}")
    raw = b"\r\n".join([line if isinstance(line, bytes) else line.encode() for line in head]) + b"\r\n\r\n"
    with socket.create_connection(("127.0.0.1", server.port)) as sent:
        sent.settimeout(20)
        with suppress(ConnectionError):  # it has answered and closed before all was sent
            sent.sendall(raw + body)
        with suppress(ConnectionResetError):
            found = re.match(rb"HTTP/1.1 (\d{3}) ", sent.recv(64))
            return int(found[1]) if found else 0
    return 0


def log_of(server: Server) -> str:
    return (server.home.path / "logs" / "synctl.log").read_text(encoding="utf-8")


def test_every_door_is_closed_to_who_brings_no_token(still: Server, run: str) -> None:
    found = {
        (method, path): ask(still, method, path.format(run=run, resource="prayer"), JSON, token=None, body=ORDER)
        for method, path in DOORS
    }
    pages = dict.fromkeys(PAGES, 303)  # to the log-in
    assert found == {**dict.fromkeys(DOORS, 401), ("GET", "/ws"): 404, **pages}
    until(lambda: "refused POST '/api/runs' of 127.0.0.1: 401" in log_of(still))


def test_every_door_is_closed_to_a_wrong_token_which_soon_has_to_wait(fresh: Server, run: str) -> None:
    api = [door for door in DOORS if door not in PAGES and door != ("GET", "/ws")]
    found = [
        ask(fresh, method, path.format(run=run, resource="prayer"), JSON, token="0" * 43, body=ORDER)
        for method, path in api
    ]
    assert found == [401] * FAILURES + [429] * (len(api) - FAILURES)
    until(lambda: log_of(fresh).count("a wrong token from 127.0.0.1") >= FAILURES)


@pytest.mark.parametrize(("method", "path"), WRITES)
def test_a_change_needs_the_role_and_an_origin_of_ours(still: Server, run: str, method: str, path: str) -> None:
    target, body = path.format(run=run), ORDER if path == "/api/runs" else b"{}"
    assert ask(still, method, target, JSON, token="read", body=body) == 403
    for origin in ("http://elsewhere.example", "null", "http://127.0.0.1", f"https://127.0.0.1:{still.port}", ""):
        assert ask(still, method, target, JSON, f"Origin: {origin}", body=body) == 403, origin
    until(lambda: "read (127.0.0.1) asked for what needs the role operate" in log_of(still))
    until(lambda: "from the origin 'http://elsewhere.example'" in log_of(still))


@pytest.mark.parametrize(
    ("lines", "body", "status"),
    [
        ([JSON], b'{"resource": "' + b"x" * 10_000_000 + b'"}', 413),
        ([JSON, "Transfer-Encoding: chunked"], (b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n") * 160 + b"0\r\n\r\n", 413),
        ([JSON, "Transfer-Encoding: gzip"], ORDER, 400),
        ([JSON, "Transfer-Encoding: chunked"], b"no length\r\n" + ORDER, 400),
        ([JSON, "Content-Length: 4"], ORDER, 400),
        ([JSON, "Content-Length: -1"], ORDER, 400),
        ([JSON, "Content-Encoding: gzip"], b"\x1f\x8b\x08\x00", 400),
        (["Content-Type: text/plain"], ORDER, 415),
        (["Content-Type: application/x-www-form-urlencoded"], b"resource=prayer", 415),
        (["Content-Type: multipart/form-data; boundary=x"], b"--x--", 415),
        ([], ORDER, 415),
        ([JSON], ORDER.decode().encode("utf-16"), 400),
        ([JSON], ORDER.decode().encode("utf-7").replace(b"{", b"+AHs-"), 400),
        ([JSON], b"\xef\xbb\xbf" + ORDER, 400),
        ([JSON], b'{"resource": "\xff"}', 400),
        ([JSON], b'{"resource": "\\ud800"}', 400),
        ([JSON], b'{"resource": "prayer", "city": ["\\u0000"]}', 422),
        ([JSON], b'{"resource": "prayer", "cities": NaN}', 400),
        ([JSON], b'{"resource": "prayer", "cities": 1e400}', 422),
        ([JSON], b"[" * 60_000, 422),
        ([JSON], b'{"resource": "prayer"} {"resource": "quran"}', 400),
        ([JSON], b'{"resource": "../../etc/passwd"}', 422),
        ([JSON, b"X-Odd: \xff\xfe"], b'{"resource": "no\\nsuch"}', 422),
    ],
    ids=lambda value: repr(value)[:50],
)
def test_an_odd_body_is_refused(still: Server, lines: list[str | bytes], body: bytes, status: int) -> None:
    assert ask(still, "POST", "/api/runs", *lines, body=body) == status


@pytest.mark.parametrize("path", ["/api/runs", "/enqueue", "/login"])
def test_a_body_that_is_cut_off_is_nothing(still: Server, path: str) -> None:
    lines = [f"POST {path} HTTP/1.1", "Host: 127.0.0.1", JSON, "Content-Length: 500", f"Origin: {still.url}"]
    for token in still.tokens.values():
        with socket.create_connection(("127.0.0.1", still.port)) as torn:
            torn.sendall("\r\n".join([*lines, f"Authorization: Bearer {token}", "", ""]).encode() + ORDER)
    assert still.answers()


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("POST", "/api/runs/{run}%0A/cancel", 404),
        ("POST", "/api/runs%0A", 404),
        ("POST", "/api/runs/./{run}/cancel", 404),
        ("POST", "/api/x/../runs/{run}/cancel", 404),
        ("POST", "//api/runs/{run}/cancel", 404),
        ("POST", "/api/runs/{run}//cancel", 404),
        ("POST", "/api/runs/{run}/cancel/", 404),
        ("POST", "/api/runs/{run}/CANCEL", 404),
        ("POST", "/api/runs/{run}%2fcancel", 404),
        ("POST", "/api/runs/%2e%2e/cancel", 404),
        ("POST", "/api/runs/%00/cancel", 404),
        ("POST", "/api/runs/{run}%00/cancel", 404),
        ("POST", "/api/runs/%ff%fe/cancel", 404),
        ("POST", "/api/runs/%25/cancel", 404),
        ("POST", "/api/runs/_/cancel", 404),
        ("POST", "/api/runs/*/cancel", 404),
        ("POST", "/api/runs/{run},{run}/cancel", 404),
        ("POST", "/api/runs/' OR 1=1 --/cancel", 400),
        ("POST", "/api/runs/'%20OR%201=1%20--/cancel", 404),
        ("DELETE", "/api/runs/", 404),
        ("DELETE", "/api/runs", 405),
        ("PUT", "/api/runs/{run}", 405),
        ("PATCH", "/api/runs/{run}", 405),
        ("GET", "/api/runs/{run}/cancel", 405),
        ("TRACE", "/api/runs", 405),
        ("BREW", "/api/runs", 405),
        ("POST", "http://elsewhere.example/api/runs/{run}/cancel", 404),
        ("POST", "/api/runs/{run}/cancel?_method=DELETE", 400),
        ("GET", "/static/..%2f..%2fserver.py", 404),
        ("GET", "/static/%2e%2e/%2e%2e/server.py", 404),
        ("GET", "/static//etc/passwd", 404),
        ("GET", "/static/app.js%00.css", 404),
        ("GET", "/static/" + "a" * 300, 404),
    ],
)
def test_a_trick_with_a_path_is_refused(still: Server, run: str, method: str, target: str, status: int) -> None:
    found = ask(still, method, target.format(run=run), *([JSON] if method != "GET" else []))
    assert found == status
    if status == 404 and target.startswith("/api/runs/_"):
        until(lambda: f"refused POST {target!r} of 127.0.0.1: 404" in log_of(still))


@pytest.mark.parametrize("page", ["/", "/runs/{run}", "/coverage", "/fleet", "/enqueue"])
def test_no_page_has_a_secret(still: Server, run: str, page: str) -> None:
    with httpx.Client(base_url=still.url, headers={"Origin": still.url}) as browser:
        answer = browser.post("/login", data={"token": still.tokens["operate"]})
        assert answer.status_code == 303
        shown = browser.get(quote(page.format(run=run)))
        assert shown.status_code == 200
        told = shown.text + repr(shown.headers)
        assert not any(secret in told for secret in still.tokens.values())


def test_it_does_not_listen_beyond_this_machine_unless_that_is_meant(still: Server) -> None:
    ended = still.home.run("serve", "--host", "0.0.0.0", "--port", "0", code=2)
    assert "reachable from other machines" in ended.stderr
    assert "--allow-remote" in ended.stderr
    (still.home.path / "web-tokens").chmod(0o644)
    try:
        ended = still.home.run("serve", "--port", "0", code=2)
    finally:
        (still.home.path / "web-tokens").chmod(0o600)
    assert "others may read it" in ended.stderr
