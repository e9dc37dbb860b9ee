"""How long the default run takes: 4,600 years of a hundred cities, calculated, from `enqueue` to its last unit.

    python -m tests.bench.default_run

With two workers on two shards, into SQLite: 1,679,000 rows. The time is the ledger's own, CPU is of all processes.
"""

from __future__ import annotations

from tests.bench.meter import metered
from tests.e2e.conftest import made_home, until

WORKERS = 2
LONGEST_S = 300.0


def main() -> None:
    """Measure and print."""
    with made_home() as home:
        home.environment = {"SYNCTL_WORKERS__PRAYER": str(WORKERS)}
        home.run("up")
        with metered(home.path) as cost:
            home.run("enqueue", "prayer", "--shards", str(WORKERS))
            until(lambda: home.sql("SELECT state FROM run")[0][0] == "succeeded", LONGEST_S)
        created, finished, done, rows = home.sql("SELECT created_at, finished_at, done, rows FROM run")[0]
    seconds = (finished - created) / 1000
    print(
        f"default run: {done:,} units, {rows:,} rows in {seconds:.1f} s, {done / seconds:.0f} units/s,"
        f" {cost.cpu * 1000 / done:.2f} ms of CPU a unit, peak {cost.largest:.0f} MB"
    )


if __name__ == "__main__":
    main()
