"""The JSON that the stand-in of AlAdhan answers: upstream's structure, key order and escapes, our own numbers."""

from __future__ import annotations

import gzip
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from hijridate import Gregorian
from salahlib import methods
from salahlib.params import Offsets, Params

from synctl.sources.calculated import CalculatedSource
from synctl.sources.prayer import SCHOOLS, TIME_NAMES, DayTimes, PrayerRequest

# salahlib declares no types for these.
_method_meta: Callable[..., tuple[str, dict[str, object]]] = methods.method_meta
_resolve: Callable[..., Params] = methods.resolve

CODES = (
    "MWL", "ISNA", "EGYPT", "MAKKAH", "KARACHI", "TEHRAN", "JAFARI", "GULF", "KUWAIT", "QATAR", "SINGAPORE",
    "FRANCE", "TURKEY", "RUSSIA", "MOONSIGHTING", "DUBAI", "JAKIM", "TUNISIA", "ALGERIA", "KEMENAG",
    "MOROCCO", "PORTUGAL", "JORDAN", "CUSTOM",
)  # fmt: skip
"""In upstream's order."""
METHODS: dict[str, dict[str, object]] = {
    code: {key: value for key, value in _method_meta(code)[1].items() if not key.endswith("Tune")} for code in CODES
}
IDS = {entry["id"] for code, entry in METHODS.items() if code != "CUSTOM"}
MAKKAH, MOONSIGHTING = 4, 15
PACKING = 1
"""gzip's fastest: a year shrinks 12-fold in 3 ms instead of 20-fold in 9."""

_CLOCK = [f"{minute // 60:02}:{minute % 60:02}" for minute in range(1440)]
_TIMINGS = '"timings":{' + ",".join(f'"{name}":"%s{{zone}}"' for name in TIME_NAMES) + "}"
_source = CalculatedSource(threading.Event())


@dataclass(frozen=True, slots=True)
class Place:
    """What an answer depends on, after upstream's fallbacks."""

    latitude: float
    longitude: float
    timezone: str
    method: int
    school: int


def encode(value: object, *, pretty: bool = False) -> str:
    """Write JSON as PHP does: slashes and all that is not ASCII escaped."""
    text = json.dumps(value, indent=4) if pretty else json.dumps(value, separators=(",", ":"))
    return text.replace("/", "\\/")


def envelope(data: str) -> bytes:
    """Wrap JSON in the envelope of success."""
    return f'{{"code":200,"status":"OK","data":{data}}}'.encode()


def all_methods() -> bytes:
    """The body of `/methods`."""
    return envelope(encode(METHODS))


@lru_cache(maxsize=2048)
def calendar(place: Place, year: int, month: int | None) -> bytes:
    """A packed year, an object of months, or a packed month, a list of days. Some 40 KB of memory for a year."""
    first = date(year, month or 1, 1)
    last = date(year, 12, 31) if month is None else _month_end(first)
    days = _days(place, first, last)
    if month is not None:
        return _pack(f"[{','.join(days)}]")
    months: list[list[str]] = [[] for _ in range(12)]
    for count, day in enumerate(days):
        months[(first + timedelta(days=count)).month - 1].append(day)
    listed = (f'"{number}":[{",".join(days)}]' for number, days in enumerate(months, 1))
    return _pack(f"{{{','.join(listed)}}}")


def one_day(place: Place, day: date) -> bytes:
    """The body of `/timings/…`: no zone suffix, 07:00 as its moment, the calendars the other way round."""
    timings = _TIMINGS.replace("{zone}", "") % _readings(_rows(place, day, day)[0])
    date_of = _date(place.timezone, day, at=time(7))
    dates = {name: date_of[name] for name in ("readable", "timestamp", "hijri", "gregorian")}
    return envelope(f'{{{timings},"date":{encode(dates)},"meta":{_meta(place, ramadan=_is_ramadan(day))}}}')


def _pack(data: str) -> bytes:
    return gzip.compress(envelope(data), PACKING)


