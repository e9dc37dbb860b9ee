"""Prayer times from AlAdhan: one call for a unit, and every answer compared with what was asked.

Upstream answers 200 to much that it did not understand: an unknown method becomes ISNA, an unknown school 0,
an odd date another day. So nothing is taken on trust: method, school, zone, coordinates and every date are
checked.
"""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date, timedelta
from functools import lru_cache, partial
from operator import attrgetter
from typing import TYPE_CHECKING

import msgspec

from synctl.errors import MismatchError, RejectedError, TransientError
from synctl.sources.prayer import (
    EPOCH,
    SCHOOLS,
    TIME_NAMES,
    DayTimes,
    Fetched,
    PrayerRequest,
    body_hash,
    place,
    utc_offsets,
)

if TYPE_CHECKING:
    from synctl.sources.http import Fetcher

COORDINATE_TOLERANCE = 1e-4
"""Degrees, some 11 metres: what is left of a coordinate that was rounded to four places on the way."""
_MINUTES = {f"{minute // 60:02}:{minute % 60:02}": minute for minute in range(1440)}
_MONTHS = {str(month) for month in range(1, 13)}


class _Timings(msgspec.Struct, rename="pascal", gc=False):
    fajr: str
    sunrise: str
    dhuhr: str
    asr: str
    sunset: str
    maghrib: str
    isha: str
    imsak: str
    midnight: str
    firstthird: str
    lastthird: str


class _Gregorian(msgspec.Struct, gc=False):
    date: str


class _Date(msgspec.Struct, gc=False):
    gregorian: _Gregorian


class _Day(msgspec.Struct, gc=False):
    timings: _Timings
    date: _Date
    meta: msgspec.Raw  # nearly always the bytes of the day before, and equal bytes need no second look


class _Method(msgspec.Struct):
    id: int | None = None  # CUSTOM has none


class _Meta(msgspec.Struct):
    latitude: float
    longitude: float
    timezone: str
    method: _Method
    school: str


class _Year(msgspec.Struct):
    code: int
    data: dict[str, list[_Day]] | str  # a string where `code` tells of an error


class _Month(msgspec.Struct):
    code: int
    data: list[_Day] | str


_decode_year = msgspec.json.Decoder(_Year).decode
_decode_month = msgspec.json.Decoder(_Month).decode
_decode_meta = msgspec.json.Decoder(_Meta).decode
_texts = attrgetter(*map(str.lower, TIME_NAMES))


class AladhanSource:
    """The calendars of api.aladhan.com, or of a server that speaks like it."""

    name = "aladhan"

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    def fetch(self, request: PrayerRequest, known: str | None = None) -> Fetched:
        """One call for the year or the month. An answer that is known is not even decoded.

        Raises UnitError: a MismatchError names the rule that was broken.
        """
        year, month = request.first.year, request.first.month
        response = self._fetcher.get(
            f"/calendar/{year}" if request.whole_year else f"/calendar/{year}/{month}",
            {
                "latitude": _decimal(request.latitude),
                "longitude": _decimal(request.longitude),
                "method": request.method,
                "school": request.madhab,
                "timezonestring": request.timezone,
            },
            partial(_unless_known, request, known),
        )
        return replace(response.value, attempts=response.attempts)

    def close(self) -> None:
        """Interrupt requests under way and release the connections."""
        self._fetcher.close()


def _decimal(degrees: float) -> str:
    """Degrees without an exponent: `1e-05` is no coordinate to upstream. Seven places are a centimetre."""
    return f"{degrees:.7f}".rstrip("0")


def _unless_known(request: PrayerRequest, known: str | None, body: bytes) -> Fetched:
    digest = body_hash(request, body)
    if digest == known:
        return Fetched([], digest, unchanged=True)
    return Fetched(_verified(request, body), digest)


