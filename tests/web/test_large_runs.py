"""What is told of a run costs the same however many units it has: counted in steps of SQLite, not in time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, closing, contextmanager
from pathlib import Path

import pytest
from msgspec.structs import replace

from synctl.store import runs
from synctl.store.db import Database, Transaction, open_database
from synctl.store.runs import Actor, NewRun
from tests.store.databases import migrated
from tests.web.conftest import Served, reader_of

SMALL, LARGE = 40_000, 160_000
"""Units: so many that the bounds of what is looked at are reached in both."""
STEP = 20
"""Instructions of SQLite between two counts."""
STATES = {
    "nothing done yet": "'pending'",
    "a part done, a part failed": "CASE WHEN ordinal < :units / 2 THEN"
    " CASE ordinal % 3 WHEN 0 THEN 'done' WHEN 1 THEN 'failed' ELSE 'quarantined' END"
    " WHEN ordinal < :units / 2 + 40 THEN 'leased' ELSE 'pending' END",
    "all failed": "'failed'",
}
PLACES = (
    "/", "/api/runs", "/runs/{run}", "/api/runs/{run}", "/api/runs/{run}/errors", "/api/runs/{run}/units",
    *(f"/api/runs/{{run}}/units?state={state}" for state in ("pending", "leased", "done", "failed", "quarantined")),
)  # fmt: skip


class Counting:
    """A database that counts the steps of what it is asked."""

    def __init__(self, inner: Database) -> None:
        self.inner = inner
        self.location = inner.location
        self.dialect = inner.dialect
        self.steps = 0

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        with self.inner.read() as transaction:
            transaction.raw.set_progress_handler(self._count, STEP)  # type: ignore[attr-defined]
            yield transaction

    def write(self) -> AbstractContextManager[Transaction]:
        return self.inner.write()

    def close(self) -> None:
        self.inner.close()

    def _count(self) -> int:
        self.steps += STEP
        return 0


@pytest.mark.parametrize("states", STATES.values(), ids=STATES)
def test_a_run_with_four_times_the_units_costs_no_more_to_look_at(served: Served, tmp_path: Path, states: str) -> None:
    with migrated("sqlite", tmp_path) as url, closing(open_database(url)) as database:
        with database.write() as transaction:
            for run, units in (("small", SMALL), ("large", LARGE)):
                fill(transaction, run, units, states)
        counting = Counting(database)
        client = reader_of(replace(served.backend, database=counting))
        for place in PLACES:
            steps = {}
            for run in ("small", "large"):
                counting.steps = 0
                assert client.get(place.format(run=run)).status_code == 200
                steps[run] = counting.steps
            assert steps["large"] < 1.3 * steps["small"] + 2000, (place, steps)


def fill(transaction: Transaction, run: str, units: int, states: str) -> None:
    """Write a run that is paused, whose units are in the states that an expression gives."""
    runs.create(transaction, NewRun(run, "prayer", "here", "2026-01-01", "{}", "", 1, units), Actor("t", "t"), "")
    transaction.execute(
        "INSERT INTO sync_unit (run_seq, ordinal, key, spec, state, epoch, attempts, message, rows, changed)"
        " WITH RECURSIVE unit (ordinal) AS (SELECT 0 UNION ALL SELECT ordinal + 1 FROM unit WHERE ordinal + 1 < :units)"
        f" SELECT run.seq, ordinal, 'unit ' || ordinal, '[]', {states}, 1, 1, 'why', 0, 0 FROM run, unit"
        " WHERE run.id = :run",
        run=run, units=units,
    )  # fmt: skip
    count = "(SELECT COUNT(*) FROM sync_unit WHERE run_seq = run.seq AND state IN"
    transaction.execute(
        f"UPDATE run SET state = 'paused', done = {count} ('done')), failed = {count} ('failed', 'quarantined')),"
        f" quarantined = {count} ('quarantined')) WHERE id = :run",
        run=run,
    )
