"""Who is let in, and who is not: nothing changes, and nobody's secret is told."""

from __future__ import annotations

import logging
import stat
import time
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from synctl.errors import ConfigError, UsageError
from synctl.web import sessions
from synctl.web.access import Keyring, Role, Token, keyring
from synctl.web.guard import FAILURES
from synctl.web.server import Where
from synctl.web.shields import MOST_BYTES, MOST_TOLD
from tests.web.conftest import LONDON, OPERATE, ORIGIN, READ, Served

ORDER: dict[str, Any] = {**LONDON, "year": 2040}


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Authorization": "Bearer wrong"}, 401),
        ({"Authorization": f"Basic {OPERATE}"}, 401),
        ({"Authorization": f"Bearer {OPERATE}x"}, 401),
        ({"Authorization": "Bearer \xff\xfe"}, 401),
        ({"Authorization": f"Bearer {READ}"}, 403),
        ({"Authorization": f"Bearer {OPERATE}", "Origin": "http://elsewhere.example"}, 403),
        ({"Authorization": f"Bearer {OPERATE}", "Origin": "null"}, 403),
        ({"Authorization": f"Bearer {OPERATE}", "Content-Type": "text/plain"}, 415),
        ({"Cookie": "synctl_session=ops.9999999999.00.ff"}, 401),
        ({"Cookie": "synctl_session=nobody.x"}, 401),
        ({"Cookie": "synctl_session=\xff"}, 401),
    ],
    ids=str,
)
def test_a_change_is_refused_without_the_right_to_it(
    served: Served, stranger: TestClient, headers: dict[str, str], status: int, caplog: pytest.LogCaptureFixture
) -> None:
    raw = {name: value.encode("latin-1") for name, value in {"Content-Type": "application/json", **headers}.items()}
    answer = stranger.post("/api/runs", content=b'{"resource":"prayer","city":["London"]}', headers=raw)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert served.reader.get("/api/runs?state=queued").json()["runs"] == []
    assert OPERATE not in caplog.text + answer.text
    assert READ not in caplog.text + answer.text


@pytest.mark.parametrize("length", [MOST_BYTES + 1, 10_000_000])
def test_a_body_that_is_too_long_is_refused(served: Served, length: int) -> None:
    body = b'{"resource":"' + b"x" * length + b'"}'
    assert served.client.post("/api/runs", content=body).status_code == 413

    def pieces() -> Any:
        for at in range(0, len(body), 60_000):
            yield body[at : at + 60_000]

    answer = served.client.post("/api/runs", content=pieces(), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["type"]) == (413, "urn:synctl:problem:too-large")


@pytest.mark.parametrize(
    "body",
    [b"{", b"\xff\xfe{\x00}\x00", b'"\xed\xa0\x80"', b"[" * 60_000, b'{"resource":"prayer","resource":3}', b"nul"],
    ids=lambda body: repr(body[:20]),
)
def test_a_body_that_is_no_order_is_refused(served: Served, body: bytes) -> None:
    answer = served.client.post("/api/runs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in (400, 422)


def test_wrong_tokens_are_told_to_wait_and_right_ones_are_not(
    stranger: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING, "synctl.web"):
        answers = [stranger.get("/api/runs", headers={"Authorization": "Bearer wrong"}) for _ in range(FAILURES + 5)]
    assert [answer.status_code for answer in answers] == [401] * FAILURES + [429] * 5
    assert int(answers[-1].headers["retry-after"]) > 0
    assert len([line for line in caplog.records if "a wrong token" in line.getMessage()]) == FAILURES
    assert stranger.get("/api/runs", headers={"Authorization": f"Bearer {READ}"}).status_code == 200
    log_in = stranger.post("/login", data={"token": "wrong"}, headers={"Origin": ORIGIN})
    assert log_in.status_code == 429


def test_what_is_refused_is_logged_and_a_flood_does_not_fill_the_log(
    stranger: TestClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "synctl.web"):
        for _ in range(MOST_TOLD + 10):
            stranger.get("/api/runs%0A?token=not-for-the-log")
    told = [line.getMessage() for line in caplog.records if "refus" in line.getMessage()]
    assert told[0] == "refused GET '/api/runs\\n' of testclient: 404"
    assert len(told) == MOST_TOLD + 1
    assert "not told" in told[-1]
    assert "not-for-the-log" not in caplog.text


def test_every_answer_has_the_headers_of_security(served: Served) -> None:
    for url in ("/healthz", "/api/runs", "/api/nothing"):
        headers = served.nobody.get(url).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["cache-control"] == "no-store"


def test_health_needs_no_token(served: Served) -> None:
    assert served.nobody.get("/healthz").text == "ok\n"
    assert served.nobody.get("/readyz").json() == {"ready": True, "database": True, "redis": True}


def test_the_first_start_writes_tokens_that_only_the_owner_reads(tmp_path: Path) -> None:
    path = tmp_path / "web-tokens"
    keyring(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    lines = [line.split() for line in path.read_text().splitlines() if not line.startswith("#")]
    assert [(name, role) for name, role, _ in lines] == [("read", "read"), ("operate", "operate")]
    ring = keyring(path)  # the same at the second start
    assert [ring.identify(secret).name for *_, secret in lines] == ["read", "operate"]  # type: ignore[union-attr]
    path.chmod(0o640)
    with pytest.raises(ConfigError, match="others may read it"):
        keyring(path)


@pytest.mark.parametrize(
    "text",
    ["", "read read", f"read write {READ}", "read read short", f"Re read {READ}", f"a read {READ}\na read {OPERATE}"],
)
def test_a_wrong_file_of_tokens_is_told_without_its_secrets(text: str, tmp_path: Path) -> None:
    path = tmp_path / "web-tokens"
    path.write_text(text)
    path.chmod(0o600)
    with pytest.raises(ConfigError) as error:
        keyring(path)
    assert READ not in str(error.value)


def test_a_session_ends_with_its_token_and_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    token = Token("ops", Role.OPERATE, OPERATE)
    cookie = sessions.begin(token)
    assert OPERATE not in cookie
    session = sessions.resume(Keyring([token]), cookie)
    assert session is not None
    assert session.token == token
    assert sessions.resume(Keyring([Token("ops", Role.OPERATE, READ)]), cookie) is None
    assert sessions.resume(Keyring([token]), cookie[:-1] + ("0" if cookie[-1] != "0" else "1")) is None
    monkeypatch.setattr(time, "time", lambda: 2**40)
    assert sessions.resume(Keyring([token]), cookie) is None


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.7", "sync.example.org"])
def test_listening_beyond_loopback_has_to_be_meant(host: str) -> None:
    with pytest.raises(UsageError, match="reachable from other machines"):
        Where(host, 8327)
    Where(host, 8327, remote=True)


@pytest.mark.parametrize("origin", ["sync.example.org", "https://sync.example.org/", "ftp://x", "https://"])
def test_an_origin_is_scheme_and_host(origin: str) -> None:
    with pytest.raises(UsageError, match="is no origin"):
        Where("127.0.0.1", 8327, (origin,))


def test_our_own_origin_may_ask(served: Served) -> None:
    answer = served.client.post("/api/runs", json={"resource": "none"}, headers={"Origin": ORIGIN})
    assert answer.status_code == 422
