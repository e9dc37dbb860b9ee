"""Secrets do not get out, in whatever a library says."""

from __future__ import annotations

import time

import pytest

from synctl.redact import redacted

SECRETS = {
    "redis://:hush@h:6379/0": "redis://:***@h:6379/0",
    "rediss://u:hu@sh@h": "rediss://u:***@h",
    "redis://h?db=1&password=hush&x=2": "redis://h?db=1&password=***&x=2",
    "unix://u:hush@/run/valkey.sock": "unix://u:***@/run/valkey.sock",
    "postgresql://me:hush@h1,[::1]:5433/x?sslmode=require": "postgresql://me:***@h1,[::1]:5433/x?sslmode=require",
    "postgresql://h/x?user=me&sslpassword=hush": "postgresql://h/x?user=me&sslpassword=***",
    "cannot reach 'https://me:hush@mirror/v1/x?api_key=hush', gave up": (
        "cannot reach 'https://me:***@mirror/v1/x?api_key=***', gave up"
    ),
    "connection failed: host=h user=me password=hush dbname=x": (
        "connection failed: host=h user=me password=*** dbname=x"
    ),
    "{'Authorization': 'Bearer hush', 'Accept': 'x'}": "{'Authorization': '***', 'Accept': 'x'}",
    "[(b'authorization', b'Basic hush'), (b'x-api-key', b'hush')]": "[(b'authorization', b'***'), (b'x-api-key', ***)]",
    "Authorization: Basic hush==\nX-Api-Key: hush\n": "Authorization: ***\nX-Api-Key: ***\n",
    r"host=h password='hu\'sh hush' user=u": "host=h password=*** user=u",
    '{"access_token": "hush", "id": 1}': '{"access_token": ***, "id": 1}',
    "x-api-key: hush": "x-api-key: ***",
    "it said: db.password: hush": "it said: db.password: ***",
    "https://h/token=hush": "https://h/token=***",
}
PLAIN = [
    "https://cdn.jsdelivr.net/gh/fawazahmed0/hadith-api@1",
    "http://127.0.0.1:8080/gh/fawazahmed0/hadith-api@1/x",
    "Redis redis://user@h:6379/0: nothing listens there",
    "prayer-20261124-1f0c7e2ab4 waits for 2643743/3/0/2026-01-01..2026-12-31",
    "unix:///srv/synctl/redis/valkey.sock",
    "cannot create /etc/passwd: File exists; check its folder's rights",
]


@pytest.mark.parametrize("text", SECRETS)
def test_a_secret_is_replaced(text: str) -> None:
    assert redacted(text) == SECRETS[text]


@pytest.mark.parametrize("text", PLAIN)
def test_what_is_no_secret_stays(text: str) -> None:
    assert redacted(text) == text


@pytest.mark.parametrize("piece", ["y", "a-", "password", "x://", "'Authorization'", "u:p", "k=", "@"])
def test_a_long_text_does_not_take_long(piece: str) -> None:
    began = time.process_time()
    redacted(piece * (100_000 // len(piece)))
    assert time.process_time() - began < 5
