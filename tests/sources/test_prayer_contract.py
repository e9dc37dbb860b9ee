"""What every prayer source owes: days, zone offsets, and minutes that name their moment."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from synctl.errors import RejectedError
from synctl.sources.columns import interned
from synctl.sources.prayer import EPOCH, TIME_NAMES, PrayerRequest, place, placed, utc_offsets
from synctl.store.models import PrayerTime

HOUR = 60


def day_number(year: int, month: int, day: int) -> int:
    return date(year, month, day).toordinal() - EPOCH


def readings(text: str) -> list[int]:
    """Read eleven "HH:MM" in upstream's order."""
    return [int(time[:2]) * 60 + int(time[3:]) for time in text.split()]


def test_the_columns_of_prayer_time_are_the_time_names_in_their_order() -> None:
    assert list(PrayerTime.model_fields)[5:-1] == [name.lower() for name in TIME_NAMES]


@pytest.mark.parametrize(
    ("where", "clock", "elsewhere"),
    [
        (
            "an ordinary winter day, its middle and last third of the night on the next day",
            "06:10 08:01 12:09 14:02 16:17 16:17 18:05 06:00 00:09 21:32 02:46",
            {"Midnight": 1, "Lastthird": 1},
        ),
        (
            "a zone far ahead of the sun, Isha after 00:00",
            "03:47 06:10 14:08 18:23 22:06 22:06 00:21 03:37 02:08 00:47 03:29",
            {"Isha": 1, "Midnight": 1, "Firstthird": 1, "Lastthird": 1},
        ),
        (
            "the midnight sun, which sets 12 hours after noon and rises 12 hours before it",
            "00:51 00:51 12:51 18:03 00:51 00:51 00:51 00:41 12:51 08:51 16:51",
            {"Sunset": 1, "Maghrib": 1, "Isha": 1, "Midnight": 1, "Firstthird": 1, "Lastthird": 1},
        ),
        (
            "the midnight sun in a zone that is behind it: all of the morning lies on the day before",
            "23:10 23:10 11:10 15:40 23:10 23:10 23:10 23:00 11:10 07:10 15:10",
            {"Fajr": -1, "Sunrise": -1, "Imsak": -1, "Midnight": 1, "Firstthird": 1, "Lastthird": 1},
        ),
        (
            "the polar night, with sunrise and sunset at noon",
            "06:20 11:40 11:40 11:52 11:40 11:40 16:47 06:10 23:40 19:40 03:40",
            {"Lastthird": 1},
        ),
    ],
)
def test_a_clock_reading_becomes_the_moment_it_means(where: str, clock: str, elsewhere: dict[str, int]) -> None:
    placed = place(readings(clock))
    on_other_days = {name: minute // 1440 for name, minute in zip(TIME_NAMES, placed, strict=True) if minute // 1440}
    assert on_other_days == elsewhere, where
    assert [minute % 1440 for minute in placed] == readings(clock)


@given(dhuhr=st.integers(0, 1439), clock=st.lists(st.integers(0, 1439), min_size=11, max_size=11))
def test_any_readings_keep_their_clock_and_land_in_their_window(dhuhr: int, clock: list[int]) -> None:
    clock[2] = dhuhr
    placed = place(clock)
    assert [minute % 1440 for minute in placed] == clock
    fajr, sunrise, noon, asr, sunset, maghrib, isha, imsak, *night = placed
    assert noon == dhuhr
    assert all(noon - 18 * HOUR < minute <= noon + 6 * HOUR for minute in (fajr, sunrise, imsak))
    assert all(noon - 6 * HOUR <= minute < noon + 18 * HOUR for minute in (asr, sunset, maghrib, isha))
    assert all(sunset - 4 * HOUR <= minute < sunset + 20 * HOUR for minute in night)


@given(
    dhuhr=st.integers(600, 960),
    half_day=st.integers(0, 720),
    twilight=st.integers(0, 150),
    jitter=st.lists(st.integers(-1, 1), min_size=11, max_size=11),
)
def test_a_minute_of_rounding_never_moves_a_time_by_a_day(
    dhuhr: int, half_day: int, twilight: int, jitter: list[int]
) -> None:
    sunrise, sunset = dhuhr - half_day, dhuhr + half_day
    night = 1440 - 2 * half_day
    moments = [
        sunrise - twilight, sunrise, dhuhr, dhuhr + half_day // 2, sunset, sunset, sunset + twilight,
        sunrise - twilight - 10, sunset + night // 2, sunset + night // 3, sunset + 2 * night // 3,
    ]  # fmt: skip
    rounded = [moment + minute for moment, minute in zip(moments, jitter, strict=True)]
    assert place([moment % 1440 for moment in rounded]) == tuple(rounded)


def offset_on(timezone: str, year: int, month: int, day: int) -> int:
    return utc_offsets(timezone, year)[date(year, month, day).timetuple().tm_yday - 1]


@pytest.mark.parametrize(
    ("timezone", "day", "hours"),
    [
        ("Europe/London", (2026, 3, 28), 0),
        ("Europe/London", (2026, 3, 29), 1),  # the clock changed at 01:00 of this day
        ("Europe/London", (2026, 10, 24), 1),
        ("Europe/London", (2026, 10, 25), 0),
        ("Asia/Kathmandu", (2026, 6, 1), 5.75),
        ("Pacific/Auckland", (2028, 2, 29), 13),
        ("Africa/Casablanca", (2026, 3, 1), 0),  # Ramadan
        ("America/Anchorage", (2026, 12, 31), -9),
    ],
)
def test_the_offset_of_a_day_is_that_of_its_morning(timezone: str, day: tuple[int, int, int], hours: float) -> None:
    assert offset_on(timezone, *day) == hours * 3600


def test_a_year_has_an_offset_for_each_of_its_days() -> None:
    assert [len(utc_offsets("Europe/Oslo", year)) for year in (1900, 2000, 2026, 2028)] == [365, 366, 365, 366]


def test_a_row_names_an_instant() -> None:
    day = day_number(2026, 7, 1)
    instant = day * 86400 - offset_on("Europe/London", 2026, 7, 1) + (1440 + 21) * 60
    assert datetime.fromtimestamp(instant, UTC) == datetime(2026, 7, 1, 23, 21, tzinfo=UTC)  # 00:21 BST of the 2nd


@pytest.mark.parametrize("timezone", ["", "Mars/Olympus", "../etc/passwd", "/etc/localtime", "Europe"])
def test_a_zone_that_nobody_knows_is_rejected(timezone: str) -> None:
    with pytest.raises(RejectedError, match="no time zone"):
        utc_offsets(timezone, 1970)


@pytest.mark.parametrize(
    ("first", "last", "madhab", "complaint"),
    [
        (date(2026, 1, 1), date(2026, 12, 30), 0, "neither a whole year nor within one month"),
        (date(2026, 1, 31), date(2026, 2, 1), 0, "neither a whole year nor within one month"),
        (date(2025, 5, 1), date(2026, 5, 1), 0, "neither a whole year nor within one month"),
        (date(2026, 5, 2), date(2026, 5, 1), 0, "lies before"),
        (date(2026, 5, 1), date(2026, 5, 1), 2, "madhab 2"),
    ],
)
def test_a_request_that_no_single_call_answers_cannot_be_made(
    first: date, last: date, madhab: int, complaint: str
) -> None:
    with pytest.raises(ValueError, match=complaint):
        PrayerRequest(51.5, -0.1, "Europe/London", 3, madhab, first, last)


def test_the_dates_of_a_request_are_every_day_of_it() -> None:
    year = PrayerRequest(51.5, -0.1, "Europe/London", 3, 0, date(2028, 1, 1), date(2028, 12, 31))
    assert year.whole_year
    assert year.dates == [date(2028, 1, 1) + timedelta(days=count) for count in range(366)]
    month = PrayerRequest(51.5, -0.1, "Europe/London", 3, 0, date(2028, 2, 27), date(2028, 2, 29))
    assert not month.whole_year
    assert [day.day for day in month.dates] == [27, 28, 29]


ordinary = st.tuples(
    *(
        st.integers(*within)
        for within in (
            (150, 400), (300, 500), (500, 900), (700, 1100), (850, 1350), (850, 1350), (900, 1439), (140, 400),
            (0, 1439), (0, 1439), (0, 1439),
        )
    )
)  # fmt: skip
"""A day whose readings are in their usual places, edges of the windows of others included."""


@pytest.mark.parametrize("day", [ordinary, st.tuples(*[st.integers(0, 1439)] * 11)], ids=["ordinary", "any"])
@given(data=st.data())
def test_many_days_at_once_are_placed_as_each_alone(
    data: st.DataObject, day: st.SearchStrategy[tuple[int, ...]]
) -> None:
    days = data.draw(st.lists(day, max_size=4))
    readings = [interned(tuple(one[at] for one in days)) for at in range(11)]
    assert list(zip(*placed(readings), strict=True)) == [place(one) for one in days]
