"""Every stored prayer time, verified again by the rules of a sync, a city after the other."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from itertools import groupby
from operator import itemgetter
from typing import Final

import msgspec

from synctl.errors import RejectedError
from synctl.processors.days import Days
from synctl.processors.prayer_checks import MADHABS, SHORT_NIGHTS
from synctl.processors.prayer_rules import is_waived, violations
from synctl.resource import Finding
from synctl.sources.columns import columns
from synctl.sources.prayer import EPOCH, TIME_NAMES, DayTimes, Span
from synctl.store.db import Row, Transaction
from synctl.store.prayer_times import clock
from synctl.store.reference import City, find_cities

_COLUMNS: Final = ("day", "utc_offset", *(name.lower() for name in TIME_NAMES))
_TIMES: Final = itemgetter(*_COLUMNS)
_NEVER: Final = -10_000
"""Minutes: before any time of a day."""

# The next stored city after each one, by a step down the primary key.
_HELD: Final = (
    "WITH RECURSIVE held(id) AS (SELECT MIN(city_id) FROM prayer_time UNION ALL"
    " SELECT (SELECT MIN(city_id) FROM prayer_time WHERE city_id > held.id) FROM held WHERE held.id IS NOT NULL)"
    " SELECT id FROM held WHERE id IS NOT NULL"
)


class _Unit(msgspec.Struct, frozen=True):
    """A unit as its key tells of it, and the rules that are waived for it."""

    key: str
    method: int
    madhab: int
    first: int
    last: int
    waived: frozenset[str]


def audit(transaction: Transaction, tolerance: int) -> Iterator[Finding]:
    """Yield what is wrong with the days of each city, with their units, and with cities that are gone.

    `tolerance`: minutes that `prayer.agreement` allows.
    """
    held = {row["id"] for row in transaction.all(_HELD)}
    waived: dict[str, set[str]] = defaultdict(set)
    for row in transaction.all("SELECT key, rule FROM waiver WHERE resource = 'prayer'"):
        waived[row["key"]].add(row["rule"])
    for number, units in groupby(_units(transaction), key=lambda row: row["key"].partition("/")[0]):
        held.discard(int(number))
        yield from _city(transaction, int(number), {row["id"]: _unit(row, waived) for row in units}, tolerance)
    for number in sorted(held):
        yield from _city(transaction, number, {}, tolerance)


def _units(transaction: Transaction) -> Iterator[Row]:
    """Yield the units, those of a city together: in the order of bytes, not of a language."""
    order = 'key COLLATE "C"' if transaction.dialect == "postgresql" else "key"
    return transaction.stream(f"SELECT id, key FROM stored_unit WHERE resource = 'prayer' ORDER BY {order}")


def _unit(row: Row, waived: Mapping[str, set[str]]) -> _Unit:
    _, method, madhab, days = row["key"].split("/")
    first, last = (date.fromisoformat(day).toordinal() - EPOCH for day in days.split(".."))
    return _Unit(row["key"], int(method), int(madhab), first, last, frozenset(waived.get(row["key"], ())))


def _city(transaction: Transaction, number: int, units: Mapping[int, _Unit], tolerance: int) -> Iterator[Finding]:
    rows = transaction.all(
        f"SELECT method_id, madhab_id, unit_id, {', '.join(_COLUMNS)} FROM prayer_time WHERE city_id = :city"
        " ORDER BY method_id, madhab_id, day",
        city=number,
    )
    found = find_cities(transaction, str(number))
    if not found:
        yield Finding("prayer.city", f"city {number}", f"{len(rows):,} days of a city that is no longer known")
    series = {pair: list(group) for pair, group in groupby(rows, key=itemgetter("method_id", "madhab_id"))}
    name = f"{found[0].name}, {found[0].country}" if found else f"city {number}"
    for unit in units.values():
        yield from _gaps(name, unit, series.get((unit.method, unit.madhab), ()))
    for (method, madhab), days in series.items():
        subject = f"{name}, method {method}, {MADHABS[madhab]}"
        yield from _origins(subject, days, units)
        if found:
            yield from _days(subject, found[0], method, madhab, days, units, tolerance)
    if found and abs(found[0].latitude) < SHORT_NIGHTS:
        for method in {method for method, madhab in series if madhab}:
            yield from _madhabs(f"{name}, method {method}", series.get((method, 0), ()), series[method, 1])


def _gaps(name: str, unit: _Unit, rows: Sequence[Row]) -> Iterator[Finding]:
    if "prayer.dates" in unit.waived:
        return
    stored = {row["day"] for row in rows}
    missing = [day for day in range(unit.first, unit.last + 1) if day not in stored]
    if missing:
        subject = f"{name}, method {unit.method}, {MADHABS[unit.madhab]}"
        message = f"{len(missing)} of {unit.last - unit.first + 1} days are gone, {_date(missing[0])} the first"
        yield Finding("prayer.dates", subject, message)


def _origins(subject: str, rows: Sequence[Row], units: Mapping[int, _Unit]) -> Iterator[Finding]:
    orphans = [row["day"] for row in rows if row["unit_id"] not in units]
    if orphans:
        message = f"{len(orphans)} days that no unit stored, {_date(orphans[0])} the first"
        yield Finding("prayer.origin", subject, message)


def _days(
    subject: str,
    city: City,
    method: int,
    madhab: int,
    rows: Sequence[Row],
    units: Mapping[int, _Unit],
    tolerance: int,
) -> Iterator[Finding]:
    """Look at each stretch of days that follow each other."""
    for _, stretch in groupby(enumerate(rows), key=lambda one: one[1]["day"] - one[0]):
        days = [row for _, row in stretch]
        times: list[DayTimes] = [_TIMES(row) for row in days]
        first, last = (date.fromordinal(times[at][0] + EPOCH) for at in (0, -1))
        span = Span(city.latitude, city.longitude, city.timezone, method, madhab, first, last)
        try:
            for rule, broken in violations(Days(span, columns(times), tolerance)):
                unit = units.get(days[broken.at]["unit_id"])
                if unit is None or not is_waived(rule, unit.waived):
                    yield Finding(rule, f"{subject}, {_date(times[broken.at][0])}", broken.message)
        except RejectedError as error:
            yield Finding("prayer.timezone", subject, str(error))


def _madhabs(subject: str, shafi: Sequence[Row], hanafi: Sequence[Row]) -> Iterator[Finding]:
    """Compare what both madhabs have of a day."""
    early = {row["day"]: row["asr"] for row in shafi}
    for row in hanafi:
        if row["asr"] <= early.get(row["day"], _NEVER):
            message = f"Asr {clock(row['asr'])} of Hanafi is not later than {clock(early[row['day']])} of Shafi"
            yield Finding("prayer.hanafi-asr", f"{subject}, {_date(row['day'])}", message)
            return


def _date(day: int) -> str:
    return date.fromordinal(day + EPOCH).isoformat()
