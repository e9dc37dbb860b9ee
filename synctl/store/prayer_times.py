"""Reads stored prayer times: the days of a city as moments, not as numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone

from synctl.store.db import Row, Transaction
from synctl.store.methods import MADHABS
from synctl.store.reference import City

TIME_NAMES = (
    "Fajr", "Sunrise", "Dhuhr", "Asr", "Sunset", "Maghrib", "Isha", "Imsak",
    "Midnight", "Firstthird", "Lastthird",
)  # fmt: skip
"""In AlAdhan's order, which is also the order of the columns, each called by the name in small letters."""

EPOCH = date(1970, 1, 1)
_COLUMNS = {name: name.lower() for name in TIME_NAMES}
_MADHABS = {madhab.id: madhab.code for madhab in MADHABS}


@dataclass(frozen=True, slots=True)
class PrayerDay:
    """One stored day. `times` are aware datetimes at the offset that holds for the day, each on its own date."""

    city: City
    method: int
    madhab: str
    date: date
    times: dict[str, datetime]
    source: str
    run: str
    synced_at: datetime

    def as_json(self) -> dict[str, object]:
        """Return the stable fields of `show prayer --json`."""
        return {
            "city": self.city.name,
            "method": self.method,
            "madhab": self.madhab,
            "date": self.date.isoformat(),
            "timezone": self.city.timezone,
            "source": self.source,
            "run": self.run,
            "synced_at": self.synced_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "times": {name: moment.isoformat() for name, moment in self.times.items()},
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
        yield _day(city, row)


def _among(table: str, chosen: Sequence[int] | None) -> str:
    """A list of ints, or all ids there are: either lets the primary key be used column by column."""
    return f"(SELECT id FROM {table})" if chosen is None else f"({', '.join(str(int(one)) for one in chosen)})"


def _day(city: City, row: Row) -> PrayerDay:
    day = EPOCH + timedelta(days=row["day"])
    midnight = datetime(day.year, day.month, day.day, tzinfo=timezone(timedelta(seconds=row["utc_offset"])))
    return PrayerDay(
        city=city,
        method=row["method_id"],
        madhab=_MADHABS[row["madhab_id"]],
        date=day,
        times={name: midnight + timedelta(minutes=row[column]) for name, column in _COLUMNS.items()},
        source=row["source"],
        run=row["run_id"],
        synced_at=datetime.fromtimestamp(row["synced_at"] / 1000, UTC),
    )


def clock(minute: int) -> str:
    """`05:37`, `00:21+1`: minutes after 00:00 of a day as a clock shows them, and how many dates later."""
    days, rest = divmod(minute, 1440)
    return f"{rest // 60:02}:{rest % 60:02}{f'{days:+d}' if days else ''}"


def day_of(number: int) -> date:
    """The date of a `day` column."""
    return EPOCH + timedelta(days=number)
