"""The times of a place on some days, each calculated once for all methods that share it.

Sunrise, noon and Asr depend on no method, and methods share angles: the 46 units of a city need some 30 columns of a
year, not 506. Positions of the sun and angles are salahlib's. What is made of them is what its `calculate` makes,
operation by operation, so that the last minute is the same; the seasons of a method without angles are left to it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import date
from functools import wraps
from operator import add
from typing import Concatenate, NamedTuple, ParamSpec, TypeVar

from salahlib import astronomy
from salahlib.params import Offsets, Params

ENDLESS_DAY = 23.99
"""Hours. Under the midnight sun the kernel's day has 24, give or take the 15 seconds that noon drifts."""
DAWN, SUNRISE, NOON, AFTERNOON, DUSK = 5.0, 6.0, 12.0, 13.0, 18.0
"""The hours at which the kernel looks for the sun, whatever the time is in the end."""

Hours = tuple[float, ...]
Minutes = tuple[int, ...]
P = ParamSpec("P")
T = TypeVar("T")

# The kernel declares no types for this one.
_position: Callable[[float], tuple[float, float]] = astronomy.solar_position_at


class _Sun(NamedTuple):
    """Noon by the sun in hours, and the products of sines and of cosines of the latitude and the declination."""

    noon: float
    sines: float
    cosines: float


def _once(make: Callable[Concatenate[Sky, P], T]) -> Callable[Concatenate[Sky, P], T]:
    """Keep what a method of a Sky returns for as long as there is the Sky."""

    @wraps(make)
    def kept(self: Sky, /, *arguments: P.args, **named: P.kwargs) -> T:
        key = (make.__name__, arguments)
        try:
            return self.kept[key]  # type: ignore[return-value]  # of this method
        except KeyError:
            made = self.kept[key] = make(self, *arguments, **named)
            return made

    return kept