def _verified(request: PrayerRequest, body: bytes) -> list[DayTimes]:
    """Read the days asked for, of an answer that is what was asked for."""
    days = _days_of_year(body) if request.whole_year else _days_of_month(body)
    dates = _calendar(request.first.year, None if request.whole_year else request.first.month)
    _check_dates([day.date.gregorian.date for day in days], dates)
    verified: msgspec.Raw | None = None
    for day in days:
        if day.meta != verified:
            _check_meta(request, _decode_meta(day.meta))
            verified = day.meta
    start, count = dates.index(f"{request.first:%d-%m-%Y}"), (request.last - request.first).days + 1
    return _rows(request, days[start : start + count])


def _days_of_year(body: bytes) -> list[_Day]:
    answer = _decode_year(body)
    if isinstance(answer.data, str):
        raise _refusal(answer.code, answer.data)
    if answer.data.keys() != _MONTHS:
        raise MismatchError("prayer.dates", f"the months answered are {', '.join(answer.data) or 'none'}")
    return [day for month in sorted(answer.data, key=int) for day in answer.data[month]]


def _days_of_month(body: bytes) -> list[_Day]:
    answer = _decode_month(body)
    if isinstance(answer.data, str):
        raise _refusal(answer.code, answer.data)
    return answer.data


def _refusal(code: int, message: str) -> RejectedError | TransientError:
    """Say what an error envelope means that came with status 200."""
    return (TransientError if code >= 500 else RejectedError)(f"upstream says {code}: {message}")


@lru_cache(maxsize=64)
def _calendar(year: int, month: int | None) -> list[str]:
    """Return every date of a year or month, as upstream writes it."""
    first = date(year, month or 1, 1)
    after = date(year + month // 12, month % 12 + 1, 1) if month else date(year + 1, 1, 1)
    return [f"{first + timedelta(days=count):%d-%m-%Y}" for count in range((after - first).days)]


def _check_dates(answered: list[str], asked: list[str]) -> None:
    if answered == asked:
        return
    if len(answered) != len(asked):
        raise MismatchError("prayer.dates", f"{len(asked)} days were asked, {len(answered)} answered")
    wrong, right = next(pair for pair in zip(answered, asked, strict=True) if pair[0] != pair[1])
    raise MismatchError("prayer.dates", f"{right} was asked, {wrong} answered")


def _check_meta(request: PrayerRequest, meta: _Meta) -> None:
    school = SCHOOLS[request.madhab]
    if meta.method.id != request.method:
        raise MismatchError("prayer.method", f"{request.method} was asked, {meta.method.id} answered")
    if meta.school != school:
        raise MismatchError("prayer.school", f"{school} was asked, {meta.school} answered")
    if meta.timezone != request.timezone:
        raise MismatchError("prayer.timezone", f"{request.timezone} was asked, {meta.timezone} answered")
    away = max(abs(meta.latitude - request.latitude), abs(meta.longitude - request.longitude))
    if not away <= COORDINATE_TOLERANCE:
        answered = f"{meta.latitude}, {meta.longitude} answered"
        raise MismatchError("prayer.coordinates", f"{request.latitude}, {request.longitude} was asked, {answered}")


def _rows(request: PrayerRequest, days: list[_Day]) -> list[DayTimes]:
    offsets = utc_offsets(request.timezone, request.first.year)
    start = request.first.timetuple().tm_yday - 1
    first = request.first.toordinal() - EPOCH
    try:
        return [
            (first + count, offsets[start + count], *place([_readings[text] for text in _texts(day.timings)]))
            for count, day in enumerate(days)
        ]
    except KeyError as error:
        raise MismatchError("prayer.time-format", f"{error.args[0]!r} is no time of day") from error


class _Readings(dict[str, int]):
    """Minutes after 00:00 by what upstream writes, such as "05:37 (+03)"; the zone itself is not needed."""

    ROOM = 1440 * 16
    """A unit meets two zone suffixes at most; those of the whole world would be 200,000 texts."""
    ZONE = re.compile(r"( \([A-Za-z0-9+-]+\))?")

    def __missing__(self, text: str) -> int:
        minute = _MINUTES.get(text[:5])
        if minute is None or not self.ZONE.fullmatch(text, 5):
            raise KeyError(text)
        if len(self) >= self.ROOM:
            self.clear()
        self[text] = minute
        return minute


_readings = _Readings()
