"""What AlAdhan really does, where no other test says so by its name; docs/upstreams.md tells it to people."""

from __future__ import annotations

import gzip
import json
from datetime import date
from itertools import product
from typing import Any

import pytest

from synctl.processors.days import Days
from synctl.processors.prayer_checks import MADHABS
from synctl.processors.prayer_rules import violations
from synctl.sources.aladhan import AladhanSource
from synctl.sources.columns import columns
from synctl.sources.prayer import TIME_NAMES, DayTimes, PrayerRequest, Span
from tests.sources.conftest import LONDON, OpenFetcher, whole_year, within_month
from tests.upstream import aladhan
from tests.upstream.replay import ABSENT, RECORDED
from tests.upstream.server import Asked, LoopbackServer, Reply

MAKKAH = (21.4225, 39.8262, "Asia/Riyadh")
CITIES = {
    "makkah": MAKKAH,
    "london": LONDON,
    "jakarta": (-6.2088, 106.8456, "Asia/Jakarta"),
    "auckland": (-36.8485, 174.7633, "Pacific/Auckland"),
}
CLOCKS = RECORDED / "asr-by-server-clock-2026.json.gz"
ASR = 2 + TIME_NAMES.index("Asr")
ISHA = 2 + TIME_NAMES.index("Isha")
MAGHRIB = 2 + TIME_NAMES.index("Maghrib")


@pytest.fixture
def source(open_fetcher: OpenFetcher, upstream: LoopbackServer) -> AladhanSource:
    return AladhanSource(open_fetcher(f"{upstream.url}/v1"))


def raw(upstream: LoopbackServer) -> dict[str, Any]:
    """The first day of what the stand-in answered last."""
    seen = upstream.seen[-1]
    day: dict[str, Any] = json.loads(gzip.decompress(aladhan.answer(Asked(seen.path, seen.params)).body))["data"][0]
    return day


@pytest.mark.parametrize(
    "request_",
    [whole_year(), within_month(), within_month(date(2026, 3, 28), date(2026, 3, 30))],
    ids=["a year", "a month", "some days"],
)
def test_the_range_call_that_answers_in_utc_is_never_made(
    source: AladhanSource, upstream: LoopbackServer, request_: PrayerRequest
) -> None:
    source.fetch(request_)
    assert [seen.path for seen in upstream.seen if "/from/" in seen.path or "/to/" in seen.path] == []


def test_the_tag_that_is_never_honoured_is_not_sent_back(source: AladhanSource, upstream: LoopbackServer) -> None:
    first = source.fetch(within_month())
    again = source.fetch(within_month(), first.body_hash)
    assert again.unchanged  # by the hash of the body
    assert [seen.status for seen in upstream.seen] == [200, 200]
    assert not any("if-none-match" in {name.lower() for name in seen.headers} for seen in upstream.seen)


def test_days_asked_for_are_the_days_answered_however_few(source: AladhanSource) -> None:
    """One day is one day: an implementation before this one got fifteen."""
    assert len(source.fetch(within_month(date(2026, 3, 15), date(2026, 3, 15))).days) == 1


def test_every_combination_is_asked_for_with_its_own_parameters(
    source: AladhanSource, upstream: LoopbackServer
) -> None:
    """No method, madhab, place or zone is forgotten, so no two requests are the same."""
    wanted = list(product((LONDON, MAKKAH), (0, 3, 4, 13, 15), (0, 1)))
    for where, method, madhab in wanted:
        source.fetch(PrayerRequest(*where, method, madhab, date(2026, 3, 1), date(2026, 3, 31)))
    names = ("latitude", "longitude", "timezonestring", "method", "school")
    asked = [tuple(seen.params[name] for name in names) for seen in upstream.seen]
    assert asked == [(*map(str, where), str(method), str(madhab)) for where, method, madhab in wanted]
    assert len(set(asked)) == len(asked)


def test_strings_and_numbers_in_the_same_field_are_read(open_fetcher: OpenFetcher) -> None:
    def mixed(asked: Asked) -> Reply:
        answered = json.loads(aladhan.answer(asked).plain)
        for day in answered["data"]:
            day["meta"]["offset"].update(Fajr="0", Isha="0")
            assert isinstance(day["date"]["timestamp"], str)
            assert day["date"]["hijri"]["date"].startswith(f"{day['date']['hijri']['day']:0>2}-")
        return Reply(200, json.dumps(answered).encode())

    with LoopbackServer(mixed) as upstream:
        days = AladhanSource(open_fetcher(f"{upstream.url}/v1")).fetch(within_month()).days
    assert len(days) == 31


@pytest.mark.parametrize("method", [0, 7])
def test_midnight_stays_the_middle_of_sunset_and_sunrise_for_jafari_and_tehran(
    source: AladhanSource, upstream: LoopbackServer, method: int
) -> None:
    request = within_month(method=method)
    days = source.fetch(request).days
    assert raw(upstream)["meta"]["midnightMode"] == "STANDARD"
    for day in days:
        times = dict(zip(TIME_NAMES, day[2:], strict=True))
        assert abs(2 * times["Midnight"] - times["Sunset"] - times["Sunrise"] - 1440) <= 2


def test_isha_of_makkah_is_half_an_hour_later_in_ramadan_alone(source: AladhanSource) -> None:
    after = [day[ISHA] - day[MAGHRIB] for day in source.fetch(whole_year(MAKKAH, method=4)).days]
    assert set(after) == {90, 120}
    assert 29 <= after.count(120) <= 30


@pytest.mark.skipif(not CLOCKS.is_file(), reason=ABSENT)
@pytest.mark.parametrize("school", MADHABS)
@pytest.mark.parametrize(("city", "where"), CITIES.items())
def test_asr_by_any_clock_of_the_server_breaks_no_rule(
    source: AladhanSource, city: str, where: tuple[float, float, str], school: str
) -> None:
    """Five answers of the real library to one request, each at another moment of its day."""
    recorded = json.loads(gzip.decompress(CLOCKS.read_bytes()))["asr"]
    madhab = MADHABS.index(school)
    days = source.fetch(whole_year(where, method=3, madhab=madhab)).days
    span = Span(*where, 3, madhab, date(2026, 1, 1), date(2026, 12, 31))
    key = f"{city}{('STANDARD', 'HANAFI')[madhab]}"
    answers = [_with_asr(days, readings[key]) for readings in recorded.values()]
    assert len({tuple(day[ASR] for day in answer) for answer in answers}) > 1  # honest, and different
    assert [list(violations(Days(span, columns(answer), tolerance=5))) for answer in answers] == [[]] * len(answers)


def _with_asr(days: list[DayTimes], readings: list[str]) -> list[DayTimes]:
    minutes = [int(reading[:2]) * 60 + int(reading[3:5]) for reading in readings]
    return [(*day[:ASR], asr, *day[ASR + 1 :]) for day, asr in zip(days, minutes, strict=True)]
