"""What an answer breaks is told with a sample, and let pass where an operator has waived the rule."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import date
from typing import Any

import pytest

from synctl.errors import MismatchError, TransientError
from synctl.sources.aladhan import AladhanSource
from synctl.sources.prayer import EPOCH, Fetched
from tests.sources.conftest import OpenFetcher, within_month
from tests.upstream import aladhan
from tests.upstream.server import Asked, LoopbackServer, Reply

Days = list[dict[str, Any]]
MARCH = [date(2026, 3, 1).toordinal() - EPOCH + number for number in range(31)]


@pytest.fixture
def fetch(open_fetcher: OpenFetcher) -> Callable[..., Fetched]:
    """Fetch London's March from a stand-in whose days are bent."""

    def fetch(bend: Callable[[Days], object], *waived: str) -> Fetched:
        def answer(asked: Asked) -> Reply:
            body = json.loads(aladhan.answer(asked).plain)
            bend(body["data"])
            return Reply(200, json.dumps(body).encode())

        with LoopbackServer(answer) as server:
            source = AladhanSource(open_fetcher(f"{server.url}/v1"))
            return source.fetch(within_month(), waived=frozenset(waived))

    return fetch


def set_isha(days: Days) -> None:
    days[9]["timings"]["Isha"] = "-----"


def shift(seconds: int, on: slice) -> Callable[[Days], None]:
    def bend(days: Days) -> None:
        for day in days[on]:
            day["date"]["timestamp"] = str(int(day["date"]["timestamp"]) + seconds)

    return bend


Broken = tuple[str, Callable[[Days], object], str, str]
BROKEN: list[Broken] = [
    (
        "prayer.dates",
        lambda days: days.pop(9),
        "31 days were asked, 30 answered: 10-03-2026 was asked, 11-",
        "11-03-2026",
    ),
    (
        "prayer.dates",
        lambda days: days.append(days[30]),
        "31 days were asked, 32 answered: nothing more was asked, 31-",
        "31-03-2026",
    ),
    ("prayer.time-format", set_isha, "'-----' is no time of day", "10-03-2026"),
    ("prayer.school", lambda days: days[9]["meta"].update(school="HANAFI"), "HANAFI answered", "10-03-2026"),
    ("prayer.method", lambda days: days[9]["meta"].update(method={"id": 2}), "3 was asked, 2 answered", "10-03-2026"),
    ("prayer.timezone", lambda days: days[9]["meta"].update(timezone="UTC"), "UTC answered", "10-03-2026"),
    ("prayer.coordinates", lambda days: days[9]["meta"].update(latitude=8.8), "8.8, -0.1278 answered", "10-03-2026"),
    ("prayer.utc-offset", shift(3600, slice(9, 10)), "of 10-03-2026 is -60 minutes from Europe/London", "10-03-2026"),
    ("prayer.utc-offset", shift(-86400, slice(0, 31)), "clock of 01-03-2026", "01-03-2026"),
]


@pytest.mark.parametrize(("rule", "bend", "message", "sample"), BROKEN)
def test_a_broken_rule_is_told_with_the_day(
    fetch: Callable[..., Fetched], rule: str, bend: Callable[[Days], object], message: str, sample: str
) -> None:
    with pytest.raises(MismatchError, match=message) as raised:
        fetch(bend)
    assert raised.value.rule == rule
    assert sample in json.dumps(raised.value.sample, default=str)


@pytest.mark.parametrize("hour", [-2 * 3600, 0, 3600])
def test_upstream_may_choose_another_hour_of_the_day(fetch: Callable[..., Fetched], hour: int) -> None:
    assert len(fetch(shift(hour, slice(0, 31))).days) == 31


def test_a_moment_that_is_no_number_cannot_be_read(fetch: Callable[..., Fetched]) -> None:
    with pytest.raises(TransientError, match="cannot be read"):
        fetch(lambda days: days[9]["date"].update(timestamp="soon"))


@pytest.mark.parametrize(
    ("rule", "bend", "left_out"),
    [
        ("prayer.dates", lambda days: days.pop(9), [9]),
        ("prayer.dates", lambda days: days.insert(9, days[9]), []),
        ("prayer.dates", lambda days: days.reverse(), []),
        ("prayer.dates", lambda days: days[9]["date"]["gregorian"].update(date="10-03-2025"), [9]),
        ("prayer.time-format", set_isha, [9]),
        ("prayer.school", lambda days: days[9]["meta"].update(school="HANAFI"), []),
        ("prayer.utc-offset", shift(3600, slice(9, 10)), []),
    ],
)
def test_a_waived_rule_lets_the_rest_pass(
    fetch: Callable[..., Fetched], rule: str, bend: Callable[[Days], object], left_out: list[int]
) -> None:
    with pytest.raises(MismatchError):
        fetch(bend)
    days = [day for day, *_ in fetch(bend, rule).days]
    assert days == [day for number, day in enumerate(MARCH) if number not in left_out]
