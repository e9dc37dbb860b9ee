"""What is stored, how old it is and what is missing: counted in the database, a pass over what is asked for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import groupby, pairwise
from typing import TYPE_CHECKING, Final

import msgspec

from synctl.clock import iso
from synctl.store.prayer_times import EPOCH
from synctl.store.reference import City

if TYPE_CHECKING:
    from synctl.store.db import Row, Transaction

Pair = tuple[int, int]
"""A method and a madhab, by their ids."""

MONTHS: Final = range(1, 13)

_CITIES_PER_STATEMENT: Final = 1000
"""Their ids are written into the SQL, which SQLite limits to a million bytes."""

# The next stored city after each one, by a step down the primary key: to look at every row takes 300 times as long.
_HELD: Final = (
    "WITH RECURSIVE held(id) AS (SELECT MIN(city_id) FROM prayer_time UNION ALL"
    " SELECT (SELECT MIN(city_id) FROM prayer_time WHERE city_id > held.id) FROM held WHERE held.id IS NOT NULL)"
)


class Stored(msgspec.Struct, frozen=True):
    """A resource that stores something. `first` and `last` are None where its units name no days."""

    resource: str
    units: int
    rows: int
    first: date | None
    last: date | None
    oldest: int
    newest: int
    sources: dict[str, int]

    def as_json(self) -> dict[str, object]:
        """Return the stable fields of `coverage --json`."""
        return {
            "resource": self.resource,
            "units": self.units,
            "rows": self.rows,
            "first": self.first.isoformat() if self.first else None,
            "last": self.last.isoformat() if self.last else None,
            "oldest": iso(self.oldest),
            "newest": iso(self.newest),
            "sources": self.sources,
        }


class CityYear(msgspec.Struct, frozen=True):
    """A city's year: rows `stored` and `expected` in each of the 12 months, and the syncs they come from.

    `missing` has the months (1 to 12) in which a method and madhab lack days; it leaves out those that are complete.
    """

    city: City
    year: int
    stored: tuple[int, ...]
    expected: tuple[int, ...]
    missing: dict[Pair, tuple[int, ...]]
    oldest: int | None
    newest: int | None

    @property
    def rows(self) -> int:
        """Rows stored in the year."""
        return sum(self.stored)

    @property
    def rows_expected(self) -> int:
        """Rows of a complete year."""
        return sum(self.expected)

    def as_json(self) -> dict[str, object]:
        """Return the stable fields of `coverage prayer --json`. Shares are cut, not rounded: 1 is complete."""
        shares = [have * 10_000 // want / 10_000 for have, want in zip(self.stored, self.expected, strict=True)]
        return {
            "resource": "prayer",
            "city": self.city.name,
            "city_id": self.city.id,
            "country": self.city.country,
            "year": self.year,
            "months": shares,
            "rows": self.rows,
            "expected": self.rows_expected,
            "oldest": None if self.oldest is None else iso(self.oldest),
            "newest": None if self.newest is None else iso(self.newest),
        }


def overview(transaction: Transaction) -> list[Stored]:
    """Return what is stored of each resource, by name.

    `rows` are those that units verified: a row that two units cover, a year's and a month's, counts for both.
    Days are of units whose keys end in a range, `…/2026-01-01..2026-12-31`.
    """
    spans = "key LIKE '%/____-__-__..____-__-__'"
    rows = transaction.all(
        "SELECT resource, source, COUNT(*) AS units, SUM(rows) AS rows, MIN(synced_at) AS oldest,"
        f" MAX(synced_at) AS newest, MIN(CASE WHEN {spans} THEN substr(key, length(key) - 21, 10) END) AS first,"
        f" MAX(CASE WHEN {spans} THEN substr(key, length(key) - 9) END) AS last"
        " FROM stored_unit GROUP BY resource, source ORDER BY resource, source"
    )
    return [_stored(name, list(group)) for name, group in groupby(rows, key=lambda row: str(row["resource"]))]


def stored_cities(transaction: Transaction) -> list[City]:
    """Return the cities that have prayer times of any day, largest first."""
    rows = transaction.all(
        f"{_HELD} SELECT c.id, c.name, c.country, c.latitude, c.longitude, c.timezone, c.population"
        " FROM held JOIN city c ON c.id = held.id ORDER BY c.population DESC, c.id"
    )
    return [City(**dict(row)) for row in rows]


def stored_pairs(transaction: Transaction) -> frozenset[Pair]:
    """Return the methods and madhabs that any city has prayer times of."""
    rows = transaction.all(
        f"{_HELD} SELECT m.id AS method, h.id AS madhab FROM method m CROSS JOIN madhab h"
        " WHERE (SELECT 1 FROM held JOIN prayer_time p"
        " ON p.city_id = held.id AND p.method_id = m.id AND p.madhab_id = h.id LIMIT 1) = 1"
    )
    return frozenset((row["method"], row["madhab"]) for row in rows)


def city_years(
    transaction: Transaction, cities: Sequence[City], year: int, pairs: frozenset[Pair], *, since: int = 0
) -> Iterator[CityYear]:
    """Yield a year of each city, counting the rows that were synced at or after `since` (milliseconds).

    `oldest` and `newest` are of all rows, those before `since` too.
    """
    starts = [(date(year, month, 1) - EPOCH).days for month in MONTHS]
    starts.append((date(year + 1, 1, 1) - EPOCH).days)
    lengths = [after - start for start, after in pairwise(starts)]
    ordered = sorted(cities, key=lambda city: city.id)
    for at in range(0, len(ordered), _CITIES_PER_STATEMENT):
        some = ordered[at : at + _CITIES_PER_STATEMENT]
        found = _count(transaction, [city.id for city in some], starts, pairs, since)
        by_city = {number: list(group) for number, group in groupby(found, key=lambda row: row["city_id"])}
        for city in some:
            yield _city_year(city, year, lengths, pairs, by_city.get(city.id, []))


def _stored(name: str, rows: Sequence[Row]) -> Stored:
    firsts = [row["first"] for row in rows if row["first"]]
    lasts = [row["last"] for row in rows if row["last"]]
    return Stored(
        resource=name,
        units=sum(row["units"] for row in rows),
        rows=int(sum(row["rows"] for row in rows)),
        first=date.fromisoformat(min(firsts)) if firsts else None,
        last=date.fromisoformat(max(lasts)) if lasts else None,
        oldest=min(row["oldest"] for row in rows),
        newest=max(row["newest"] for row in rows),
        sources={row["source"]: row["units"] for row in rows},
    )


def _count(
    transaction: Transaction, cities: Iterable[int], starts: Sequence[int], pairs: frozenset[Pair], since: int
) -> list[Row]:
    """Count days a month, for each city, method and madhab, in order of cities.

    Grouped by a prefix of the primary key and not by the month too: that would sort all rows. The lists of ids
    let the key be searched down to the days of the year.
    """
    counts = ", ".join(
        f"COUNT(*) FILTER (WHERE t.day >= {start} AND t.day < {after}"
        f" AND COALESCE(u.synced_at, 0) >= :since) AS month_{month}"
        for month, (start, after) in zip(MONTHS, pairwise(starts), strict=True)
    )
    return transaction.all(
        f"SELECT t.city_id, t.method_id, t.madhab_id, {counts}, MIN(u.synced_at) AS oldest, MAX(u.synced_at) AS newest"
        " FROM prayer_time t LEFT JOIN stored_unit u ON u.id = t.unit_id"
        f" WHERE t.city_id IN ({_ids(cities)}) AND t.method_id IN ({_ids(method for method, _ in pairs)})"
        f" AND t.madhab_id IN ({_ids(madhab for _, madhab in pairs)}) AND t.day >= {starts[0]} AND t.day < {starts[-1]}"
        " GROUP BY t.city_id, t.method_id, t.madhab_id ORDER BY t.city_id",
        since=since,
    )


def _ids(numbers: Iterable[int]) -> str:
    return ", ".join(str(int(number)) for number in sorted(set(numbers)))


def _city_year(city: City, year: int, lengths: Sequence[int], pairs: frozenset[Pair], rows: Sequence[Row]) -> CityYear:
    stored = [0] * len(lengths)
    missing = dict.fromkeys(sorted(pairs), tuple(MONTHS))
    expected_rows = [row for row in rows if (row["method_id"], row["madhab_id"]) in pairs]
    for row in expected_rows:
        days = [row[f"month_{month}"] for month in MONTHS]
        stored = [sum(both) for both in zip(stored, days, strict=True)]
        short = tuple(month for month, have, length in zip(MONTHS, days, lengths, strict=True) if have < length)
        pair = (row["method_id"], row["madhab_id"])
        if short:
            missing[pair] = short
        else:
            del missing[pair]
    return CityYear(
        city=city,
        year=year,
        stored=tuple(stored),
        expected=tuple(length * len(pairs) for length in lengths),
        missing=missing,
        oldest=min((row["oldest"] for row in expected_rows if row["oldest"] is not None), default=None),
        newest=max((row["newest"] for row in expected_rows if row["newest"] is not None), default=None),
    )