def _rows(place: Place, first: date, last: date) -> list[DayTimes]:
    return _source.fetch(
        PrayerRequest(place.latitude, place.longitude, place.timezone, place.method, place.school, first, last)
    ).days


def _readings(row: DayTimes) -> tuple[str, ...]:
    return tuple([_CLOCK[minute % 1440] for minute in row[2:]])


def _days(place: Place, first: date, last: date) -> list[str]:
    metas = {ramadan: _meta(place, ramadan=ramadan) for ramadan in (False, True)}
    dates = _dates(place.timezone, first.year)
    start = first.timetuple().tm_yday - 1
    days = []
    for count, row in enumerate(_rows(place, first, last)):
        day_of_year, zone, ramadan = dates[start + count]
        timings = _TIMINGS.replace("{zone}", f" ({zone})") % _readings(row)
        days.append(f'{{{timings},"date":{day_of_year},"meta":{metas[ramadan]}}}')
    return days


@lru_cache(maxsize=64)
def _dates(timezone: str, year: int) -> list[tuple[str, str, bool]]:
    """For each day of a year: its `date` as JSON, its zone's abbreviation, whether it is in Ramadan."""
    length = date(year, 12, 31).timetuple().tm_yday
    days = [date(year, 1, 1) + timedelta(days=count) for count in range(length)]
    return [
        (
            encode(_date(timezone, day)),
            str(datetime.combine(day, time(9, 1, 1), ZoneInfo(timezone)).tzname()),
            _is_ramadan(day),
        )
        for day in days
    ]


def _date(timezone: str, day: date, *, at: time = time(9, 1, 1)) -> dict[str, object]:
    hijri = Gregorian.fromdate(day).to_hijri()
    moment = datetime.combine(day, at, ZoneInfo(timezone))
    return {
        "readable": f"{day:%d %b %Y}",
        "timestamp": str(int(moment.timestamp())),
        "gregorian": {
            "date": f"{day:%d-%m-%Y}",
            "format": "DD-MM-YYYY",
            "day": f"{day:%d}",
            "weekday": {"en": f"{day:%A}"},
            "month": {"number": day.month, "en": f"{day:%B}"},
            "year": str(day.year),
            "designation": {"abbreviated": "AD", "expanded": "Anno Domini"},
            "lunarSighting": False,
        },
        "hijri": {
            "date": f"{hijri.day:02}-{hijri.month:02}-{hijri.year}",
            "format": "DD-MM-YYYY",
            "day": str(hijri.day),  # unlike the date, without a zero
            "weekday": {"en": hijri.day_name(), "ar": hijri.day_name("ar")},
            "month": {
                "number": hijri.month,
                "en": hijri.month_name(),
                "ar": hijri.month_name("ar"),
                "days": hijri.month_length(),
            },
            "year": str(hijri.year),
            "designation": {"abbreviated": "AH", "expanded": "Anno Hegirae"},
            "holidays": [],
            "adjustedHolidays": [],
            "method": "HJCoSA",
        },
    }


@lru_cache(maxsize=4096)
def _meta(place: Place, *, ramadan: bool) -> str:
    code, _ = _method_meta(place.method)
    offsets = _resolve(place.method, is_ramadan=ramadan).offsets
    return encode(
        {
            "latitude": _as_php(place.latitude),
            "longitude": _as_php(place.longitude),
            "timezone": place.timezone,
            "method": METHODS[code],
            "latitudeAdjustmentMethod": "NONE" if place.method == MOONSIGHTING else "ANGLE_BASED",
            "midnightMode": "STANDARD",
            "school": SCHOOLS[place.school],
            "offset": {name.capitalize(): int(getattr(offsets, name)) for name in Offsets.__dataclass_fields__},
        }
    )


def _as_php(number: float) -> float | int:
    return int(number) if number.is_integer() else number


def _is_ramadan(day: date) -> bool:
    return bool(Gregorian.fromdate(day).to_hijri().month == 9)


def _month_end(first: date) -> date:
    return (first.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
