"""The calculated source, alone and against the server's recorded answers."""

from __future__ import annotations

import gzip
import threading
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from itertools import pairwise, product

import pytest
from hijridate import Gregorian
from hypothesis import given, settings
from hypothesis import strategies as st
from salahlib import astronomy, methods
from salahlib.params import LatAdjust, Params

from synctl.errors import RejectedError
from synctl.sources.calculated import CalculatedSource
from synctl.sources.http import Interrupted
from synctl.sources.prayer import EPOCH, SCHOOLS, TIME_NAMES, DayTimes, PrayerRequest, PrayerSource, place
from synctl.store import seed
from tests.sources.conftest import whole_year, within_month
from tests.upstream.replay import ABSENT, Recording, recordings

TROMSO = (69.6492, 18.9553, "Europe/Oslo")
MAKKAH = (21.4225, 39.8262, "Asia/Riyadh")
FAJR, SUNRISE, _, ASR, SUNSET, MAGHRIB, ISHA = range(2, 9)

# The kernel declares no types for this.
resolve: Callable[..., Params] = methods.resolve

Difference = tuple[int, str, int]
"""A method, a time, and by how many minutes the calculation is later."""


def source() -> CalculatedSource:
    return CalculatedSource(threading.Event())


def calculate(request: PrayerRequest) -> list[DayTimes]:
    return source().fetch(request).days


def by_date(days: list[DayTimes]) -> dict[date, DayTimes]:
    return {date.fromordinal(day[0] + EPOCH): day for day in days}


def differences(recording: Recording) -> Counter[Difference]:
    """Compare all sixteen combinations of a city, minute for minute."""
    found: Counter[Difference] = Counter()
    calculated = source()
    for combo in recording.timings:
        request = recording.request(combo)
        for day, timings in zip(calculated.fetch(request).days, recording.timings[combo], strict=True):
            recorded = place([int(text[:2]) * 60 + int(text[3:5]) for text in timings])
            for name, ours, theirs in zip(TIME_NAMES, day[2:], recorded, strict=True):
                if ours != theirs:
                    found[request.method, name, ours - theirs] += 1
    return found


def moonsighting(fajr_earlier: int, fajr_later: int, isha_earlier: int, isha_later: int) -> dict[Difference, int]:
    """Method 15 differs by a minute where a season's slope is rounded; Imsak always follows Fajr."""
    return {
        (15, "Fajr", -1): fajr_earlier,
        (15, "Fajr", 1): fajr_later,
        (15, "Imsak", -1): fajr_earlier,
        (15, "Imsak", 1): fajr_later,
        (15, "Isha", -1): isha_earlier,
        (15, "Isha", 1): isha_later,
    }


@pytest.mark.skipif(not recordings(), reason=ABSENT)
@pytest.mark.parametrize(
    ("city", "allowed"),
    [
        # The 26th of February 2028 is still Ramadan upstream and already Shawwal by Umm al-Qura.
        ("auckland", {(4, "Isha", -30): 2}),
        ("jakarta", moonsighting(8, 8, 12, 12)),
        ("london", moonsighting(72, 72, 96, 94)),
        ("makkah", moonsighting(28, 28, 40, 40)),
        ("tromso", moonsighting(94, 94, 128, 128)),
    ],
)
def test_it_differs_from_the_recorded_server_only_where_it_is_known_to(
    city: str, allowed: dict[Difference, int]
) -> None:
    assert differences(recordings()[city]) == allowed


@pytest.mark.skipif(not recordings(), reason=ABSENT)
@pytest.mark.parametrize("city", sorted(recordings()))
def test_days_and_zone_offsets_are_those_of_the_recorded_moments(city: str) -> None:
    recording = recordings()[city]
    days = calculate(recording.request("m3s0"))
    nine_o_one = 9 * 3600 + 61
    assert [day[0] * 86400 - day[1] + nine_o_one for day in days] == recording.timestamps


