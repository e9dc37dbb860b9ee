"""Reads stored prayer times: the days of a city as moments, not as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta, timezone
from functools import lru_cache
from operator import itemgetter

import msgspec

from synctl.clock import iso
from synctl.store.db import Transaction
from synctl.store.methods import MADHABS
from synctl.store.reference import City

TIME_NAMES = (
    "Fajr", "Sunrise", "Dhuhr", "Asr", "Sunset", "Maghrib", "Isha", "Imsak",
    "Midnight", "Firstthird", "Lastthird",
)  # fmt: skip
"""In AlAdhan's order, which is also the order of the columns, each called by the name in small letters."""

EPOCH = date(1970, 1, 1)
_minutes = itemgetter(*(name.lower() for name in TIME_NAMES))
_CLOCKS = tuple(f"{minute // 60:02}:{minute % 60:02}:00" for minute in range(1440))
_MADHABS = {madhab.id: madhab.code for madhab in MADHABS}


class PrayerDay(msgspec.Struct, frozen=True):
    """One stored day. `minutes`: its times in the order of TIME_NAMES, after 00:00 at `utc_offset` (seconds)."""

    city: City
    method: int
    madhab: int
    date: date
    utc_offset: int
    minutes: tuple[int, ...]
    source: str
    run: str
    synced_at: int

    @property
    def madhab_code(self) -> str:
        """`shafi` or `hanafi`."""
        return _MADHABS[self.madhab]

    @property
    def times(self) -> dict[str, datetime]:
        """Its times as aware datetimes at the offset that holds for the day, each on its own date."""
        zone = timezone(timedelta(seconds=self.utc_offset))
        midnight = datetime(self.date.year, self.date.month, self.date.day, tzinfo=zone)
        return {
            name: midnight + timedelta(minutes=minute) for name, minute in zip(TIME_NAMES, self.minutes, strict=True)
        }

    def as_json(self) -> dict[str, object]:
        """Return the stable fields of `show prayer --json` and of `export prayer`.

        Moments are put together from their parts: datetimes would make an export of a million days three times as slow.
        """
        offset = _offset(self.utc_offset)
        number = self.date.toordinal()
        return {
            "city": self.city.name,
            "city_id": self.city.id,
            "country": self.city.country,
            "method": self.method,
            "madhab": _MADHABS[self.madhab],
            "date": _iso_date(number),
            "timezone": self.city.timezone,
            "source": self.source,
            "run": self.run,
            "synced_at": iso(self.synced_at),
            "times": {
                name: f"{_iso_date(number + minute // 1440)}T{_CLOCKS[minute % 1440]}{offset}"
                for name, minute in zip(TIME_NAMES, self.minutes, strict=True)
            },
        }


def days(
    transaction: Transaction,
    city: City,
    first: date,
    last: date,
    methods: Sequence[int] | None = None,
    madhabs: Sequence[int] | None = None,
) -> Iterator[PrayerDay]:
    """Yield the stored days of a city in order; methods and madhabs None: all that are stored."""
    rows = transaction.stream(
        "SELECT t.*, u.source, u.run_id, u.synced_at FROM prayer_time t JOIN stored_unit u ON u.id = t.unit_id"
        f" WHERE t.city_id = :city AND t.method_id IN {_among('method', methods)}"
        f" AND t.madhab_id IN {_among('madhab', madhabs)} AND t.day BETWEEN :first AND :last"
        " ORDER BY t.method_id, t.day, t.madhab_id",
        city=city.id,
        first=(first - EPOCH).days,
        last=(last - EPOCH).days,
    )
    for row in rows:
        yield PrayerDay(
            city=city,
            method=row["method_id"],
            madhab=row["madhab_id"],
            date=day_of(row["day"]),
            utc_offset=row["utc_offset"],
            minutes=_minutes(row),
            source=row["source"],
            run=row["run_id"],
            synced_at=row["synced_at"],
        )


def _among(table: str, chosen: Sequence[int] | None) -> str:
    """A list of ints, or all ids there are: either lets the primary key be used column by column."""
    return f"(SELECT id FROM {table})" if chosen is None else f"({', '.join(str(int(one)) for one in chosen)})"


@lru_cache(maxsize=4096)  # some eleven years
def _iso_date(ordinal: int) -> str:
    return date.fromordinal(ordinal).isoformat()


@lru_cache(maxsize=256)
def _offset(seconds: int) -> str:
    """`+05:30`, and `-00:01:15` as zones were before they were agreed on."""
    return datetime(2000, 1, 1, tzinfo=timezone(timedelta(seconds=seconds))).isoformat()[19:]


def clock(minute: int) -> str:
    """`05:37`, `00:21+1`: minutes after 00:00 of a day as a clock shows them, and how many dates later."""
    days, rest = divmod(minute, 1440)
    return f"{rest // 60:02}:{rest % 60:02}{f'{days:+d}' if days else ''}"


def day_of(number: int) -> date:
    """The date of a `day` column."""
    return EPOCH + timedelta(days=number)
