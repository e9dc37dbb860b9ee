"""How fast units go through, beside a script of the same libraries that keeps no books (`tests/bench/bare.py`).

    python -m tests.bench.throughput --tries 3
    python -m tests.bench.throughput --tries 3 --latency 0.05 --connections 32
    SYNCTL_TEST_POSTGRES=postgresql://… python -m tests.bench.throughput --peer postgresql

300 years of AlAdhan, 480 KB each, from a server on loopback into SQLite: 109,500 rows. synctl with two workers and the
script run in turn, by the same transport, each try with a database of its own, then once more over what it stored. A
run is timed by its own ledger, from when it was asked for until its last unit was settled; the script from its first
request. CPU is of all processes but the upstream and servers that were there before, the command that asks and waits
included. Then the same work in this process, to see what it is spent for. With `--peer postgresql` the peer is synctl
itself, on PostgreSQL.
"""

from __future__ import annotations

import argparse
import json
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from tests.bench.bare import TRANSPORTS
from tests.bench.meter import metered
from tests.bench.shares import shares
from tests.bench.upstream import served
from tests.chaos.sql import Sql
from tests.e2e.conftest import Home, made_home
from tests.store.databases import empty

YEAR = 2026
METHODS = (1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 13, 16, 19, 20, 21)
UNITS_A_CITY = len(METHODS) * 2
DAYS = 365
WORKERS = 2
LIBRARIES = ("httpx", "msgspec", "redis", "rq", "hiredis")


@dataclass(frozen=True, slots=True)
class Pass:
    """One pass over so many units. Seconds, of which `start` went by before the first unit was taken; megabytes."""

    units: int
    seconds: float
    cpu: float
    memory: float
    rows: int
    written: int
    start: float = 0.0

    @property
    def rate(self) -> float:
        """Units a second."""
        return self.units / self.seconds


@dataclass(frozen=True, slots=True)
class Work:
    """What both are asked to do: years of cities, with so many connections, by a transport of the settings."""

    cities: int
    connections: int
    transport: str

    @property
    def units(self) -> int:
        """Years of a city, a method and a madhab."""
        return self.cities * UNITS_A_CITY

    @property
    def selection(self) -> tuple[str, ...]:
        """The options of `enqueue`."""
        methods = ",".join(map(str, METHODS))
        return ("--cities", str(self.cities), "--methods", methods, "--madhab", "both", "--year", str(YEAR))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.throughput", description=__doc__)
    parser.add_argument("--tries", type=int, default=3)
    parser.add_argument("--latency", type=float, default=0.0, help="seconds that the upstream takes for an answer")
    parser.add_argument("--connections", type=int, default=8)
    parser.add_argument("--cities", type=int, default=10, help=f"{UNITS_A_CITY} units each")
    parser.add_argument("--peer", choices=("script", "postgresql"), default="script")
    parser.add_argument("--transport", choices=TRANSPORTS, default=TRANSPORTS[0])
    options = parser.parse_args()
    work = Work(options.cities, options.connections, options.transport)
    print(
        f"{work.units} units, {work.connections} connections by {work.transport}, {options.latency * 1000:g} ms; Python"
        f" {platform.python_version()}, SQLite {sqlite3.sqlite_version},"
        f" {', '.join(f'{name} {version(name)}' for name in LIBRARIES)}"
    )
    peer, name = (_bare, "bare script") if options.peer == "script" else (_on_postgresql, "PostgreSQL")
    with served(options.latency) as url:
        _bare(url, work)  # has the upstream prepare its bodies
        ours, theirs = [], []
        for _ in range(options.tries):
            ours.append(_synctl(url, work))
            theirs.append(peer(url, work))
        for number, title in enumerate(("first pass", "second pass")):
            _report(title, name, [one[number] for one in ours], [one[number] for one in theirs])
        ratio = statistics.median(second.rate / first.rate for first, second in ours)
        print(f"\nsecond pass of synctl against its first: {ratio:.2f}")
        _report_shares(url, work)


def _synctl(url: str, work: Work) -> tuple[Pass, Pass]:
    with made_home() as home:
        return _passes(home, url, work)


def _on_postgresql(url: str, work: Work) -> tuple[Pass, Pass]:
    with empty("postgresql", Path()) as database, made_home() as home:
        home.environment = {"SYNCTL_DATABASE__URL": database}
        return _passes(home, url, work)


