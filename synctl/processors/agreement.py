"""What a method's times should be by arithmetic of our own, from its angles and the sun alone, and who differs.

Measured over 600 places below 60 degrees, every method, both madhabs, years from 1926 to 2076: what is calculated is at
most 3 minutes off, Fajr and Isha from 45 degrees on 5; what was recorded of upstream 2.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from operator import add, sub
from types import MappingProxyType
from typing import Final, NamedTuple

import msgspec

from synctl.processors.sun import ASR_LATITUDE, HIGH_LATITUDE, HORIZON, asr_from_noon, from_noon, positions
from synctl.sources.columns import Column, remembered
from synctl.sources.prayer import TIME_NAMES

DAY: Final = 1440
IMSAK: Final = 10
"""Minutes before Fajr."""
MAKKAH, RAMADAN_ISHA = 4, 30
"""Its Isha is half an hour later in Ramadan, and two calendars may disagree on when that is."""
CLOCK_OF_SERVER: Final = ((55.0, 4), (60.0, 8))
"""Up to which latitude Asr depends on the clock of upstream's server by so many minutes."""

LOW_SUN, SLOW = 45.0, 3
"""From this latitude on the sun may sink so flatly that Fajr and Isha are so many minutes further off."""


class Convention(msgspec.Struct, frozen=True):
    """How a method sets its times: degrees of the sun below the horizon, or minutes after.

    `isha_after` is after Maghrib, `maghrib_after` after Sunset. `tune`: minutes that upstream adds to a time.
    """

    fajr: float | None = None
    isha: float | None = None
    isha_after: int | None = None
    maghrib: float | None = None
    maghrib_after: int = 0
    tune: Mapping[str, int] = msgspec.field(default_factory=lambda: MappingProxyType({}))


CONVENTIONS: Final[Mapping[int, Convention]] = {
    0: Convention(16, 14, maghrib=4),
    1: Convention(18, 18),
    2: Convention(15, 15),
    3: Convention(18, 17),
    4: Convention(18.5, isha_after=90),
    5: Convention(19.5, 17.5),
    7: Convention(17.7, 14, maghrib=4.5),
    8: Convention(19.5, isha_after=90),
    9: Convention(18, 17.5),
    10: Convention(18, isha_after=90),
    11: Convention(20, 18),
    12: Convention(12, 12),
    13: Convention(18, 17, tune={"Sunrise": -7, "Dhuhr": 5, "Asr": 4, "Sunset": 7, "Maghrib": 7}),
    14: Convention(16, 15),
    15: Convention(),  # by the season, not by an angle
    16: Convention(18.2, 18.2, tune={"Dhuhr": 3, "Sunset": 3, "Maghrib": 3}),
    17: Convention(20, 18),
    18: Convention(18, 18),
    19: Convention(18, 17),
    20: Convention(20, 18),
    21: Convention(19, 17, tune={"Dhuhr": 5, "Maghrib": 5}),
    22: Convention(18, isha_after=77, maghrib_after=3, tune={"Dhuhr": 5}),
    23: Convention(18, 18, maghrib_after=5),
}


class Apart(NamedTuple):
    """A time that is `minutes` later than it should be, by the day's place among those that were given."""

    at: int
    name: str
    minutes: int


class _Expected(msgspec.Struct, frozen=True):
    """What one time should be on each day: `after` minutes after those of `base`, which are on the zone's clock.

    It may be `early` or `late` by so many minutes.
    """

    name: str
    base: Column
    after: int
    early: int
    late: int


