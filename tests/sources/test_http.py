"""The client: what is tried again and when, what is not, and what it tells the upstream."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest

from synctl import __version__
from synctl.config import HttpSettings, Settings
from synctl.errors import FatalError, MismatchError, RateLimitedError, RejectedError, TransientError
from synctl.resource import Context
from synctl.sources.client import Client
from synctl.sources.http import Fetcher, Params, fetcher
from synctl.sources.transport import Transport
from tests.sources.conftest import Engine, OpenFetcher, both
from tests.upstream.faults import Fault, Kind
from tests.upstream.server import LoopbackServer

UPSTREAM = "https://api.example.org/v1"
Answers = Callable[[httpx.Request], httpx.Response]


class Patience:
    """A stop signal that never comes, and notes how long it was waited for instead of waiting."""

    def __init__(self) -> None:
        self.waits: list[float] = []

    def is_set(self) -> bool:
        return False

    def wait(self, timeout: float) -> bool:
        self.waits.append(timeout)
        return False


def answering(*answers: httpx.Response | Exception) -> httpx.MockTransport:
    """Answer one after the other, the last for ever."""
    left = list(answers)

    def answer(request: httpx.Request) -> httpx.Response:
        this = left.pop(0) if len(left) > 1 else left[0]
        if isinstance(this, Exception):
            raise this
        return httpx.Response(this.status_code, headers=this.headers, stream=this.stream)  # not read yet

    return httpx.MockTransport(answer)


@pytest.fixture
def patience() -> Patience:
    return Patience()


def get(client: Fetcher) -> object:
    return client.get("/thing", {"a": 1}, json.loads).value


@pytest.mark.parametrize(("chance", "waits"), [(1.0, [0.5, 1.0, 2.0, 3.0, 3.0]), (0.0, [0.25, 0.5, 1.0, 1.5, 1.5])])
def test_waits_double_up_to_their_cap_and_chance_takes_up_to_half(
    open_fetcher: OpenFetcher, patience: Patience, chance: float, waits: list[float]
) -> None:
    client = open_fetcher(
        UPSTREAM,
        transport=answering(httpx.Response(500)),
        stop=patience,
        attempts=6,
        backoff=0.5,
        backoff_cap=3.0,
        jitter=lambda: chance,
    )
    with pytest.raises(TransientError):
        get(client)
    assert patience.waits == waits


@pytest.mark.parametrize(
    ("retry_after", "waited"),
    [
        ("7", 7.0),
        ("86400", 30.0),  # capped
        (formatdate(1_800_000_012, usegmt=True), 12.0),
        (formatdate(1_700_000_000, usegmt=True), 0.5),  # long ago: no more than the usual wait
        ("0", 0.5),
        ("soon", 0.5),
        (None, 0.5),
    ],
)
def test_a_rate_limit_is_waited_for_as_long_as_it_says(
    open_fetcher: OpenFetcher, engine: Engine, patience: Patience, retry_after: str | None, waited: float
) -> None:
    limited = httpx.Response(429, headers={"Retry-After": retry_after} if retry_after else {})
    client = open_fetcher(
        UPSTREAM,
        transport=answering(limited, httpx.Response(200, json=1)),
        stop=patience,
        backoff=0.5,
        backoff_cap=3.0,
        retry_after_cap=30.0,
        jitter=lambda: 1.0,
        now_ms=lambda: 1_800_000_000_000,
    )
    assert get(client) == 1
    assert patience.waits == [waited]
    assert engine.verdicts == [("limited", waited), ("answered", 0.0)]


def test_a_date_is_reckoned_by_the_clock_of_the_upstream(open_fetcher: OpenFetcher, patience: Patience) -> None:
    headers = {
        "Date": formatdate(1_800_000_000, usegmt=True),
        "Retry-After": formatdate(1_800_000_005, usegmt=True),
    }
    transport = answering(httpx.Response(503, headers=headers), httpx.Response(200, json=1))
    client = open_fetcher(UPSTREAM, transport=transport, stop=patience, retry_after_cap=30.0, now_ms=lambda: 0)
    assert get(client) == 1
    assert patience.waits == [5.0]


def test_a_limit_that_outlasts_every_attempt_says_how_long_to_wait(
    open_fetcher: OpenFetcher, engine: Engine, patience: Patience
) -> None:
    body = {"message": "API rate limit exceeded"}
    limited = httpx.Response(429, json=body, headers={"Retry-After": "9"})
    with pytest.raises(RateLimitedError, match="API rate limit exceeded") as raised:
        get(open_fetcher(UPSTREAM, transport=answering(limited), stop=patience, retry_after_cap=30.0))
    assert (raised.value.attempts, raised.value.retry_after, raised.value.http_status) == (4, 9.0, 429)
    assert engine.verdicts == [("limited", 9.0)] * 4


@pytest.mark.parametrize(
    "trouble",
    [
        httpx.Response(500),
        httpx.Response(502, text="<html>"),
        httpx.Response(503),
        httpx.Response(408),
        httpx.Response(200, text="<html>"),
        httpx.Response(200, content=b"\xff\xfe"),
        httpx.ConnectError("connection refused"),
        httpx.ConnectTimeout("timed out"),
        httpx.ReadTimeout(""),
        httpx.ReadError("connection reset"),
        httpx.RemoteProtocolError("peer closed connection without sending complete message body"),
    ],
    ids=str,
)
def test_trouble_that_may_pass_is_tried_again(
    open_fetcher: OpenFetcher, engine: Engine, patience: Patience, trouble: httpx.Response | Exception
) -> None:
    transport = answering(trouble, trouble, httpx.Response(200, json=[1]))
    response = open_fetcher(UPSTREAM, transport=transport, stop=patience).get("/thing", {}, json.loads)
    assert (response.value, response.attempts, len(patience.waits)) == ([1], 3, 2)
    assert engine.admitted == ["api.example.org"] * 3
    status = trouble.status_code if isinstance(trouble, httpx.Response) else None
    assert engine.requests == [(status, False), (status, True), (200, True)]
    with pytest.raises(TransientError) as raised:
        get(open_fetcher(UPSTREAM, transport=answering(trouble), stop=patience))
    assert raised.value.attempts == 4
    assert raised.value.http_status == status


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (httpx.Response(400, json={"code": 400, "data": "No such place."}), "400: No such place."),
        (httpx.Response(403, json={"message": "Not for you"}), "403: Not for you"),
        (httpx.Response(404, text="<html>"), "404: Not Found"),
        (httpx.Response(304), "304: Not Modified"),
        (httpx.Response(302, headers={"Location": "https://elsewhere.org/v1/thing"}), "leads to https://elsewhere.org"),
        (httpx.Response(302, headers={"Location": "http://api.example.org/thing"}), "leads to http://api.example.org"),
        (httpx.Response(302, headers={"Location": "/v1/thing"}), "not followed"),  # for ever
    ],
)
def test_a_refusal_is_not_argued_with(
    open_fetcher: OpenFetcher, patience: Patience, answer: httpx.Response, message: str
) -> None:
    with pytest.raises(RejectedError, match=message) as raised:
        get(open_fetcher(UPSTREAM, transport=answering(answer), stop=patience))
    assert (raised.value.attempts, raised.value.http_status) == (1, answer.status_code)
    assert patience.waits == []


@pytest.mark.parametrize("tag", ['"3f-Xz"', 'W/"3f-Xz"', "unquoted"])
def test_to_a_validator_not_modified_is_an_answer_and_nothing_is_decoded(
    open_fetcher: OpenFetcher, engine: Engine, tag: str
) -> None:
    asked: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(304, headers={"ETag": tag}, stream=httpx.ByteStream(b""))

    client = open_fetcher(UPSTREAM, transport=httpx.MockTransport(answer))
    response = client.get("/thing", {}, json.loads, {"If-None-Match": tag})
    assert (response.status, response.value, response.body, response.headers["etag"]) == (304, None, b"", tag)
    assert [request.headers["If-None-Match"] for request in asked] == [tag]
    assert engine.verdicts == [("answered", 0.0)]


def test_a_validator_that_is_out_of_date_gets_the_new_body(open_fetcher: OpenFetcher) -> None:
    client = open_fetcher(UPSTREAM, transport=answering(httpx.Response(200, json=[2])))
    assert client.get("/thing", {}, json.loads, {"If-None-Match": '"old"'}).value == [2]


def test_a_validator_follows_a_redirect_within_the_host(open_fetcher: OpenFetcher) -> None:
    moved = httpx.Response(302, headers={"Location": "/v1/other"})
    client = open_fetcher(UPSTREAM, transport=answering(moved, httpx.Response(304)))
    assert client.get("/thing", {}, json.loads, {"If-None-Match": '"a"'}).status == 304


def test_a_complaint_of_decode_stands_and_learns_the_status(open_fetcher: OpenFetcher) -> None:
    def decode(body: bytes) -> None:
        raise MismatchError("some.rule", "not what was asked")

    with pytest.raises(MismatchError) as raised:
        open_fetcher(UPSTREAM, transport=answering(httpx.Response(200))).get("/thing", {}, decode)
    assert (raised.value.attempts, raised.value.http_status, raised.value.rule) == (1, 200, "some.rule")


@both
def test_an_address_that_cannot_be_asked_ends_the_run(open_fetcher: OpenFetcher) -> None:
    with pytest.raises(FatalError):
        get(open_fetcher("gopher://api.example.org"))


@both
def test_a_redirect_within_the_host_is_followed(open_fetcher: OpenFetcher, upstream: LoopbackServer) -> None:
    response = open_fetcher(upstream.url).get("/methods", {}, json.loads)
    assert len(response.value["data"]) == 24
    assert upstream.statuses() == {301: 1, 200: 1}


@both
def test_it_says_who_it_is_and_keeps_its_connection(open_fetcher: OpenFetcher, upstream: LoopbackServer) -> None:
    client = open_fetcher(f"{upstream.url}/v1")
    for _ in range(3):
        response = client.get("/methods", {}, json.loads)
    assert response.headers["cache-control"] == "public,max-age=3600"
    assert upstream.seen[0].headers["User-Agent"] == f"synctl/{__version__}"
    assert len(upstream.open) == 1


@pytest.mark.parametrize("base", ["", "/v1", "/v1/"])
def test_it_asks_as_httpx_itself_would(open_fetcher: OpenFetcher, base: str) -> None:
    fetcher = open_fetcher(f"http://127.0.0.1:9{base}")
    client = httpx.Client(base_url=f"http://127.0.0.1:9{base}")
    questions: list[tuple[str, Params]] = [
        ("/calendar/2026", {"latitude": "51.5", "timezonestring": "America/Argentina/Buenos_Aires", "method": 3}),
        ("editions/ara-é d.json", {"q": "a&b=c +%/é"}),
        ("/a%20b", {}),
    ]
    for path, params in questions:
        ours, theirs = fetcher._request(path, params, {}), client.build_request("GET", path, params=params)
        assert ours.url == theirs.url
        assert ours.headers["host"] == theirs.headers["host"]
        assert ours.extensions["timeout"] == fetcher._client.timeout.as_dict()
    assert fetcher._request("/a", {}, {"If-None-Match": "1"}).headers["if-none-match"] == "1"
    assert "cookie" not in fetcher._request("/a", {}, {}).headers
    fetcher._client.cookies.set("sticky", "1")
    assert fetcher._request("/a", {}, {}).headers["cookie"] == "sticky=1"


def test_a_cookie_of_an_answer_is_sent_back(open_fetcher: OpenFetcher) -> None:
    asked: list[str | None] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.headers.get("cookie"))
        new = [("Set-Cookie", "sticky=1; Path=/"), ("Set-Cookie", "far=1; Path=/far")] if len(asked) == 2 else []
        return httpx.Response(200, headers=new, stream=httpx.ByteStream(b"1"))

    client = open_fetcher(UPSTREAM, transport=httpx.MockTransport(answer))
    for _ in range(4):
        get(client)
    assert asked == [None, None, "sticky=1", "sticky=1"]


@pytest.mark.parametrize("later", [False, True])
def test_cookies_that_are_given_are_kept(later: bool) -> None:
    client = Client(cookies={} if later else {"sticky": "1"})
    if later:
        client.cookies = httpx.Cookies({"sticky": "1"})
    assert client.build_request("GET", UPSTREAM).headers["cookie"] == "sticky=1"


@both
def test_it_logs_no_line_for_each_request(
    open_fetcher: OpenFetcher, upstream: LoopbackServer, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO):
        open_fetcher(f"{upstream.url}/v1").get("/methods", {}, json.loads)
    assert caplog.records == []


@both
def test_an_answer_that_drips_is_given_up(open_fetcher: OpenFetcher, upstream: LoopbackServer) -> None:
    upstream.faults.rules = [Fault(Kind.TRICKLE)]
    client = open_fetcher(f"{upstream.url}/v1", timeout=0.05, attempts=1)  # each byte is in time
    with pytest.raises(TransientError, match="too slowly"):
        client.get("/methods", {}, json.loads)


def test_a_source_is_opened_as_it_is_configured(engine: Engine, tmp_path: Path) -> None:
    for name, kind in (("http.client", Transport), ("httpx", httpx.HTTPTransport)):
        context = Context(settings=Settings(home=tmp_path, http=HttpSettings(transport=name)), stop=engine.stop)
        client = fetcher("aladhan", context)
        assert isinstance(client._client._transport, kind)
        client.close()
    with pytest.raises(TypeError, match="no upstream"):
        fetcher("calculated", context)
