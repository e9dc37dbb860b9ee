"""The AlAdhan source against the server's own answers, served again over HTTP byte for byte."""

from __future__ import annotations

from datetime import date
from hashlib import sha256

import pytest

from synctl.sources.aladhan import AladhanSource
from synctl.sources.digest import body_hash
from synctl.sources.prayer import EPOCH, PrayerRequest
from tests.sources.conftest import OpenFetcher
from tests.upstream import replay
from tests.upstream.replay import ABSENT, recordings

pytestmark = pytest.mark.skipif(not recordings(), reason=ABSENT)

COMBOS = [(city, combo) for city, recording in recordings().items() for combo in recording.timings]


def test_all_sixteen_combinations_of_five_cities_are_at_hand() -> None:
    assert len(COMBOS) == 16 * 5


@pytest.mark.parametrize("city", sorted(recordings()))
def test_the_bodies_are_rebuilt_byte_for_byte(city: str) -> None:
    recording = recordings()[city]
    rebuilt = {combo: sha256(recording.body(combo)).hexdigest() for combo in recording.timings}
    assert rebuilt == recording.sha256


@pytest.mark.parametrize("city", sorted(recordings()))
def test_every_time_of_every_day_is_read_as_it_was_recorded(city: str, open_fetcher: OpenFetcher) -> None:
    recording = recordings()[city]
    with replay.serve() as server:
        source = AladhanSource(open_fetcher(f"{server.url}/v1"))
        for combo, timings in recording.timings.items():
            fetched = source.fetch(recording.request(combo))
            assert [_clock(day[2:]) for day in fetched.days] == [[text[:5] for text in day] for day in timings]
            assert [_date(day[0]) for day in fetched.days] == recording.gregorian
            assert fetched.body_hash == body_hash(recording.request(combo), recording.body(combo))


@pytest.mark.parametrize("month", [2, 3, 6, 12])
def test_a_month_gives_the_rows_of_the_year(month: int, open_fetcher: OpenFetcher) -> None:
    recording = recordings()["london"]
    with replay.serve() as server:
        source = AladhanSource(open_fetcher(f"{server.url}/v1"))
        year = recording.request("m3s1")
        first, *_, last = [day for day in year.dates if day.month == month]
        place = (year.latitude, year.longitude, year.timezone, year.method, year.madhab)
        days = source.fetch(PrayerRequest(*place, first, last)).days
        assert days == [
            day for day in source.fetch(year).days if first.toordinal() <= day[0] + EPOCH <= last.toordinal()
        ]


@pytest.mark.parametrize("city", ["auckland", "jakarta", "london", "makkah"])
def test_the_moments_of_a_day_follow_each_other(city: str, open_fetcher: OpenFetcher) -> None:
    recording = recordings()[city]
    with replay.serve() as server:
        source = AladhanSource(open_fetcher(f"{server.url}/v1"))
        for combo in recording.timings:
            for _, _, fajr, rise, noon, asr, fall, maghrib, isha, imsak, middle, third, last in source.fetch(
                recording.request(combo)
            ).days:
                assert imsak < fajr < rise < noon < asr < fall <= maghrib < isha < fajr + 1440
                assert fall < third < middle < last < rise + 1440


def _clock(minutes: tuple[int, ...]) -> list[str]:
    return [f"{minute % 1440 // 60:02}:{minute % 60:02}" for minute in minutes]


def _date(day: int) -> str:
    return f"{date.fromordinal(day + EPOCH):%d-%m-%Y}"
