"""Where the sun is over a place: a measure for prayer times that owes nothing to any of their sources.

The low-precision formulas of the Astronomical Almanac: within two minutes below 65° latitude, from 1900 to 2200.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

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
_HIGH: Final = math.radians(HIGH_LATITUDE)
_ASR: Final = math.radians(ASR_LATITUDE)


@dataclass(frozen=True, slots=True)
class Sun:
    """Minutes, for each day. `noon` is after 00:00 UTC of it, `half` from noon to sunset, None at high latitudes.

    `between` lies between the Asr of both schools, after 00:00 UTC; None where they cannot be told apart.
    """

    noon: tuple[int, ...]
    half: tuple[int | None, ...]
    between: tuple[int | None, ...]


@lru_cache(maxsize=32)  # 50 KB a year; the 46 units of a city follow each other
def sun(latitude: float, longitude: float, first: int, count: int) -> Sun:
    """Return the sun's days; `first` is days since 1970-01-01."""
    place = math.radians(latitude)
    days = [(720 - 4 * longitude - equation, declination) for declination, equation in positions(first, count)]
    return Sun(
        noon=tuple([round(noon) for noon, _ in days]),
        half=tuple([_half(place, declination) for _, declination in days]),
        between=tuple([_between(place, *day) for day in days]),
    )


def _half(latitude: float, declination: float) -> int | None:
    half = from_noon(latitude, declination, HORIZON) if abs(latitude) < _HIGH else None
    return None if half is None else round(half)


def _between(latitude: float, noon: float, declination: float) -> int | None:
    if abs(latitude) >= _ASR:
        return None
    early, late = (asr_from_noon(latitude, declination, shadow) for shadow in (1, 2))
    if early is None or late is None or late - early < TOLD_APART:
        return None
    return round(noon + (early + late) / 2)


def asr_from_noon(latitude: float, declination: float, shadow: int) -> float | None:
    """Minutes after noon at which the shadow of a thing is longer than at noon by `shadow` times the thing."""
    return from_noon(latitude, declination, math.atan(1 / (shadow + math.tan(abs(latitude - declination)))))


def from_noon(latitude: float, declination: float, altitude: float) -> float | None:
    """Minutes between noon and the sun at an altitude; None where it does not come there that day."""
    cosine = (math.sin(altitude) - math.sin(latitude) * math.sin(declination)) / (
        math.cos(latitude) * math.cos(declination)
    )
    return math.degrees(math.acos(cosine)) * 4 if abs(cosine) <= 1 else None


@lru_cache(maxsize=32)
def positions(first: int, count: int) -> tuple[tuple[float, float], ...]:
    """The sun's declination (radians) and the equation of time (minutes) at noon of each day, in UTC."""
    return tuple(_position(first + day + 0.5 - _J2000) for day in range(count))


def _position(days: float) -> tuple[float, float]:
    anomaly = math.radians(357.529 + 0.98560028 * days)
    mean = 280.459 + 0.98564736 * days
    longitude = math.radians(mean + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    obliquity = math.radians(23.439 - 0.00000036 * days)
    ascension = math.degrees(math.atan2(math.cos(obliquity) * math.sin(longitude), math.cos(longitude)))
    equation = (mean - ascension + 180) % 360 - 180
    return math.asin(math.sin(obliquity) * math.sin(longitude)), equation * 4