class Sky:
    """A place on `days`, with the zone's `offsets` in seconds. A column has a value for each day, in order.

    `breathe` is called before each month of positions; what it raises ends the calculation. For one thread at a time.
    """

    def __init__(
        self,
        latitude: float,
        longitude: float,
        days: Sequence[date],
        offsets: Sequence[int],
        breathe: Callable[[], None],
    ) -> None:
        self._latitude, self._longitude = latitude, longitude
        self._days, self._offsets, self._breathe = days, offsets, breathe
        self._zone = [offset / 3600.0 - longitude / 15.0 for offset in offsets]
        self.kept: dict[tuple[str, tuple[object, ...]], object] = {}

    def readings(self, usual: Params, ramadan: Params, holy: frozenset[date]) -> list[Minutes]:
        """Return the eleven columns of a method and madhab as clocks show them; `holy` days are tuned as in Ramadan.

        The parameters are salahlib's, with its usual ways where an angle is not reached, and of midnight.
        """
        if usual.shafaq is not None:
            fajr, isha, imsak = self._seasonal(replace(usual, offsets=Offsets(), asr_factor=1.0))
        else:
            fajr = self._dawn(usual.fajr_angle)
            isha = self._isha(usual)
            imsak = self._shifted(fajr, -usual.imsak_mins)
        midnight, first_third, last_third = self._night()
        hours = {
            "fajr": fajr,
            "sunrise": self._sunrise(),
            "dhuhr": self._shifted(self._noon(), usual.dhuhr_mins),
            "asr": self._asr(usual.asr_factor),
            "sunset": self._sunset(),
            "maghrib": self._maghrib(usual),
            "isha": isha,
            "imsak": imsak,
            "midnight": midnight,
        }
        tuned = [
            self._clock(column, getattr(usual.offsets, name), getattr(ramadan.offsets, name), holy)
            for name, column in hours.items()
        ]
        return [*tuned, self._clock(first_third, 0.0, 0.0, holy), self._clock(last_third, 0.0, 0.0, holy)]

    @_once
    def _clock(self, hours: Hours, tune: float, in_ramadan: float, holy: frozenset[date]) -> Minutes:
        """Tune, and round as the server prints: half a minute up, then cut, in its order, for the same last bit."""
        tunes = [in_ramadan if day in holy else tune for day in self._days]
        moments = [(hour + tune / 60.0 + 0.5 / 60.0) % 24.0 for hour, tune in zip(hours, tunes, strict=True)]
        return tuple([int(moment) * 60 + int((moment - int(moment)) * 60.0) for moment in moments])

    @_once
    def _shifted(self, hours: Hours, minutes: float) -> Hours:
        return tuple([hour + minutes / 60.0 for hour in hours])

    def _isha(self, params: Params) -> Hours:
        return self._shifted(self._maghrib(params), params.isha) if params.isha_is_minutes else self._dusk(params.isha)

    def _maghrib(self, params: Params) -> Hours:
        if params.maghrib_is_minutes:
            return self._shifted(self._sunset(), params.maghrib)
        return self._dusk(params.maghrib)

    @_once
    def _noon(self) -> Hours:
        return self._local([sun.noon for sun in self._sun(NOON)])

    @_once
    def _sunrise(self) -> Hours:
        return self._local(self._horizon(SUNRISE, -1))

    @_once
    def _sunset(self) -> Hours:
        return self._local(self._horizon(DUSK, 1))

    @_once
    def _asr(self, shadow: float) -> Hours:
        """The one time that the madhab changes. The kernel looks for its shadow a day ahead."""
        hours = []
        for day, sun in zip(self._days, self._sun(AFTERNOON), strict=True):
            declination, _ = _position(astronomy.julian_day(day.year, day.month, day.day) + 1.0 + AFTERNOON / 24.0)
            angle = -astronomy.arccot(shadow + astronomy.tan(abs(self._latitude - declination)))
            hours.append(sun.noon + _from_noon(sun, -astronomy.sin(angle))[0])
        return self._local(hours)

    @_once
    def _dawn(self, angle: float) -> Hours:
        return self._local(self._below(DAWN, angle, self._horizon(SUNRISE, -1), -1))

    @_once
    def _dusk(self, angle: float) -> Hours:
        return self._local(self._below(DUSK, angle, self._horizon(DUSK, 1), 1))

    @_once
    def _night(self) -> tuple[Hours, Hours, Hours]:
        """Its middle and the ends of its first two thirds, after a sunset that is not tuned."""
        sunset = self._sunset()
        lengths = [astronomy.mod(rise - fall, 24.0) for rise, fall in zip(self._sunrise(), sunset, strict=True)]
        nights = list(zip(sunset, lengths, strict=True))
        return (
            tuple([fall + length / 2.0 for fall, length in nights]),
            tuple([fall + length / 3.0 for fall, length in nights]),
            tuple([fall + 2.0 * length / 3.0 for fall, length in nights]),
        )

    @_once
    def _seasonal(self, params: Params) -> tuple[Hours, Hours, Hours]:
        """Fajr, Isha and Imsak of a method that takes them from sunrise and sunset by the season."""
        fajr, isha, imsak = [], [], []
        for day, offset in zip(self._days, self._offsets, strict=True):
            here = replace(params, timezone_offset_hours=offset / 3600.0)
            hours = astronomy.calculate(day.year, day.month, day.day, self._latitude, self._longitude, 0.0, here)
            fajr.append(hours["Fajr"])
            isha.append(hours["Isha"])
            imsak.append(hours["Imsak"])
        return tuple(fajr), tuple(isha), tuple(imsak)

    def _below(self, hour: float, angle: float, horizon: Hours, direction: int) -> Hours:
        """Where the sun is so far below the horizon; a share of the night from it where that is later, or never.

        Under the midnight sun the kernel sees a night of 24 hours and puts Fajr before noon of the day before; the
        server sees no night, so that Fajr and Isha are where the sun is lowest.
        """
        sine, hours = -astronomy.sin(angle), []
        for sun, base, (night, endless) in zip(self._sun(hour), horizon, self._lengths(), strict=True):
            away, reached = _from_noon(sun, sine)
            found = sun.noon + direction * away
            share = (angle / 60.0) * night
            if not endless and (not reached or (found - base) * direction > share):
                found = base + share * direction
            hours.append(found)
        return tuple(hours)

    @_once
    def _lengths(self) -> list[tuple[float, bool]]:
        """Hours of each night, and whether there is none: the day is endless."""
        pairs = zip(self._horizon(SUNRISE, -1), self._horizon(DUSK, 1), strict=True)
        return [(astronomy.mod(rise - fall, 24.0), fall - rise > ENDLESS_DAY) for rise, fall in pairs]

    @_once
    def _horizon(self, hour: float, direction: int) -> Hours:
        sine = -astronomy.sin(astronomy.horizon_angle(0.0))
        return tuple([sun.noon + direction * _from_noon(sun, sine)[0] for sun in self._sun(hour)])

    @_once
    def _sun(self, hour: float) -> list[_Sun]:
        suns = []
        sine, cosine = astronomy.sin(self._latitude), astronomy.cos(self._latitude)
        for count, day in enumerate(self._days):
            if day.day == 1 or count == 0:
                self._breathe()
            julian = astronomy.julian_day(day.year, day.month, day.day)
            declination, equation = _position(julian + hour / 24.0 - self._longitude / (15.0 * 24.0))
            noon = astronomy.mod(12.0 - equation, 24.0)
            suns.append(_Sun(noon, sine * astronomy.sin(declination), cosine * astronomy.cos(declination)))
        return suns

    def _local(self, hours: Sequence[float]) -> Hours:
        return tuple(map(add, hours, self._zone))


def _from_noon(sun: _Sun, sine: float) -> tuple[float, bool]:
    """Hours from noon to an altitude with this sine, or as near as the sun comes; whether it comes there."""
    ratio = (sine - sun.sines) / sun.cosines
    return astronomy.arccos(max(-1.0, min(1.0, ratio))) / 15.0, -1.0 <= ratio <= 1.0
