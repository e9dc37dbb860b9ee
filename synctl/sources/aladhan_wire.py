"""An answer of AlAdhan as it is written: the calendar of a year or a month, down to what must be looked at."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from typing import Generic, TypeVar

import msgspec

from synctl.errors import MismatchError, RejectedError, TransientError
from synctl.sources.stencil import Stencil, cut

T = TypeVar("T")
_MONTHS = {str(month) for month in range(1, 13)}


class Timings(msgspec.Struct, rename="pascal", gc=False):
    """The times of a day, in the order of TIME_NAMES."""

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


class Gregorian(msgspec.Struct, gc=False):
    """A date, `DD-MM-YYYY`."""

    date: str


class Date(msgspec.Struct, gc=False):
    """A date, and a moment of it in seconds since 1970."""

    gregorian: Gregorian
    timestamp: str | int


class Day(msgspec.Struct, gc=False):
    """A day by its bytes, which are mostly known and need no second look."""

    timings: msgspec.Raw  # of the same shape each day
    date: msgspec.Raw  # the same in the answer to another method
    meta: msgspec.Raw  # the same as on the day before


class _Marked(msgspec.Struct, gc=False):
    """A day in whose answer numbers stand for the values."""

    timings: int
    meta: int


class _Method(msgspec.Struct):
    id: int | None = None  # CUSTOM has none


class Meta(msgspec.Struct):
    """What upstream took for the question."""

    latitude: float
    longitude: float
    timezone: str
    method: _Method
    school: str


class _Year(msgspec.Struct, Generic[T]):
    code: int
    data: dict[str, list[T]] | str  # a string where `code` tells of an error


class _Month(msgspec.Struct, Generic[T]):
    code: int
    data: list[T] | str


_decode_year = msgspec.json.Decoder(_Year[Day]).decode
_decode_month = msgspec.json.Decoder(_Month[Day]).decode
_decode_marked_year = msgspec.json.Decoder(_Year[_Marked]).decode
_decode_marked_month = msgspec.json.Decoder(_Month[_Marked]).decode
_decode_dates = msgspec.json.Decoder(list[Date]).decode
decode_timings = msgspec.json.Decoder(Timings).decode
decode_meta = msgspec.json.Decoder(Meta).decode


def days_of_year(body: bytes, *, any_months: bool = False) -> list[Day]:
    """Return the days in order. `any_months`: however many there are. Raises UnitError, msgspec.DecodeError."""
    answer = _decode_year(body)
    if isinstance(answer.data, str):
        raise _refusal(answer.code, answer.data)
    if answer.data.keys() != _MONTHS and not any_months:
        months = ", ".join(answer.data) or "none"
        raise MismatchError("prayer.dates", f"the months answered are {months}", sample={"months": list(answer.data)})
    return _in_order(answer.data)


def days_of_month(body: bytes) -> list[Day]:
    """Return the days. Raises UnitError, msgspec.DecodeError."""
    answer = _decode_month(body)
    if isinstance(answer.data, str):
        raise _refusal(answer.code, answer.data)
    return answer.data


_recent: deque[tuple[bytes, Sequence[Date]]] = deque(maxlen=4)
"""Dates of a year, 220 KB each as they were written."""


def dates_of(days: Sequence[Day]) -> Sequence[Date]:
    """Decode the dates. All units of a zone have the same, and to compare the bytes is quicker."""
    written = b"[%b]" % b",".join([day.date for day in days])
    for known, dates in tuple(_recent):
        if known == written:
            return dates
    dates = _decode_dates(written)
    _recent.append((written, dates))
    return dates


def stencil_of(body: bytes, days: Sequence[Day], *, whole_year: bool) -> Stencil | None:
    """Return the answer without the times and the settings of each of its days.

    That it leaves out just these is seen by decoding what it gives with numbers in their place.
    """
    stencil = cut(body, [bytes(day.timings) for day in days], [bytes(day.meta) for day in days])
    if stencil is None:
        return None
    marks = range(len(days))
    filled = stencil.fill([b"%d" % mark for mark in marks], [b"-1"] * len(days))
    try:
        data = (_decode_marked_year if whole_year else _decode_marked_month)(filled).data
    except msgspec.DecodeError:
        return None
    marked = _in_order(data) if isinstance(data, dict) else data
    return stencil if marked == [_Marked(mark, -1) for mark in marks] else None


def _in_order(months: dict[str, list[T]]) -> list[T]:
    return [day for month in sorted(months, key=int) for day in months[month]]


def _refusal(code: int, message: str) -> RejectedError | TransientError:
    """Say what an error envelope means that came with status 200."""
    return (TransientError if code >= 500 else RejectedError)(f"upstream says {code}: {message}")
