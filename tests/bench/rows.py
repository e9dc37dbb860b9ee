"""What prayer times cost in PostgreSQL as they grow: disk, index, queries, and the rate of inserts.

    SYNCTL_TEST_POSTGRES=postgresql://… python -m tests.bench.rows --rows 20000000 --layouts shipped,years,cities

For each layout: a database of its own, dropped afterwards. Half of the rows are of one year, the rest the same cities'
next year, in the order in which a run stores them: city by city, a city's number telling nothing of its turn. The
server generates them; at each mark, units are stored through synctl's own upsert, 365 rows in a transaction, by one
connection. Queries are synctl's, of cities at random; pages are what one of them touches, which no cache can hide.
"""

from __future__ import annotations

import argparse
import os
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import date
from urllib.parse import urlsplit, urlunsplit

import psycopg

from synctl.store import migrate
from synctl.store.db import Database, open_database
from synctl.store.prayer_times import EPOCH, days
from synctl.store.reference import City, seed_madhabs, seed_methods
from synctl.store.upsert import Table, upsert_rows
from tests.store.databases import VARIABLE

YEARS = (2026, 2027)
METHODS = (*range(1, 24),)
UNITS_A_CITY = len(METHODS) * 2
ROWS_A_CITY = UNITS_A_CITY * 365
TIMED_CITIES = 4
"""Of which units are stored at each mark: 184."""
ASKED = 200
WORLD_ROWS = 34_006 * ROWS_A_CITY
MARKS = (1_000_000, 5_000_000, 10_000_000, 20_000_000, 50_000_000, 100_000_000)
BYTES_A_ROW = 200
"""Room that is asked for before it begins: generous."""

KEY = ("city_id", "method_id", "madhab_id", "day")
TIMES = ("fajr", "sunrise", "dhuhr", "asr", "sunset", "maghrib", "isha", "imsak", "midnight", "firstthird", "lastthird")
TABLE = Table("prayer_time", KEY, ("utc_offset", *TIMES, "unit_id"))
_LIKE = "CREATE TABLE prayer_time (LIKE old, PRIMARY KEY ({})) {}"


def _day(year: int) -> int:
    return (date(year, 1, 1) - EPOCH).days


LAYOUTS: dict[str, Sequence[str]] = {
    "shipped": (),
    "years": (
        _LIKE.format("city_id, method_id, madhab_id, day", "PARTITION BY RANGE (day)"),
        *(
            f"CREATE TABLE prayer_time_{year} PARTITION OF prayer_time"
            f" FOR VALUES FROM ({_day(year)}) TO ({_day(year + 1)})"
            for year in YEARS
        ),
    ),
    "cities": (
        _LIKE.format("city_id, method_id, madhab_id, day", "PARTITION BY HASH (city_id)"),
        *(
            f"CREATE TABLE prayer_time_{n} PARTITION OF prayer_time FOR VALUES WITH (MODULUS 16, REMAINDER {n})"
            for n in range(16)
        ),
    ),
    "day-first": (_LIKE.format("day, city_id, method_id, madhab_id", ""),),
}


@dataclass(frozen=True, slots=True)
class Mark:
    """A moment of the growth. Milliseconds a unit are the median of those that were stored then."""

    rows: int
    ms: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.rows", description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--layouts", default="shipped", help=f"of {', '.join(LAYOUTS)}")
    options = parser.parse_args()
    server = os.environ.get(VARIABLE)
    if not server:
        sys.exit(f"{VARIABLE} holds no PostgreSQL URL")
    _require_room(server, options.rows)
    for layout in options.layouts.split(","):
        with _database(server, LAYOUTS[layout]) as url, closing(open_database(url)) as database:
            _measure(layout, url, database, options.rows)


