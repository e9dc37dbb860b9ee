"""What synctl is measured against: the same libraries in a script of a page, with no queue, no ledger, no verification.

    python -m tests.bench.bare URL DATABASE UNITS.json --threads 8 --passes 2 --transport httpx

Eight threads fetch with one httpx client, by the transport that synctl has, and decode with msgspec; the main thread
writes a unit in a transaction with one upsert of many VALUES. UNITS is a list of [city, latitude, longitude, timezone,
method, madhab, year]. Prints a JSON object for each pass: seconds, CPU seconds, peak memory in MB, rows and how many of
them were written.
"""

from __future__ import annotations

import argparse
import json
import resource
import sqlite3
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import partial
from itertools import chain
from pathlib import Path

import httpx
import msgspec

from synctl.sources.sockets import OpenSockets
from synctl.sources.transport import transport_named

TRANSPORTS = ("http.client", "httpx")
"""As the setting `http.transport` names them, its default first."""
TIMES = ("Fajr", "Sunrise", "Dhuhr", "Asr", "Sunset", "Maghrib", "Isha", "Imsak", "Midnight", "Firstthird", "Lastthird")
COLUMNS = ("city_id", "method_id", "madhab_id", "day", "utc_offset", *map(str.lower, TIMES), "unit_id")
MINUTES = {f"{minute // 60:02}:{minute % 60:02}": minute for minute in range(1440)}
EPOCH = date(1970, 1, 1)
Unit = tuple[int, float, float, str, int, int, int]
Row = tuple[int, ...]

Timings = msgspec.defstruct("Timings", [(name, str) for name in TIMES], gc=False)


class Day(msgspec.Struct, gc=False):
    """A day of the answer: all that the rows need."""

    timings: Timings  # type: ignore[valid-type]  # made of TIMES


class Year(msgspec.Struct):
    """The answer."""

    data: dict[str, list[Day]]


decode = msgspec.json.Decoder(Year).decode


def fetched(client: httpx.Client, url: str, number: int, unit: Unit) -> list[Row]:
    """Ask for a year and read its rows."""
    city, latitude, longitude, timezone, method, madhab, year = unit
    params: dict[str, str | int] = {
        "latitude": f"{latitude:.7f}".rstrip("0"),
        "longitude": f"{longitude:.7f}".rstrip("0"),
        "method": method,
        "school": madhab,
        "timezonestring": timezone,
    }
    answer = decode(client.get(f"{url}/v1/calendar/{year}", params=params).raise_for_status().content)
    first = (date(year, 1, 1) - EPOCH).days
    days = chain.from_iterable(answer.data[str(month)] for month in range(1, 13))
    return [
        (city, method, madhab, day, 0, *[MINUTES[text[:5]] for text in msgspec.structs.astuple(one.timings)], number)
        for day, one in enumerate(days, first)
    ]


def opened(path: Path) -> sqlite3.Connection:
    """Open the database; its one table is synctl's."""
    database = sqlite3.connect(path, isolation_level=None)
    database.execute("PRAGMA journal_mode=WAL")
    database.execute("PRAGMA synchronous=NORMAL")
    columns = ", ".join(f"{name} INTEGER NOT NULL" for name in COLUMNS)
    key = ", ".join(COLUMNS[:4])
    database.execute(f"CREATE TABLE IF NOT EXISTS prayer_time ({columns}, PRIMARY KEY ({key})) WITHOUT ROWID")
    return database


def stored(database: sqlite3.Connection, rows: Sequence[Row]) -> int:
    """Write a unit; return how many rows were new or different."""
    values = ", ".join([f"({', '.join('?' * len(COLUMNS))})"] * len(rows))
    updates = ", ".join(f"{name} = excluded.{name}" for name in COLUMNS[4:])
    before, offered = (", ".join(f"{where}.{name}" for name in COLUMNS[4:]) for where in ("prayer_time", "excluded"))
    database.execute("BEGIN IMMEDIATE")
    written = database.execute(
        f"INSERT INTO prayer_time ({', '.join(COLUMNS)}) VALUES {values} ON CONFLICT ({', '.join(COLUMNS[:4])})"
        f" DO UPDATE SET {updates} WHERE ({before}) IS NOT ({offered})",
        list(chain.from_iterable(rows)),
    ).rowcount
    database.execute("COMMIT")
    return written


def one_pass(
    url: str, database: sqlite3.Connection, units: Sequence[Unit], threads: int, transport: str
) -> dict[str, float]:
    """Sync every unit and say what it took."""
    began, spent = time.perf_counter(), time.process_time()
    rows = written = 0
    limits = httpx.Limits(max_connections=threads, max_keepalive_connections=threads)
    headers = {"Accept-Encoding": "gzip"}
    travels = transport_named(transport, OpenSockets())
    with (
        httpx.Client(limits=limits, headers=headers, timeout=30, transport=travels) as client,
        ThreadPoolExecutor(threads) as pool,
    ):
        for unit in pool.map(partial(fetched, client, url), range(len(units)), units):
            rows += len(unit)
            written += stored(database, unit)
    return {
        "seconds": time.perf_counter() - began,
        "cpu": time.process_time() - spent,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "rows": rows,
        "written": written,
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.bare", description=__doc__)
    parser.add_argument("url")
    parser.add_argument("database", type=Path)
    parser.add_argument("units", type=Path)
    parser.add_argument("--threads", type=int, default=8)
    parser.add_argument("--passes", type=int, default=1)
    parser.add_argument("--transport", choices=TRANSPORTS, default=TRANSPORTS[0])
    options = parser.parse_args()
    units = json.loads(options.units.read_text())
    database = opened(options.database)
    for _ in range(options.passes):
        print(json.dumps(one_pass(options.url, database, units, options.threads, options.transport)), flush=True)


if __name__ == "__main__":
    main()
