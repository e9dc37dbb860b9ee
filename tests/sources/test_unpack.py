"""Content encoding: what is whole is unpacked, what is not is no answer."""

from __future__ import annotations

import gzip
import json
import random

import httpx
import pytest

from synctl.errors import TransientError
from synctl.sources import unpack
from tests.sources.conftest import OpenFetcher
from tests.sources.test_http import UPSTREAM, answering, get

PLAIN = json.dumps({"data": random.Random(1).sample(range(10**6), 10_000)}).encode()


@pytest.mark.parametrize("level", [0, 1, 9])
@pytest.mark.parametrize("coding", ["gzip", "GZIP", " x-gzip "])
def test_gzip_is_unpacked(level: int, coding: str) -> None:
    assert unpack.unpacked(gzip.compress(PLAIN, level), coding) == PLAIN


@pytest.mark.parametrize("coding", ["", "identity", "Identity"])
def test_what_is_not_packed_stays_as_it_is(coding: str) -> None:
    assert unpack.unpacked(PLAIN, coding) is PLAIN


@pytest.mark.parametrize(
    ("body", "coding", "message"),
    [
        (gzip.compress(PLAIN)[:-9], "gzip", "ends too early"),
        (b"", "gzip", "ends too early"),
        (PLAIN, "gzip", "is broken"),
        (gzip.compress(PLAIN)[:-8] + bytes(8), "gzip", "is broken"),
        (PLAIN, "br", "'br', gzip was asked for"),
        (PLAIN, "gzip, gzip", "'gzip, gzip', gzip was asked for"),
    ],
    ids=["cut", "empty", "plain", "wrong checksum", "another coding", "packed twice"],
)
def test_what_cannot_be_unpacked_is_tried_again_and_then_said(
    body: bytes, coding: str, message: str, open_fetcher: OpenFetcher
) -> None:
    headers = {"Content-Encoding": coding}
    answer = httpx.Response(200, headers=headers, stream=httpx.ByteStream(body))
    with pytest.raises(TransientError, match=message) as raised:
        get(open_fetcher(UPSTREAM, transport=answering(answer), attempts=2))
    assert (raised.value.attempts, raised.value.http_status) == (2, 200)


def test_a_bomb_goes_off_at_its_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(unpack, "MOST_BYTES", len(PLAIN) - 1)
    with pytest.raises(ValueError, match="unpacks to more than"):
        unpack.unpacked(gzip.compress(PLAIN), "gzip")


def test_an_answer_without_end_is_left(open_fetcher: OpenFetcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synctl.sources.http.MOST_BYTES", len(PLAIN) - 1)
    answer = httpx.Response(200, stream=httpx.ByteStream(PLAIN))
    with pytest.raises(TransientError, match="answers without end"):
        get(open_fetcher(UPSTREAM, transport=answering(answer), attempts=1))