@pytest.mark.parametrize("method", [0, 3, 4, 13, 15, 21])
def test_a_madhab_calculated_after_the_other_is_what_it_is_alone(method: int) -> None:
    shared = source()
    for madhab in (0, 1, 0, 1):
        request = whole_year(TROMSO, method, madhab)
        assert shared.fetch(request).days == calculate(request)
    backwards = source()
    for madhab in (1, 0):
        request = whole_year(TROMSO, method, madhab)
        assert backwards.fetch(request).days == calculate(request)


def test_the_madhab_changes_nothing_but_asr() -> None:
    for shafi, hanafi in zip(calculate(whole_year(madhab=0)), calculate(whole_year(madhab=1)), strict=True):
        assert shafi[ASR] < hanafi[ASR]
        assert shafi[:ASR] + shafi[ASR + 1 :] == hanafi[:ASR] + hanafi[ASR + 1 :]


def test_days_of_a_month_are_those_of_the_year() -> None:
    year = by_date(calculate(whole_year()))
    month = by_date(calculate(within_month(date(2026, 3, 27), date(2026, 3, 31))))
    assert month == {day: year[day] for day in month}
    assert [day[1] for day in month.values()] == [0, 0, 3600, 3600, 3600]


def test_on_the_day_of_a_clock_change_no_time_jumps_by_an_hour() -> None:
    days = calculate(whole_year())
    instants = [[day[0] * 1440 - day[1] // 60 + minute for minute in day[2:]] for day in days]
    steps = [b - a for before, after in pairwise(instants) for a, b in zip(before, after, strict=True)]
    assert min(steps) > 1440 - 10
    assert max(steps) < 1440 + 10


def test_isha_in_makkah_is_half_an_hour_later_in_ramadan() -> None:
    days = by_date(calculate(whole_year(MAKKAH, method=4)))
    waits = {day: row[ISHA] - row[MAGHRIB] for day, row in days.items()}
    assert {day for day, wait in waits.items() if wait > 100} == {
        date.fromordinal(date(2026, 2, 18).toordinal() + count) for count in range(30)
    }
    assert set(waits.values()) == {90, 120}


def test_under_the_midnight_sun_there_is_no_night_before_fajr() -> None:
    days = by_date(calculate(whole_year(TROMSO)))
    bright = [day for day, row in days.items() if row[SUNSET] - row[SUNRISE] >= 1439]
    assert (bright[0], bright[-1], len(bright)) == (date(2026, 5, 18), date(2026, 7, 25), 69)
    assert {days[day][SUNRISE] - days[day][FAJR] for day in bright} <= {0, 1}  # noon drifts by seconds
    assert {days[day][ISHA] - days[day][SUNSET] for day in bright} == {0}


@settings(max_examples=60, deadline=None)
@given(
    latitude=st.floats(-90, 90),
    longitude=st.floats(-180, 180),
    method=st.sampled_from([0, 1, 2, 3, 4, 5, 7, 13, 15, 22]),
    madhab=st.integers(0, 1),
    day=st.dates(date(1990, 1, 1), date(2060, 12, 31)),
)
def test_every_place_on_earth_has_times_every_day(
    latitude: float, longitude: float, method: int, madhab: int, day: date
) -> None:
    timezone = f"Etc/GMT{-round(longitude / 15):+}"
    row = calculate(PrayerRequest(latitude, longitude, timezone, method, madhab, day, day))[0]
    assert len(row) == 13
    assert all(-1440 < minute < 2 * 1440 + 720 for minute in row[2:])


@pytest.mark.parametrize("method", [6, 99, 999, -1])
def test_a_method_that_cannot_be_calculated_is_rejected(method: int) -> None:
    with pytest.raises(RejectedError, match=str(method)):
        calculate(whole_year(method=method))


def test_a_year_whose_ramadan_is_unknown_is_rejected_where_ramadan_matters() -> None:
    with pytest.raises(RejectedError, match="Ramadan"):
        calculate(whole_year(MAKKAH, method=4, year=2100))
    assert len(calculate(whole_year(MAKKAH, method=3, year=2100))) == 365


def test_a_stop_interrupts_a_year_at_its_next_month() -> None:
    class StopInApril:
        """Asked before each month."""

        asked = 0

        def is_set(self) -> bool:
            self.asked += 1
            return self.asked > 3

        def wait(self, timeout: float) -> bool:
            return self.is_set()

    stop = StopInApril()
    with pytest.raises(Interrupted):
        CalculatedSource(stop).fetch(whole_year())
    assert stop.asked == 4


def test_threads_share_it() -> None:
    shared = source()
    requests = [whole_year(method=method, madhab=madhab) for method in (1, 2, 3) for madhab in (0, 1)]
    with ThreadPoolExecutor(6) as pool:
        fetched = list(pool.map(shared.fetch, requests))
    assert [each.days for each in fetched] == [calculate(request) for request in requests]
    assert len({each.body_hash for each in fetched}) == len(requests)


@pytest.mark.parametrize(
    ("latitude", "longitude", "timezone"),
    [
        (51.5074, -0.1278, "Europe/London"),
        TROMSO,
        (-41.2866, 174.7756, "Pacific/Auckland"),
        (-77.85, 166.6667, "Antarctica/McMurdo"),
        (0.0, 179.9, "Pacific/Kiritimati"),
    ],
)
def test_every_time_is_the_kernels_own(latitude: float, longitude: float, timezone: str) -> None:
    by_the_kernel(source(), (latitude, longitude, timezone), within=(date(2026, 2, 27), date(2026, 6, 21)))


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_every_time_of_a_year_in_fifty_cities_is_the_kernels_own() -> None:
    shared = source()
    shipped = gzip.decompress(seed._data("cities.tsv.gz")).decode().splitlines()
    for line in shipped[:: len(shipped) // 50]:
        latitude, longitude, timezone = seed._shipped(line)[4:7]
        by_the_kernel(shared, (float(str(latitude)), float(str(longitude)), str(timezone)))


def by_the_kernel(shared: CalculatedSource, where: tuple[float, float, str], within: Sequence[date] = ()) -> None:
    """Compare a year, or the months of some dates, with salahlib's `calculate` alone: all methods, both madhabs."""
    spans = [within_month(day.replace(day=1), day.replace(day=28)) for day in within] or [whole_year()]
    for span, method, madhab in product(spans, sorted(set(range(24)) - {6}), (0, 1)):
        request = PrayerRequest(*where, method, madhab, span.first, span.last)
        for day, row in zip(request.dates, shared.fetch(request).days, strict=True):
            params = resolve(
                method,
                school=SCHOOLS[madhab],
                is_ramadan=method == 4 and Gregorian.fromdate(day).to_hijri().month == 9,
                timezone_offset_hours=row[1] / 3600.0,
            )
            expected = kernel_readings(where, day, params)
            assert [minute % 1440 for minute in row[2:]] == expected, (where, method, madhab, day)


def kernel_readings(where: tuple[float, float, str], day: date, params: Params) -> list[int]:
    at = (day.year, day.month, day.day, *where[:2], 0.0)
    hours = astronomy.calculate(*at, params)
    if hours["Sunset"] - hours["Sunrise"] - (params.offsets.sunset - params.offsets.sunrise) / 60 > 23.99:
        hours = astronomy.calculate(*at, replace(params, lat_adjust=LatAdjust.NONE))
    texts = [astronomy.format_time(hours[name]) for name in TIME_NAMES]
    return [int(text[:2]) * 60 + int(text[3:]) for text in texts]


def test_it_is_a_prayer_source() -> None:
    calculated: PrayerSource = source()
    assert calculated.name == "calculated"
    calculated.close()
