"""Whether costs are flat: what a unit costs in a run of 1,000 and of 100,000, and how a ledger of 1.6 million answers.

    python -m tests.bench.scale --tries 2
    python -m tests.bench.scale --part ledger

A unit is a single day, calculated: its own work is next to nothing, so what is measured is the orchestration. One
worker, SQLite, runs in turn, each in a home of its own; a run is timed by its own ledger, from the first unit taken
until the last was settled, CPU is of all processes. Then the world is queued, 34,006 cities with 23 methods and 2
madhabs, and asked about with nothing done, and with all but its last units done, in turn with a run of 46 units.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass

from synctl.store import ledger, runs
from synctl.store.db import Database, open_database
from synctl.store.ledger import Lease
from tests.bench.meter import metered
from tests.e2e.conftest import Home, made_home, until

EACH = 46
"""Units a city: 23 methods, 2 madhabs."""
SMALL, LARGE, WORLD = 22, 2174, 34_006
"""Cities: 1,012, 100,004 and 1,564,276 units."""
DAY = ("--methods", "all", "--madhab", "both", "--from", "2026-03-01", "--to", "2026-03-01")
LONGEST_S = 3600.0
LEFT = 1000
CLAIMS, CLAIMED = 50, 4


@dataclass(frozen=True, slots=True)
class Cost:
    """Of a run: milliseconds a unit, and the peak of its largest process in MB."""

    wall: float
    cpu: float
    memory: float


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.scale", description=__doc__)
    parser.add_argument("--tries", type=int, default=2)
    parser.add_argument("--part", choices=("units", "ledger"), help="only this; both unless it is said")
    options = parser.parse_args()
    if options.part != "ledger":
        _units(options.tries)
    if options.part != "units":
        _ledger(options.tries)


def _units(tries: int) -> None:
    small, large = [], []
    for _ in range(tries):
        small.append(_run(SMALL))
        large.append(_run(LARGE))
    print(f"one worker, {tries} tries in turn   ms/unit   CPU ms/unit   MB, largest process")
    for cities, costs in ((SMALL, small), (LARGE, large)):
        wall, cpu, memory = (_median(costs, of) for of in _COLUMNS)
        print(f"  {cities * EACH:>9,} units {wall:26.2f} {cpu:13.2f} {memory:21.0f}")
    wall, cpu, memory = (
        statistics.median(of(two) / of(one) for one, two in zip(small, large, strict=True)) for of in _COLUMNS
    )
    print(f"  ratio {wall:35.2f} {cpu:13.2f} {memory:21.2f}")


_COLUMNS: Sequence[Callable[[Cost], float]] = (
    lambda one: one.wall,
    lambda one: one.cpu,
    lambda one: one.memory,
)


def _run(cities: int) -> Cost:
    with made_home() as home:
        home.environment = {"SYNCTL_WORKERS__PRAYER": "1"}
        home.run("up")
        home.run("enqueue", "prayer", "--cities", "1", *DAY, "--wait")  # has the worker load what it needs
        units = cities * EACH
        _queue(home, cities)  # not metered: it is measured by itself
        with metered(home.path) as cost:
            until(lambda: home.sql("SELECT state FROM run WHERE total = ?", units)[0][0] == "succeeded", LONGEST_S)
        started, finished = home.sql("SELECT started_at, finished_at FROM run WHERE total = ?", units)[0]
        return Cost((finished - started) / units, cost.cpu * 1000 / units, cost.largest)


def _ledger(tries: int) -> None:
    with made_home() as small, made_home() as world:
        for home in (small, world):
            home.environment = {"SYNCTL_WORKERS__PRAYER": "0"}
            home.run("up")
        _queue(small, 1)
        seconds, memory = _queue(world, WORLD)
        units = WORLD * EACH
        size = sum(one.stat().st_size for one in world.path.glob("synctl.db*")) / 1e6
        print(f"\nenqueue of {units:,} units: {seconds:.1f} s, {units / seconds:,.0f} units/s, {memory:.0f} MB")
        print(f"  its ledger: {size:,.0f} MB, {size * 1e6 / units:.0f} bytes a unit")
        print(f"ms, median of {tries} tries in turn      {EACH} units    the world   all but {LEFT:,} of it done")
        asked: dict[str, list[list[float]]] = {name: [[], [], []] for name in (*_ASKED, "claim")}
        for column, homes in enumerate(((small, world), (world,)), start=0):
            if column:
                _settle_most(world, units)
            for _ in range(tries):
                for place, home in enumerate(homes, start=2 * column):
                    for name, words in _ASKED.items():
                        asked[name][place].append(_timed(home, words))
                    asked["claim"][place].append(_claim(home))
        for name, times in asked.items():
            print(f"  {name:<28}" + "".join(f"{statistics.median(one):13.1f}" for one in times))


_ASKED = {
    "status": ("status",),
    "status RUN": ("status", "prayer-"),
    "units RUN": ("units", "prayer-"),
    "units RUN --state pending": ("units", "prayer-", "--state", "pending"),
    "errors RUN": ("errors", "prayer-"),
    "watch --json, first line": ("watch", "prayer-", "--json", "--after", "0"),
}


def _queue(home: Home, cities: int) -> tuple[float, float]:
    """Queue a run; return the seconds that took, and the peak of the command in MB."""
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "synctl", "enqueue", "prayer", "--cities", str(cities), *DAY],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,  # that no worker listens
        cwd=home.path,
        env=home.environ(),
    )
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    assert process.returncode == 0
    return time.monotonic() - began, used.ru_maxrss / 1024


def _timed(home: Home, words: Sequence[str]) -> float:
    """Return the milliseconds from the start of a command until its first line."""
    began = time.monotonic()
    process = home.start(*words)
    assert process.stdout is not None
    assert process.stdout.readline()
    took = (time.monotonic() - began) * 1000
    process.kill()
    process.communicate()
    return took


def _claim(home: Home) -> float:
    """Return the milliseconds that a shard's claim of a few units takes, nothing else counted; it is given back."""
    with closing(open_database(f"sqlite:///{home.path}/synctl.db")) as database:
        seq = _only_run(database)
        lease = Lease("", seq, 0, 1, "", "")
        times = []
        for _ in range(CLAIMS):
            with database.write() as transaction:
                began = time.perf_counter()
                claimed = ledger.claim(transaction, lease, CLAIMED)
                times.append((time.perf_counter() - began) * 1000)
                assert len(claimed) == CLAIMED
                ledger.release(transaction, seq, 0)
    return statistics.median(times)


def _settle_most(home: Home, units: int) -> None:
    with closing(open_database(f"sqlite:///{home.path}/synctl.db")) as database, database.write() as transaction:
        transaction.execute("UPDATE sync_unit SET state = 'done' WHERE ordinal < :last", last=units - LEFT)
        transaction.execute("UPDATE run SET done = :done", done=units - LEFT)


def _only_run(database: Database) -> int:
    with database.read() as transaction:
        return runs.listing(transaction)[0].seq


def _median(costs: Sequence[Cost], of: Callable[[Cost], float]) -> float:
    return statistics.median(map(of, costs))


if __name__ == "__main__":
    main()