def apart(
    days: Sequence[Column], *, latitude: float, longitude: float, method: int, madhab: int, tolerance: int
) -> Apart | None:
    """Return the first time that is more than `tolerance` minutes from what it should be, in the order of the times.

    `days` are columns in the order of DayTimes, of days that follow each other. Compared is what can be right: Dhuhr
    everywhere, Sunrise, Sunset and Maghrib below 65 degrees, the others below 60. Fajr and Isha of method 15 never are.
    """
    place = _place(latitude, longitude, days[0][0], tuple(days[1]))
    for expected in _expected(place, method, madhab, tolerance):
        column = days[2 + TIME_NAMES.index(expected.name)]
        least, most = expected.after - expected.early, expected.after + expected.late
        if _within(column, expected.base, least, most):
            continue
        for at, minutes in enumerate(map(sub, column, expected.base)):
            # Noon may be on another date of the zone's clock.
            around = (minutes - expected.after + DAY // 2) % DAY - DAY // 2
            if not -expected.early <= around <= expected.late:
                return Apart(at, expected.name, around)
    return None


@remembered
def _within(column: Column, base: Column, least: int, most: int) -> bool:
    off: set[int] = set(map(sub, column, base))  # few of them differ, so the set is quicker than a list
    return least <= min(off) and max(off) <= most


class _Place(msgspec.Struct, frozen=True, eq=False):
    """Where, and on which days: `first` in days since 1970-01-01, and each day's offset from UTC in seconds.

    Equal to itself alone, as a column is.
    """

    latitude: float
    longitude: float
    first: int
    offsets: tuple[int, ...]


@lru_cache(maxsize=16)
def _place(latitude: float, longitude: float, first: int, offsets: tuple[int, ...]) -> _Place:
    return _Place(latitude, longitude, first, offsets)


def _expected(place: _Place, method: int, madhab: int, tolerance: int) -> Iterator[_Expected]:
    convention = CONVENTIONS.get(method, CONVENTIONS[15])
    high = abs(place.latitude)

    def held(name: str, base: Column, after: int = 0, slack: int = 0, late: int = 0) -> _Expected:
        after += convention.tune.get(name, 0)
        return _Expected(name, base, after, early=tolerance + slack, late=tolerance + slack + late)

    yield held("Dhuhr", _noon(place))
    if high >= HIGH_LATITUDE:
        return
    sunset = _dusk(place, None)
    yield held("Sunrise", _dawn(place, None))
    yield held("Sunset", sunset)
    if high >= ASR_LATITUDE:
        return
    clock = next(minutes for latitude, minutes in CLOCK_OF_SERVER if high < latitude)
    yield held("Asr", _asr(place, madhab), slack=clock)
    maghrib = sunset if convention.maghrib is None else _dusk(place, convention.maghrib)
    yield held("Maghrib", maghrib, convention.maghrib_after)
    slow = SLOW if high >= LOW_SUN else 0
    if convention.fajr is not None:
        dawn = _dawn(place, convention.fajr)
        yield held("Fajr", dawn, slack=slow)
        yield held("Imsak", dawn, -IMSAK, slack=slow)
    if convention.isha is not None:
        yield held("Isha", _dusk(place, convention.isha), slack=slow)
    elif convention.isha_after is not None:
        late = RAMADAN_ISHA if method == MAKKAH else 0
        yield held("Isha", sunset, convention.maghrib_after + convention.isha_after, late=late)


# The 46 units of a city follow each other and share these: 3 KB a year each, some 50 for a city.


@lru_cache(maxsize=16)
def _noon(place: _Place) -> Column:
    return _local(place, [0.0] * len(place.offsets))


@lru_cache(maxsize=64)
def _dawn(place: _Place, angle: float | None) -> Column:
    away = _depression(place.latitude, place.first, len(place.offsets), angle)
    return Column(map(round, map(sub, _noons(place), away)))


@lru_cache(maxsize=64)
def _dusk(place: _Place, angle: float | None) -> Column:
    return _local(place, _depression(place.latitude, place.first, len(place.offsets), angle))


@lru_cache(maxsize=16)
def _asr(place: _Place, madhab: int) -> Column:
    days = positions(place.first, len(place.offsets))
    return _local(place, [minutes or 0.0 for minutes in asr_from_noon(place.latitude, days, 1 + madhab)])


def _local(place: _Place, from_noon: Sequence[float]) -> Column:
    """Round to the zone's clock."""
    return Column(map(round, map(add, _noons(place), from_noon)))


@lru_cache(maxsize=16)
def _noons(place: _Place) -> list[float]:
    """Each on its own date."""
    equations = positions(place.first, len(place.offsets)).equation
    return [
        (720 - 4 * place.longitude - equation + offset / 60) % DAY
        for equation, offset in zip(equations, place.offsets, strict=True)
    ]


@lru_cache(maxsize=64)
def _depression(latitude: float, first: int, count: int, angle: float | None) -> Sequence[float]:
    """Minutes from noon to the sun at so many degrees below the horizon, None: at its rise or set.

    Where it does not get there, or late at night, a share of the night stands in: `angle` sixtieths of it.
    """
    days = positions(first, count)
    if angle is None:
        return [half or 0.0 for half in from_noon(latitude, days, HORIZON)]
    reached = from_noon(latitude, days, -math.radians(angle))
    halves, share = _depression(latitude, first, count, None), angle / 60
    early = [found for found in reached if found is not None]
    if len(early) == count and max(early) <= _late(min(halves), share):  # as nearly everywhere
        return early
    latest = [_late(half, share) for half in halves]
    return [late if found is None or found > late else found for found, late in zip(reached, latest, strict=True)]


def _late(half: float, share: float) -> float:
    return half + share * (DAY - 2 * half)