def _passes(home: Home, url: str, work: Work) -> tuple[Pass, Pass]:
    home.environment |= _environment(url, WORKERS, work)
    home.run("up")
    first = _run(home, work)
    assert (first.rows, first.written) == (work.units * DAYS, work.units * DAYS)
    home.run("delete", _last(home)[0])  # what it stored stays
    second = _run(home, work)
    assert (second.rows, second.written) == (work.units * DAYS, 0)
    return first, second


def _run(home: Home, work: Work) -> Pass:
    with metered(home.path) as cost:
        home.run("enqueue", "prayer", *work.selection, "--source", "aladhan", "--shards", str(WORKERS), "--wait")
    _, created, started, finished, rows, written, state = _last(home)
    assert state == "succeeded"
    seconds, start = (finished - created) / 1000, (started - created) / 1000
    return Pass(work.units, seconds, cost.cpu, cost.largest, rows, written, start)


def _last(home: Home) -> tuple[Any, ...]:
    database = Sql(home.environment.get("SYNCTL_DATABASE__URL", f"sqlite:///{home.path}/synctl.db"))
    found = database.rows("SELECT id, created_at, started_at, finished_at, rows, changed, state FROM run")
    return found[0]


def _bare(url: str, work: Work) -> tuple[Pass, Pass]:
    with made_home() as home, tempfile.TemporaryDirectory() as folder:
        home.run("seed")
        cities = home.sql(
            "SELECT id, latitude, longitude, timezone FROM city ORDER BY population DESC, id LIMIT ?", work.cities
        )
        units = Path(folder) / "units.json"
        units.write_text(
            json.dumps([(*city, method, madhab, YEAR) for city in cities for method in METHODS for madhab in (0, 1)])
        )
        command = [sys.executable, "-m", "tests.bench.bare", url, f"{folder}/bare.db", str(units)]
        command += ["--threads", str(work.connections), "--passes", "2", "--transport", work.transport]
        said = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout
        first, second = (Pass(work.units, **json.loads(line)) for line in said.splitlines())
        return first, second


def _environment(url: str, workers: int, work: Work) -> dict[str, str]:
    return {
        "SYNCTL_HTTP__TRANSPORT": work.transport,
        "SYNCTL_PRAYER__SOURCE": "aladhan",
        "SYNCTL_SOURCES__ALADHAN__BASE_URL": f"{url}/v1",
        "SYNCTL_SOURCES__ALADHAN__RATE": "0",
        "SYNCTL_SOURCES__ALADHAN__IN_FLIGHT": "0",
        "SYNCTL_SOURCES__ALADHAN__CONCURRENCY": str(work.connections // WORKERS),
        "SYNCTL_WORKERS__PRAYER": str(workers),
    }


def _report(title: str, name: str, ours: Sequence[Pass], theirs: Sequence[Pass]) -> None:
    print(
        f"\n{title}, {len(ours)} tries in turn   units/s (each)              rows/s   CPU ms/unit   MB, largest process"
    )
    for peer, passes in (("synctl", ours), (name, theirs)):
        rates = [one.rate for one in passes]
        each = " ".join(f"{rate:.0f}" for rate in rates)
        print(
            f"  {peer:<12} {statistics.median(rates):18.0f} {f'({each})':<20}"
            f"{_median(passes, lambda one: one.rows / one.seconds):14,.0f}"
            f"{_median(passes, lambda one: one.cpu * 1000 / one.units):14.2f}"
            f"{_median(passes, lambda one: one.memory):14.0f}"
        )
    ratios = [one.rate / other.rate for one, other in zip(ours, theirs, strict=True)]
    working = _median(ours, lambda one: one.units / (one.seconds - one.start))
    print(f"  ratio {statistics.median(ratios):.2f}; {working:.0f} units/s from the first unit taken")


def _report_shares(url: str, work: Work) -> None:
    with made_home() as home:
        home.environment = _environment(url, 0, work)
        home.run("up")
        run = home.json("enqueue", "prayer", *work.selection, "--source", "aladhan", "--shards", "1")["run"]
        spent = shares(home, run)
    print(f"\nCPU of a first pass in one process, ms a unit: {sum(spent.values()) * 1000 / work.units:.2f}")
    for part, seconds in spent.items():
        print(f"  {part:<10} {seconds * 1000 / work.units:6.2f} {seconds / sum(spent.values()):6.0%}")


def _median(passes: Sequence[Pass], of: Callable[[Pass], float]) -> float:
    return statistics.median(map(of, passes))


if __name__ == "__main__":
    main()
