"""Prayer times from AlAdhan: one call for a unit, and every answer compared with what was asked.

Upstream answers 200 to much that it did not understand: an unknown method becomes ISNA, an unknown school 0,
an odd date another day. So nothing is taken on trust: method, school, zone, coordinates and every date are
checked.
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import lru_cache, partial
from itertools import zip_longest
from typing import TYPE_CHECKING

import msgspec
from msgspec.structs import astuple, replace

from synctl.errors import MismatchError
from synctl.sources.aladhan_wire import (
    Date,
    Day,
    dates_of,
    days_of_month,
    days_of_year,
    decode_meta,
    decode_timings,
    stencil_of,
)
from synctl.sources.columns import columns, interned
from synctl.sources.digest import body_hash
from synctl.sources.prayer import (
    EPOCH,
    NOTHING,
    SCHOOLS,
    DayTimes,
    Fetched,
    PrayerRequest,
    place,
    placed,
    utc_offsets,
)
from synctl.sources.readings import minute_of, readings

if TYPE_CHECKING:
    from collections.abc import Sequence

    from synctl.sources.columns import Column
    from synctl.sources.http import Fetcher
    from synctl.sources.stencil import Stencil

COORDINATE_TOLERANCE = 1e-4
"""Degrees, some 11 metres: what is left of a coordinate that was rounded to four places on the way."""
DAY_S = 86_400
MORNING_S = 9 * 3600 + 61
"""Seconds after 00:00, of the moment that upstream takes for a day."""


class AladhanSource:
    """The calendars of api.aladhan.com, or of a server that speaks like it."""

    name = "aladhan"

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    def fetch(self, request: PrayerRequest, known: str | None = None, waived: frozenset[str] = NOTHING) -> Fetched:
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
            partial(_unless_known, request, known, waived),
        )
        return replace(response.value, attempts=response.attempts)

    def close(self) -> None:
        """Interrupt requests under way and release the connections."""
        self._fetcher.close()


def _decimal(degrees: float) -> str:
    """Degrees without an exponent: `1e-05` is no coordinate to upstream. Seven places are a centimetre."""
    return f"{degrees:.7f}".rstrip("0")


def _unless_known(request: PrayerRequest, known: str | None, waived: frozenset[str], body: bytes) -> Fetched:
    digest = body_hash(request, body)
    if digest == known:
        return Fetched([], digest, unchanged=True)
    return Fetched(_verified(request, waived, body), digest)


class _Kind(msgspec.Struct, frozen=True):
    """Answers about the same days in the same zone, after one that broke no rule."""

    stencil: Stencil
    dates: list[str]
    asked: slice
    numbers: Column
    offsets: Column


_kinds: dict[tuple[str, date, date], _Kind | None] = {}
"""None after the first answer of a kind: a stencil is worth its making (the half of a decode) where there are more."""
_ROOM = 16
"""Kinds, 300 KB each."""


def _verified(request: PrayerRequest, waived: frozenset[str], body: bytes) -> list[Column]:
    """Read the days asked for, of an answer that is what was asked for. Raises UnitError, msgspec.DecodeError."""
    if waived:
        return _decoded(request, waived, body)[0]
    asked = request.timezone, request.first, request.last
    kind = _kinds.get(asked)  # another thread may forget it at any moment
    found = _recognised(request, kind, body) if kind else None
    if found is not None:
        return found
    found, days = _decoded(request, waived, body)
    if asked not in _kinds:
        if len(_kinds) >= _ROOM:
            _kinds.clear()
        _kinds[asked] = None
    elif kind is None:  # else it stays: where answers differ, one made for each would be made in vain
        _kinds[asked] = _kind_of(request, body, days, found)
    return found


def _recognised(request: PrayerRequest, kind: _Kind, body: bytes) -> list[Column] | None:
    """Read an answer of this kind. None if it is none, or has what is not usual: then all of it is to be looked at."""
    values = kind.stencil.read(body)
    if values is None:
        return None
    timings, settings = values
    verified: bytes | None = None
    try:
        for on, meta in zip(kind.dates, settings, strict=True):
            if meta is not verified:
                _check_meta(request, on, msgspec.Raw(meta), NOTHING)
                verified = meta
        for others in (timings[: kind.asked.start], timings[kind.asked.stop :]):
            for one in others:  # nothing is read of them, but what is broken makes all of it broken
                msgspec.json.decode(one)
    except (msgspec.DecodeError, MismatchError):
        return None
    read = readings(timings[kind.asked], kind.offsets)
    return None if read is None else [kind.numbers, kind.offsets, *placed(read)]


def _kind_of(request: PrayerRequest, body: bytes, days: Sequence[Day], found: Sequence[Column]) -> _Kind | None:
    stencil = stencil_of(body, days, whole_year=request.whole_year)
    if stencil is None or not found:
        return None
    numbers, offsets, *_ = found
    calendar = _calendar_of(request)
    start = numbers[0] - next(iter(calendar.values()))
    return _Kind(stencil, list(calendar), slice(start, start + len(numbers)), numbers, offsets)


def _decoded(request: PrayerRequest, waived: frozenset[str], body: bytes) -> tuple[list[Column], Sequence[Day]]:
    """Decode an answer and read the days asked for; return all its days as well."""
    answered = days_of_year(body, any_months="prayer.dates" in waived) if request.whole_year else days_of_month(body)
    days, dates, calendar = answered, dates_of(answered), _calendar_of(request)
    if "prayer.dates" in waived:
        last_of = {date.gregorian.date: at for at, date in enumerate(dates) if date.gregorian.date in calendar}
        chosen = [last_of[text] for text in calendar if text in last_of]
        days, dates = [days[at] for at in chosen], [dates[at] for at in chosen]
        numbers = [calendar[date.gregorian.date] for date in dates]
    else:
        _check_dates(dates, list(calendar))
        numbers = list(calendar.values())
    verified: msgspec.Raw | None = None
    for at, day in enumerate(days):
        if day.meta != verified:
            _check_meta(request, dates[at].gregorian.date, day.meta, waived)
            verified = day.meta
    if not request.whole_year:
        first, last = (day.toordinal() - EPOCH for day in (request.first, request.last))
        asked = [at for at, number in enumerate(numbers) if first <= number <= last]
        days, dates = [days[at] for at in asked], [dates[at] for at in asked]
        numbers = [numbers[at] for at in asked]
    return _columns(request, numbers, dates, [day.timings for day in days], waived), answered


def _calendar_of(request: PrayerRequest) -> dict[str, int]:
    return _calendar(request.first.year, None if request.whole_year else request.first.month)


@lru_cache(maxsize=64)
def _calendar(year: int, month: int | None) -> dict[str, int]:
    """Return every date of a year or month, as upstream writes it, with its number."""
    first = date(year, month or 1, 1)
    after = date(year + month // 12, month % 12 + 1, 1) if month else date(year + 1, 1, 1)
    days = (first + timedelta(days=count) for count in range((after - first).days))
    return {f"{day:%d-%m-%Y}": day.toordinal() - EPOCH for day in days}


def _check_dates(dates: Sequence[Date], asked: list[str]) -> None:
    answered = [date.gregorian.date for date in dates]
    if answered == asked:
        return
    pairs = enumerate(zip_longest(answered, asked))
    at, (wrong, right) = next((at, pair) for at, pair in pairs if pair[0] != pair[1])
    message = f"{right or 'nothing more'} was asked, {wrong or 'nothing'} answered"
    if len(answered) != len(asked):
        message = f"{len(asked)} days were asked, {len(answered)} answered: {message}"
    raise MismatchError("prayer.dates", message, sample={"dates": answered[max(at - 1, 0) : at + 2]})


def _check_meta(request: PrayerRequest, date: str, written: msgspec.Raw, waived: frozenset[str]) -> None:
    meta = decode_meta(written)
    away = max(abs(meta.latitude - request.latitude), abs(meta.longitude - request.longitude))
    place = f"{request.latitude}, {request.longitude}"
    answered_place = place if away <= COORDINATE_TOLERANCE else f"{meta.latitude}, {meta.longitude}"
    for rule, asked, answered in (
        ("prayer.method", request.method, meta.method.id),
        ("prayer.school", SCHOOLS[request.madhab], meta.school),
        ("prayer.timezone", request.timezone, meta.timezone),
        ("prayer.coordinates", place, answered_place),
    ):
        if answered != asked and rule not in waived:
            sample = {"date": date, "meta": written}
            raise MismatchError(rule, f"{asked} was asked, {answered} answered", sample=sample)


def _columns(
    request: PrayerRequest,
    numbers: list[int],
    dates: Sequence[Date],
    timings: Sequence[msgspec.Raw],
    waived: frozenset[str],
) -> list[Column]:
    """Read days that have these numbers."""
    of_year = utc_offsets(request.timezone, request.first.year)
    first = date(request.first.year, 1, 1).toordinal() - EPOCH
    offsets = of_year if len(numbers) == len(of_year) else tuple([of_year[number - first] for number in numbers])
    if "prayer.utc-offset" not in waived:
        _check_moments(request, numbers, offsets, dates)
    if not timings:
        return []
    read = readings(timings, offsets)
    if read is None:
        return columns(_readable_rows(numbers, offsets, dates, timings, waived))
    return [interned(tuple(numbers)), interned(offsets), *placed(read)]


def _readable_rows(
    numbers: list[int],
    offsets: Sequence[int],
    dates: Sequence[Date],
    timings: Sequence[msgspec.Raw],
    waived: frozenset[str],
) -> list[DayTimes]:
    """Read day by day. One that cannot be read is refused, or left out if that is accepted."""
    rows: list[DayTimes] = []
    for number, offset, on, written in zip(numbers, offsets, dates, timings, strict=True):
        texts = decode_timings(written)
        try:
            times = place(list(map(minute_of, astuple(texts))))
        except ValueError as error:
            if "prayer.time-format" in waived:
                continue
            sample = {"date": on.gregorian.date, "timings": texts}
            raise MismatchError("prayer.time-format", str(error), sample=sample) from error
        rows.append((number, offset, *times))
    return rows


def _check_moments(request: PrayerRequest, numbers: list[int], offsets: Sequence[int], dates: Sequence[Date]) -> None:
    """Read the moment that upstream names for each day on our clock: 09:01:01 of that day, or whatever it chooses.

    It is the same on each day, else upstream knows of other clock changes than we do.
    """
    if request.whole_year and [date.timestamp for date in dates] == _mornings(request.timezone, request.first.year):
        return
    moments = [int(date.timestamp) for date in dates]
    clocks = [
        moment + offset - number * DAY_S for moment, offset, number in zip(moments, offsets, numbers, strict=True)
    ]
    if not clocks or (clocks.count(clocks[0]) == len(clocks) and 0 <= clocks[0] < DAY_S):
        return
    usual = max(set(clocks), key=clocks.count)
    at = next((at for at, clock in enumerate(clocks) if clock != usual), 0)
    when = dates[at]
    raise MismatchError(
        "prayer.utc-offset",
        f"upstream's clock of {when.gregorian.date} is {(usual - clocks[at]) / 60:+g} minutes from {request.timezone}",
        sample={"date": when.gregorian.date, "timestamp": when.timestamp, "utc_offset": offsets[at]},
    )


@lru_cache(maxsize=64)  # 25 KB each
def _mornings(timezone: str, year: int) -> list[str]:
    """09:01:01 of every day of a year, as upstream writes it."""
    first = date(year, 1, 1).toordinal() - EPOCH
    offsets = utc_offsets(timezone, year)
    return [str((first + at) * DAY_S + MORNING_S - offset) for at, offset in enumerate(offsets)]
