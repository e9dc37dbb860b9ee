"""The client ends at once when it must: while it waits, while the upstream hangs, before it asks."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Self

import httpx
import pytest

from synctl.errors import UnitError
from synctl.resource import OpenGate
from synctl.sources.http import Interrupted
from tests.helpers import until
from tests.sources.conftest import Engine, OpenFetcher, both
from tests.upstream.faults import Fault, Kind
from tests.upstream.server import LoopbackServer

UPSTREAM = "http://127.0.0.1:9/v1"

Once = Callable[[Callable[[], object], Callable[[], object]], None]


@dataclass
class StoppingGate(OpenGate):
    """The run is told to stop while somebody waits here."""

    engine: Engine

    def turn(self, host: str) -> Self:
        self.engine.stop.set()
        return self


@pytest.fixture
def once() -> Iterator[Once]:
    """Do something once a condition holds, while the test waits for something else."""
    threads = []

    def do(condition: Callable[[], object], something: Callable[[], object]) -> None:
        def act() -> None:
            until(condition)
            something()

        threads.append(threading.Thread(target=act))
        threads[-1].start()

    yield do
    for thread in threads:
        thread.join()


@pytest.mark.parametrize(
    "fault", [Fault(Kind.ERROR), Fault(Kind.RATE_LIMIT, "60"), Fault(Kind.RATE_LIMIT)], ids=lambda fault: fault.kind
)
def test_a_backoff_ends_at_once_when_the_run_stops(
    open_fetcher: OpenFetcher,
    engine: Engine,
    upstream: LoopbackServer,
    once: Once,
    fault: Fault,
) -> None:
    upstream.faults.rules = [fault]
    client = open_fetcher(f"{upstream.url}/v1", backoff=60.0, backoff_cap=60.0, retry_after_cap=60.0)
    once(lambda: engine.verdicts, engine.stop.set)  # it was answered, and goes to wait
    started = time.monotonic()
    with pytest.raises(Interrupted):
        client.get("/methods", {}, json.loads)
    assert time.monotonic() - started < 10  # the wait would take half a minute
    assert len(upstream.seen) == 1


@both
def test_a_request_that_hangs_ends_at_once_when_the_client_is_closed(
    open_fetcher: OpenFetcher, upstream: LoopbackServer, once: Once
) -> None:
    upstream.faults.rules = [Fault(Kind.HANG)]
    client = open_fetcher(f"{upstream.url}/v1", timeout=60.0, max_connections=4)
    outcomes: list[BaseException] = []

    def ask() -> None:
        try:
            client.get("/methods", {}, json.loads)
        except (Interrupted, UnitError) as outcome:
            outcomes.append(outcome)

    threads = [threading.Thread(target=ask) for _ in range(7)]  # three of them wait for a connection
    for thread in threads:
        thread.start()
    once(lambda: len(upstream.open) == 4, client.close)
    started = time.monotonic()
    for thread in threads:
        thread.join()
    assert time.monotonic() - started < 10  # the time-out is far longer
    assert [type(outcome) for outcome in outcomes] == [Interrupted] * 7
    with pytest.raises(Interrupted):
        client.get("/methods", {}, json.loads)


def test_nothing_is_asked_once_the_run_stopped(open_fetcher: OpenFetcher, engine: Engine) -> None:
    engine.stop.set()
    with pytest.raises(Interrupted):
        open_fetcher(UPSTREAM).get("/methods", {}, json.loads)
    assert engine.admitted == []


def test_a_stop_while_the_budget_is_waited_for_sends_nothing(open_fetcher: OpenFetcher, engine: Engine) -> None:
    sent: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        sent.append(request)
        return httpx.Response(200, json=1)

    transport = httpx.MockTransport(answer)
    client = open_fetcher(UPSTREAM, transport=transport, gate=StoppingGate(engine))
    with pytest.raises(Interrupted):
        client.get("/methods", {}, json.loads)
    assert sent == []
