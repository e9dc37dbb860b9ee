"""Where the sun is over a place: a measure for prayer times that owes nothing to any of their sources.

The low-precision formulas of the Astronomical Almanac: within two minutes below 65° latitude, from 1900 to 2200.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

import msgspec

HIGH_LATITUDE: Final = 65.0
"""Degrees. From here on there are days without a sunrise or a sunset, and what is published then follows no sun."""
TOLD_APART: Final = 30
"""Minutes. Where the Asr of one school is less before that of the other, which one it is cannot be told.

Measured below 60 degrees: upstream's Asr is up to 15 minutes off, tuning and the clock of its server included.
"""
ASR_LATITUDE: Final = 60.0

_J2000: Final = 10_957.5
"""Noon of 2000-01-01 in days since 1970-01-01."""
HORIZON: Final = math.radians(-0.8333)
"""The sun's centre when its upper edge is seen on the horizon."""
_MINUTES: Final = math.degrees(4)
"""Of the sun's way around the earth, a radian."""


class Sun(msgspec.Struct, frozen=True):
    """Minutes, for each day. `noon` is after 00:00 UTC of it, `half` from noon to sunset, None at high latitudes.

    `between` lies between the Asr of both schools, after 00:00 UTC; None where they cannot be told apart.
    """

    noon: tuple[int, ...]
    half: tuple[int | None, ...]
    between: tuple[int | None, ...]


class Positions(msgspec.Struct, frozen=True, eq=False):
    """Of the sun at noon of each day, in UTC: its declination in radians, and the equation of time in minutes.

    Equal to itself alone, so that looking something up for it does not read all of it.
    """

    declination: tuple[float, ...]
    sine: tuple[float, ...]
    cosine: tuple[float, ...]
    equation: tuple[float, ...]


@lru_cache(maxsize=32)  # 50 KB a year; the 46 units of a city follow each other
def sun(latitude: float, longitude: float, first: int, count: int) -> Sun:
    """Return the sun's days; `first` is days since 1970-01-01."""
    days = positions(first, count)
    noons = [720 - 4 * longitude - equation for equation in days.equation]
    halves: list[int | None] = [None] * count
    between = halves
    if abs(latitude) < HIGH_LATITUDE:
        halves = [None if half is None else round(half) for half in from_noon(latitude, days, HORIZON)]
    if abs(latitude) < ASR_LATITUDE:
        asr = zip(noons, asr_from_noon(latitude, days, 1), asr_from_noon(latitude, days, 2), strict=True)
        between = [_between(*times) for times in asr]
    return Sun(noon=tuple(map(round, noons)), half=tuple(halves), between=tuple(between))


def _between(noon: float, early: float | None, late: float | None) -> int | None:
    if early is None or late is None or late - early < TOLD_APART:
        return None
    return round(noon + (early + late) / 2)


def from_noon(latitude: float, days: Positions, altitude: float) -> list[float | None]:
    """Minutes between noon and the sun at an altitude (radians), each day; None where it does not come there."""
    high = math.sin(altitude)
    lows, wides = _arcs(latitude, days)
    return _minutes([(high - low) / wide for low, wide in zip(lows, wides, strict=True)])


@lru_cache(maxsize=32)  # 30 KB a year
def asr_from_noon(latitude: float, days: Positions, shadow: int) -> list[float | None]:
    """Minutes after noon at which the shadow of a thing is longer than at noon by `shadow` times the thing."""
    place = math.radians(latitude)
    lengths = [shadow + math.tan(abs(place - declination)) for declination in days.declination]
    found = [
        (math.copysign(1 / math.hypot(1, length), length) - low) / wide
        for length, low, wide in zip(lengths, *_arcs(latitude, days), strict=True)
    ]
    return _minutes(found)


@lru_cache(maxsize=32)  # 20 KB a year
def _arcs(latitude: float, days: Positions) -> tuple[list[float], list[float]]:
    """The sine of the sun's height when it is at right angles to noon, and by how much that of noon is more."""
    place = math.radians(latitude)
    sine, cosine = math.sin(place), math.cos(place)
    return [sine * one for one in days.sine], [cosine * one for one in days.cosine]


def _minutes(cosines: Sequence[float]) -> list[float | None]:
    """Turn the angles that have these cosines into minutes of the sun's way; None where there is none."""
    if min(cosines) >= -1 and max(cosines) <= 1:  # as in most places, on most days: not to be asked for each
        return [math.acos(one) * _MINUTES for one in cosines]
    return [math.acos(one) * _MINUTES if -1 <= one <= 1 else None for one in cosines]


@lru_cache(maxsize=32)
def positions(first: int, count: int) -> Positions:
    """The sun at noon of each day."""
    return Positions(*zip(*[_position(first + day + 0.5 - _J2000) for day in range(count)], strict=True))


def _position(days: float) -> tuple[float, float, float, float]:
    anomaly = math.radians(357.529 + 0.98560028 * days)
    mean = 280.459 + 0.98564736 * days
    longitude = math.radians(mean + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    obliquity = math.radians(23.439 - 0.00000036 * days)
    ascension = math.degrees(math.atan2(math.cos(obliquity) * math.sin(longitude), math.cos(longitude)))
    equation = (mean - ascension + 180) % 360 - 180
    sine = math.sin(obliquity) * math.sin(longitude)
    return math.asin(sine), sine, math.sqrt(1 - sine * sine), equation * 4
