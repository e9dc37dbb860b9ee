"""The contract of prayer sources: what is asked, what comes back, and how clock readings become moments."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec

from synctl.errors import RejectedError
from synctl.sources.columns import columns, extremes, interned, remembered
from synctl.store import prayer_times

if TYPE_CHECKING:
    from collections.abc import Sequence

    from synctl.sources.columns import Column

TIME_NAMES = prayer_times.TIME_NAMES

SCHOOLS = ("STANDARD", "HANAFI")
"""Upstream's name of a madhab, by its id."""

DayTimes = tuple[int, ...]
"""(day, utc_offset, then a minute for each of TIME_NAMES), in the meaning of `store.models.PrayerTime`."""

NOTHING: frozenset[str] = frozenset()

EPOCH = date(1970, 1, 1).toordinal()
"""`date.toordinal()` of day 0."""


class Span(msgspec.Struct, frozen=True):
    """What days are of: a request, or a stretch of stored days, however long."""

    latitude: float
    longitude: float
    timezone: str
    method: int
    madhab: int
    first: date
    last: date


class PrayerRequest(Span, frozen=True):
    """One unit: a place, a method and a madhab for the days `first` to `last`, both included.

    The range is a whole calendar year or lies within one month, because that is what one call answers.
    """

    def __post_init__(self) -> None:
        if self.madhab not in (0, 1):
            raise ValueError(f"madhab {self.madhab} is neither 0 nor 1")
        if self.last < self.first:
            raise ValueError(f"{self.last} lies before {self.first}")
        within_month = (self.first.year, self.first.month) == (self.last.year, self.last.month)
        if not (within_month or self.whole_year):
            raise ValueError(f"{self.first} to {self.last} is neither a whole year nor within one month")

    @property
    def whole_year(self) -> bool:
        """Whether the range is a calendar year from its first day to its last."""
        year = self.first.year
        return (self.first, self.last) == (date(year, 1, 1), date(year, 12, 31))

    @property
    def dates(self) -> list[date]:
        """Every day asked for, in order."""
        return [self.first + timedelta(days=count) for count in range((self.last - self.first).days + 1)]


class Fetched(msgspec.Struct, frozen=True):
    """The days asked for, all of them, in order. `unchanged`: they are those known, so there are none here.

    `columns` are in the order of DayTimes. `body_hash` is of what was asked and what was answered.
    """

    columns: Sequence[Column]
    body_hash: str
    attempts: int = 1
    unchanged: bool = False

    @property
    def days(self) -> list[DayTimes]:
        """A row for each day."""
        return list(zip(*self.columns, strict=True))


class PrayerSource(Protocol):
    """Something that knows prayer times. `fetch` is called by several threads at once."""

    name: str

    def fetch(self, request: PrayerRequest, known: str | None = None, waived: frozenset[str] = NOTHING) -> Fetched:
        """Every day of the request, as it was asked for; none where the answer has the hash that is known.

        A rule that is `waived` may be broken: a day that cannot be read is left out then.

        Raises UnitError, or `http.Interrupted` when the work must end.
        """

    def close(self) -> None:
        """Interrupt what is under way and release what is held."""


def place(minutes_of_day: Sequence[int]) -> tuple[int, ...]:
    """Turn eleven clock readings (0..1439, in the order of TIME_NAMES) into minutes that name their moment.

    Below 0 lies on the day before, from 1440 on the day after. A reading alone is ambiguous: Midnight comes
    after 00:00 as often as before it, in northern summers Isha does, and under the midnight sun Imsak may
    lie on the day before and Sunset on the day after. What is certain is the order around noon, so each
    reading is the only moment with that reading in a window of 24 hours: Dhuhr on the date itself; Fajr,
    Sunrise and Imsak from 18 hours before Dhuhr until 6 hours after it; Asr, Sunset, Maghrib and Isha from 6
    hours before it until 18 after; the parts of the night from 4 hours before Sunset until 20 after.

    The edges stay hours away from where a time can be, even where the sun does not set (Sunrise and Sunset
    are then 12 hours from Dhuhr) or does not rise (both are at Dhuhr, Fajr some 8 hours before): so a minute
    of rounding never moves a time by a day. All sources come through here: equal readings are equal rows.
    """
    fajr, sunrise, dhuhr, asr, sunset, maghrib, isha, imsak, midnight, firstthird, lastthird = minutes_of_day
    dawn = dhuhr - 1079  # 18 hours before Dhuhr is out, 6 hours after it is in
    dusk = dhuhr - 360
    sunset = (sunset - dusk) % 1440 + dusk
    night = sunset - 240
    return (
        (fajr - dawn) % 1440 + dawn,
        (sunrise - dawn) % 1440 + dawn,
        dhuhr,
        (asr - dusk) % 1440 + dusk,
        sunset,
        (maghrib - dusk) % 1440 + dusk,
        (isha - dusk) % 1440 + dusk,
        (imsak - dawn) % 1440 + dawn,
        (midnight - night) % 1440 + night,
        (firstthird - night) % 1440 + night,
        (lastthird - night) % 1440 + night,
    )


def placed(readings: Sequence[Column]) -> list[Column]:
    """Turn the readings of many days, a column for each of TIME_NAMES, into minutes that name their moment.

    Equal to `place` for each day, at a tenth of its cost: nearly everywhere no reading of a year but those of the night
    lies outside of its day, and that is seen by the columns' extremes.
    """
    return _placed_night(readings) or columns(map(place, zip(*readings, strict=True)))


def _placed_night(readings: Sequence[Column]) -> list[Column] | None:
    """Move the parts of the night to the day after where they belong; None where that is not all there is to do."""
    fajr, sunrise, dhuhr, asr, sunset, maghrib, isha, imsak, *night = readings
    if not dhuhr:
        return None
    earliest, latest = extremes(dhuhr)
    first, last = extremes(sunset)
    if not (
        earliest >= 360
        and latest < 1080
        and all(extremes(column)[1] <= earliest + 360 for column in (fajr, sunrise, imsak))
        and all(extremes(column)[0] >= latest - 360 for column in (asr, sunset, maghrib, isha))
        and first >= 240
    ):
        return None
    moved = [_moved(part, last - 240) for part in night]
    if any(extremes(part)[1] >= first + 1200 for part in moved):  # before some sunset's window, within that of another
        return None
    return [fajr, sunrise, dhuhr, asr, sunset, maghrib, isha, imsak, *moved]


@remembered
def _moved(part: Column, dusk: int) -> Column:
    return interned(tuple([minute if minute >= dusk else minute + 1440 for minute in part]))


@lru_cache(maxsize=1024)  # 3 KB each; the world has some 400 zones
def utc_offsets(timezone: str, year: int) -> tuple[int, ...]:
    """Seconds east of UTC for every day of a year: at 09:01:01 local, which upstream takes for the whole day.

    Raises RejectedError for a zone nobody knows, as upstream does.
    """
    try:
        zone = ZoneInfo(timezone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:  # a bad name is any of the three
        raise RejectedError(f"no time zone is called {timezone!r}") from error
    morning = datetime(year, 1, 1, 9, 1, 1, tzinfo=zone)
    length = (date(year, 12, 31) - date(year, 1, 1)).days + 1
    offsets = ((morning + timedelta(days=count)).utcoffset() for count in range(length))
    return tuple(int(offset.total_seconds()) for offset in offsets if offset is not None)