def _measure(layout: str, url: str, database: Database, rows: int) -> None:
    cities_a_year = max(rows // len(YEARS) // ROWS_A_CITY, 1)
    marks = []
    for year in YEARS:
        done = 0
        before = YEARS.index(year) * cities_a_year
        for goal in [mark for mark in MARKS if mark <= rows] or [rows]:
            upto = min(goal // ROWS_A_CITY - before, cities_a_year) - TIMED_CITIES
            if upto <= done:
                continue
            _fill(url, year, done, upto)
            took = _store(database, year, range(upto, upto + TIMED_CITIES))
            done = upto + TIMED_CITIES
            marks.append(Mark((before + done) * ROWS_A_CITY, took))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) prayer_time")
        stored = _number(connection, "SELECT count(*) FROM prayer_time")
        sizes = "SELECT sum({}(oid)) FROM pg_class WHERE relname LIKE 'prayer_time%' AND relkind = 'r'"
        heap, index = (_number(connection, sizes.format(f"pg_{part}_size")) for part in ("table", "indexes"))
    print(f"\n{layout}: {stored:,} rows, {cities_a_year:,} cities, {len(YEARS)} years")
    print(
        f"  bytes a row: {heap / stored:.1f} table, {index / stored:.1f} index; on disk {(heap + index) / 1e9:.2f} GB"
    )
    print(f"  571 million rows: {(heap + index) / stored * WORLD_ROWS / 1e9:.0f} GB")
    for mark in marks:
        print(f"  at {mark.rows:>11,} rows: {mark.ms:5.2f} ms a unit, {365_000 / mark.ms:,.0f} rows/s")
    for name, ask in _questions().items():
        print(f"  {name:<28} {_timed(database, cities_a_year, ask):6.2f} ms, {_pages(url, ask, cities_a_year):4} pages")


def _city(number: int) -> int:
    """The number of the nth city: in the order in which they are stored it says nothing."""
    return number * 7_368_787 % 10_000_019


def _fill(url: str, year: int, first: int, upto: int) -> None:
    """Have the server make the days of some cities, in the order of a run."""
    times = ", ".join(f"({300 + 90 * n} + d % 60)::smallint" for n in range(len(TIMES)))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(
            f"INSERT INTO prayer_time ({', '.join(TABLE.columns)})"
            f" SELECT n * 7368787::bigint % 10000019, m, h, d, 3600, {times}, n * {UNITS_A_CITY} + m * 2 + h"
            f" FROM generate_series({first}, {upto - 1}) n, generate_series(1, {len(METHODS)}) m,"
            f" generate_series(0, 1) h, generate_series({_day(year)}, {_day(year) + 364}) d"
        )


def _store(database: Database, year: int, cities: Sequence[int]) -> float:
    """Store cities as a run does; return the milliseconds of a unit."""
    took = []
    for number in cities:
        for unit in range(UNITS_A_CITY):
            first = _day(year)
            method, madhab, unit_id = unit // 2 + 1, unit % 2, number * UNITS_A_CITY + unit + 2
            rows = [
                (_city(number), method, madhab, day, 3600, *(300 + 90 * n + day % 60 for n in range(11)), unit_id)
                for day in range(first, first + 365)
            ]
            began = time.perf_counter()
            with database.write() as transaction:
                assert upsert_rows(transaction, TABLE, rows) == len(rows)
            took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


Question = Callable[[Database, City], int]


def _questions() -> dict[str, Question]:
    def of(first: date, last: date, methods: Sequence[int] | None, madhabs: Sequence[int] | None) -> Question:
        def ask(database: Database, city: City) -> int:
            with database.read() as transaction:
                return sum(1 for _ in days(transaction, city, first, last, methods, madhabs))

        return ask

    today, month = date(YEARS[0], 11, 24), (date(YEARS[0], 11, 1), date(YEARS[0], 11, 30))
    return {
        "today, one method": of(today, today, [3], [0]),
        "today, all methods": of(today, today, None, None),
        "a month, one method": of(*month, [3], [0]),
        "a month, all methods": of(*month, None, None),
    }


def _timed(database: Database, cities: int, ask: Question) -> float:
    chosen = random.Random(1)  # the same for every layout
    took = []
    for _ in range(ASKED):
        city = City(_city(chosen.randrange(cities)), "", "", 1, 1, "UTC", 0)
        began = time.perf_counter()
        assert ask(database, city)
        took.append(time.perf_counter() - began)
    return statistics.median(took) * 1000


def _pages(url: str, ask: Question, cities: int) -> int:
    """Return how many pages of the table and its indexes a question touches, of a city in the middle."""
    with psycopg.connect(url, autocommit=True) as connection:
        sum_of = (
            "SELECT sum(heap_blks_read + heap_blks_hit + idx_blks_read + idx_blks_hit) FROM pg_statio_user_tables"
            " WHERE relname LIKE 'prayer_time%'"
        )
        before = _number(connection, sum_of)
        with closing(open_database(url)) as database:
            assert ask(database, City(_city(cities // 2), "", "", 1, 1, "UTC", 0))
        deadline = time.monotonic() + 5
        while (after := _number(connection, sum_of)) == before and time.monotonic() < deadline:
            connection.execute("SELECT pg_sleep(0.1)")
        return after - before


def _number(connection: psycopg.Connection[tuple[int]], query: str) -> int:
    row = connection.execute(query).fetchone()
    return int(row[0]) if row else 0


@contextmanager
def _database(server: str, layout: Sequence[str]) -> Iterator[str]:
    name = f"bench_rows_{os.getpid()}"
    url = urlunsplit(urlsplit(server)._replace(path=f"/{name}"))
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {name}")
        try:
            migrate.upgrade(url)
            _arrange(url, layout)
            yield url
        finally:
            connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def _arrange(url: str, layout: Sequence[str]) -> None:
    with closing(open_database(url)) as database, database.write() as transaction:
        seed_methods(transaction)
        seed_madhabs(transaction)
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(  # one for all: a join that finds nothing would be quicker than life
            "INSERT INTO stored_unit (id, resource, key, source, run_id, synced_at, rows)"
            f" SELECT n, 'prayer', n, 'here', 'run', 0, 365 FROM generate_series(0, {3_000 * UNITS_A_CITY}) n"
        )
        if layout:
            connection.execute("DROP VIEW prayer_schedule")
            connection.execute("ALTER TABLE prayer_time RENAME TO old")
        for statement in layout:
            connection.execute(statement)


def _require_room(server: str, rows: int) -> None:
    with psycopg.connect(server) as connection:
        row = connection.execute("SHOW data_directory").fetchone()
    try:
        room = os.statvfs(row[0] if row else "/")
    except OSError:
        return  # it is on another machine
    free, wanted = room.f_bavail * room.f_frsize, rows * BYTES_A_ROW
    if free < 2 * wanted:
        sys.exit(f"{wanted / 1e9:.0f} GB are needed and as much again left free; there are {free / 1e9:.0f} GB")


if __name__ == "__main__":
    main()
