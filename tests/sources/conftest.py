"""A stand-in upstream, clients of it, and what they told the engine."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Self

import pytest

from synctl.sources.http import Fetcher
from synctl.sources.prayer import PrayerRequest
from tests.upstream import aladhan
from tests.upstream.server import LoopbackServer

LONDON = (51.5074, -0.1278, "Europe/London")


@dataclass(slots=True)
class Engine:
    """What the engine gives a source, noting what the source makes of it."""

    stop: threading.Event = field(default_factory=threading.Event)
    admitted: list[str] = field(default_factory=list)
    verdicts: list[tuple[str, float]] = field(default_factory=list)
    requests: list[tuple[int | None, bool]] = field(default_factory=list)
    outage: float = 0.0

    def turn(self, host: str) -> Self:
        """Be the gate, and note who passes."""
        self.admitted.append(host)
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        pass

    def measured(self, status: int | None, seconds: float, *, again: bool) -> None:
        """Note it."""
        assert 0 <= seconds < 60
        self.requests.append((status, again))

    def answered(self) -> None:
        """Note it."""
        self.verdicts.append(("answered", 0.0))

    def failed(self, *, fresh: bool) -> float:
        """Note it."""
        self.verdicts.append(("failed", float(fresh)))
        return self.outage

    def unreachable(self) -> float:
        """Note it."""
        self.verdicts.append(("unreachable", 0.0))
        return self.outage

    def limited(self, seconds: float) -> float:
        """Note it."""
        self.verdicts.append(("limited", seconds))
        return self.outage


OpenFetcher = Callable[..., Fetcher]


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one, a client takes httpx's own transport whatever it is told."""
    for scheme in ("HTTP", "HTTPS", "ALL"):
        monkeypatch.delenv(f"{scheme}_PROXY", raising=False)
        monkeypatch.delenv(f"{scheme}_proxy".lower(), raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture(params=["http.client"])
def transport(request: pytest.FixtureRequest) -> str:
    """What clients use that are not told; `both` for what must hold for either."""
    name: str = request.param
    return name


both = pytest.mark.parametrize("transport", ["http.client", "httpx"], indirect=True)


@pytest.fixture
def engine() -> Engine:
    return Engine()


@pytest.fixture
def upstream() -> Iterator[LoopbackServer]:
    with aladhan.serve() as server:
        yield server


@pytest.fixture
def open_fetcher(engine: Engine, transport: str) -> Iterator[OpenFetcher]:
    """Open a client that is in no mood to wait; any argument of Fetcher can be another."""
    opened = []

    def opener(base_url: str, **changes: object) -> Fetcher:
        arguments: dict[str, object] = {
            "timeout": 5.0,
            "max_connections": 4,
            "attempts": 4,
            "backoff": 0.01,
            "backoff_cap": 0.05,
            "retry_after_cap": 0.3,
            "stop": engine.stop,
            "outage": 100.0,
            "gate": engine,
            "transport": transport,
        }
        fetcher = Fetcher(base_url, **(arguments | changes))  # type: ignore[arg-type]  # a test names what it means
        opened.append(fetcher)
        return fetcher

    yield opener
    for fetcher in opened:
        fetcher.close()


def whole_year(
    place: tuple[float, float, str] = LONDON, method: int = 3, madhab: int = 0, year: int = 2026
) -> PrayerRequest:
    """Ask for a year."""
    return PrayerRequest(*place, method, madhab, date(year, 1, 1), date(year, 12, 31))


def within_month(
    first: date = date(2026, 3, 1), last: date = date(2026, 3, 31), method: int = 3, madhab: int = 0
) -> PrayerRequest:
    """Ask for days of a month in London."""
    return PrayerRequest(*LONDON, method, madhab, first, last)
