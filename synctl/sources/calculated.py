"""Prayer times without a network: AlAdhan's own algorithm, calculated here by `salahlib`.

The kernel is salahlib's; this file gives it what the server gives its own: the zone offset of 09:01:01,
Ramadan where a method minds it, and no night under the midnight sun. Against the server's recorded answers
two differences remain: method 15 by a minute, and method 4 by half an hour where Ramadan ends on another day
in upstream's calendar than in that of Umm al-Qura.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import date
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from hijridate import Gregorian
from salahlib import astronomy, methods
from salahlib.params import LatAdjust, Params

from synctl.errors import RejectedError
from synctl.sources.digest import body_hash
from synctl.sources.prayer import (
    EPOCH,
    NOTHING,
    SCHOOLS,
    TIME_NAMES,
    Fetched,
    PrayerRequest,
    place,
    utc_offsets,
)

if TYPE_CHECKING:
    from synctl.resource import Stop

CUSTOM = 99
"""It has no angles of its own, so the kernel would calculate nonsense for it."""
RAMADAN = 9
RAMADAN_YEARS = range(1925, 2077)
"""Those whose every day has a date in the calendar of Umm al-Qura, which is published for 1924-08-01 to 2077-11-16."""
ENDLESS_DAY = 23.99
"""Hours. Under the midnight sun the kernel's day has 24, give or take the 15 seconds that noon drifts."""
KEPT = 16
"""Calculations kept for the other madhab, 165 KB a year: more than the threads of a pool begin at once."""

_ASR = TIME_NAMES.index("Asr")

_Key = tuple[float, float, str, int, date, date]
_Readings = list[tuple[int, ...]]
_OneDay = Callable[[PrayerRequest, date, Params], tuple[int, ...]]

# The kernel declares no types for these two.
_resolve: Callable[..., Params] = methods.resolve
_depression_time: Callable[..., tuple[float, bool]] = astronomy.depression_time


def incalculable(methods: Iterable[int], years: Iterable[int]) -> list[int]:
    """Return the methods that cannot be calculated in one of these years."""
    if all(year in RAMADAN_YEARS for year in years):
        return []
    return [method for method in methods if _minds_ramadan(method)]


class CalculatedSource:
    """The embedded default source. Needs nothing but the time zone database."""

    name = "calculated"

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._kept: OrderedDict[_Key, tuple[int, _Readings]] = OrderedDict()
        # Calculating is pure Python, so threads gain nothing from doing it at once; one at a time, the second
        # madhab of a place finds the work of the first.
        self._turn = threading.Lock()

    def fetch(self, request: PrayerRequest, known: str | None = None, waived: frozenset[str] = NOTHING) -> Fetched:
        """Every day of the request. The hash is of the times: there is no other body.

        Raises RejectedError for what cannot be calculated, `http.Interrupted` when the work must end.
        """
        offsets = utc_offsets(request.timezone, request.first.year)
        with self._turn:
            readings = self._readings(request, offsets)
        start = request.first.timetuple().tm_yday - 1
        first = request.first.toordinal() - EPOCH
        days = [(first + count, offsets[start + count], *place(reading)) for count, reading in enumerate(readings)]
        digest = body_hash(request, array("q", chain.from_iterable(days)).tobytes())
        return Fetched([], digest, unchanged=True) if digest == known else Fetched(days, digest)

    def close(self) -> None:
        """Hold nothing, so release nothing: a year takes less time than a person notices."""

    def _readings(self, request: PrayerRequest, offsets: tuple[int, ...]) -> _Readings:
        """Eleven clock readings a day; where the other madhab was calculated just before, only Asr is new."""
        place_of = (request.latitude, request.longitude, request.timezone)
        key = (*place_of, request.method, request.first, request.last)
        if key not in self._kept:
            readings = self._each_day(request, offsets, _eleven)
            self._kept[key] = (request.madhab, readings)
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return readings
        madhab, readings = self._kept[key]
        if madhab == request.madhab:
            return readings
        asr = self._each_day(request, offsets, _only_asr)
        return [(*day[:_ASR], *new, *day[_ASR + 1 :]) for day, new in zip(readings, asr, strict=True)]

    def _each_day(self, request: PrayerRequest, offsets: tuple[int, ...], one_day: _OneDay) -> _Readings:
        ramadan = _ramadan(request.first.year) if _minds_ramadan(request.method) else frozenset[date]()
        start = request.first.timetuple().tm_yday - 1
        readings: _Readings = []
        for count, day in enumerate(request.dates):
            if day.day == 1 or count == 0:
                self._stop_if_asked()
            params = _params(request.method, request.madhab, offsets[start + count], ramadan=day in ramadan)
            readings.append(one_day(request, day, params))
        return readings

    def _stop_if_asked(self) -> None:
        if self._stop.is_set():
            from synctl.sources.http import Interrupted  # noqa: PLC0415  # httpx loads slowly

            raise Interrupted


def _eleven(request: PrayerRequest, day: date, params: Params) -> tuple[int, ...]:
    at = (day.year, day.month, day.day, request.latitude, request.longitude, 0.0)
    hours: dict[str, float] = astronomy.calculate(*at, params)
    tuned = (params.offsets.sunset - params.offsets.sunrise) / 60.0
    if hours["Sunset"] - hours["Sunrise"] - tuned > ENDLESS_DAY:
        # The kernel sees a night of 24 hours here and puts Fajr before noon of the day before; the server
        # sees no night, so that Fajr and Isha are where the sun is lowest.
        hours = astronomy.calculate(*at, replace(params, lat_adjust=LatAdjust.NONE))
    return tuple([_minute(hour) for hour in hours.values()])  # the kernel's order is TIME_NAMES


def _only_asr(request: PrayerRequest, day: date, params: Params) -> tuple[int, ...]:
    at = (day.year, day.month, day.day, 13.0, request.latitude)
    angle = astronomy.asr_shadow_angle(params, *at)
    hours, _ = _depression_time(angle, *at, request.longitude, 1, params.unreached_policy)
    hours += params.timezone_offset_hours - request.longitude / 15.0
    return (_minute(hours + params.offsets.asr / 60.0),)


def _minute(hours: float) -> int:
    """Round as the server prints: half a minute up, then cut; steps in its order, for the same last bit."""
    moment = (hours + 0.5 / 60.0) % 24.0
    hour = int(moment)
    return hour * 60 + int((moment - hour) * 60.0)


@lru_cache(maxsize=4096)
def _params(method: int, madhab: int, offset: int, *, ramadan: bool) -> Params:
    """Resolve what the kernel needs, once instead of every day."""
    if method == CUSTOM:
        raise RejectedError("method 99 (CUSTOM) needs angles of its own, so there is nothing to calculate")
    try:
        return _resolve(method, school=SCHOOLS[madhab], is_ramadan=ramadan, timezone_offset_hours=offset / 3600.0)
    except KeyError as error:
        raise RejectedError(f"there is no method {method}") from error


def _minds_ramadan(method: int) -> bool:
    return _params(method, 0, 0, ramadan=True) != _params(method, 0, 0, ramadan=False)


@lru_cache(maxsize=16)
def _ramadan(year: int) -> frozenset[date]:
    """Return the days of a Gregorian year that are Ramadan by Umm al-Qura. Raises RejectedError where it has none."""
    if year not in RAMADAN_YEARS:
        raise RejectedError(f"when Ramadan falls in {year} is not known")
    start = date(year, 1, 1).toordinal()
    days = [date.fromordinal(start + count) for count in range(366)]
    return frozenset(day for day in days if Gregorian.fromdate(day).to_hijri().month == RAMADAN)
