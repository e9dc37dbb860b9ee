"""Of a ledger of 1.6 million units the few in some state are found by an index, not by reading all."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from synctl.config import Settings
from synctl.states import RunState, UnitState
from synctl.store import ledger, pages, runs, units
from synctl.store.db import Row, Transaction, open_database, sqlite_path
from synctl.store.ledger import Lease
from synctl.store.prerequisites import prerequisites
from synctl.store.runs import Run
from tests.store.databases import migrated

RUN = Run(
    seq=1, id="fake-1", resource="fake", source="here", sync_date="2026-01-01", params="{}", label="",
    state=RunState.RUNNING, reason="", error_class=None, waits_for="", epoch=1, attempt=1, shards=1, total=9, done=1,
    failed=2, quarantined=1, unchanged=0, rows=0, changed=0, anew=0, created_at=0, started_at=None, finished_at=None,
)  # fmt: skip
LEASE = Lease("fake-1", 1, 0, 1, "t", "h")
FAILED, PENDING = frozenset({UnitState.FAILED}), frozenset({UnitState.PENDING})

QUERIES: dict[str, tuple[Callable[[Transaction], object], str]] = {
    "a claim": (lambda one: ledger.claim(one, LEASE, 4), "sync_unit_pending"),
    "a claim from a place of its own": (lambda one: ledger.claim(one, LEASE, 4, 5000), "sync_unit_pending"),
    "a claim of a suspect": (lambda one: ledger.claim_suspect(one, LEASE), "sync_unit_suspect"),
    "what a shard gives back": (lambda one: ledger.release(one, 1, 0), "sync_unit_leased"),
    "what all shards give back": (lambda one: ledger.release(one, 1), "sync_unit_leased"),
    "what a dead one held": (lambda one: ledger.suspect(one, 1, 0), "sync_unit_leased"),
    "a retry": (lambda one: ledger.reopen(one, 1, everything=False), "sync_unit_failed"),
    "causes of failures": (lambda one: units.causes(one, 1), "sync_unit_failed"),
    "failed units": (lambda one: list(units.units(one, 1, FAILED, 50)), "sync_unit_failed"),
    "pending units": (lambda one: list(units.units(one, 1, PENDING, 50)), "sync_unit_pending"),
    "a page of failed units": (
        lambda one: pages.units_page(one, RUN, states=FAILED, after=7, limit=50),
        "sync_unit_failed",
    ),
}


def test_postgresql_finds_the_next_units_of_a_run_that_was_queued_just_now(tmp_path: Path) -> None:
    asked: list[tuple[str, dict[str, object]]] = []
    with migrated("postgresql", tmp_path) as url, closing(open_database(url)) as database:
        with database.write() as transaction:
            new = runs.NewRun("fake-1", "fake", "here", "2026-01-01", "{}", "", 1, 20_000)
            runs.create(transaction, new, runs.Actor("somebody", "a test"), "")
            ledger.add_units(transaction, 1, (ledger.NewUnit(f"u{n}", [n]) for n in range(20_000)))
        with database.write() as transaction:
            every = transaction.all

            def heard(sql: str, **parameters: object) -> list[Row]:
                asked.append((sql, parameters))
                return every(sql, **parameters)

            transaction.all = heard  # type: ignore[method-assign]
            assert len(ledger.claim(transaction, LEASE, 4)) == 4
            sql, parameters = asked[0]
            plan = "\n".join(str(row["QUERY PLAN"]) for row in every(f"EXPLAIN {sql}", **parameters))
    assert "Index Scan using sync_unit_pending" in plan
    assert "Sort" not in plan


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with migrated("sqlite", tmp_path) as made:
        yield made


@pytest.mark.parametrize("what", QUERIES)
def test_an_index_finds(url: str, what: str) -> None:
    query, index = QUERIES[what]
    asked: list[str] = []
    with closing(open_database(url)) as database, database.write() as transaction:
        transaction.raw.set_trace_callback(asked.append)  # type: ignore[attr-defined]
        query(transaction)
        transaction.raw.set_trace_callback(None)  # type: ignore[attr-defined]
    with closing(sqlite3.connect(sqlite_path(url))) as raw:
        plan = [line[3] for one in asked if "sync_unit" in one for line in raw.execute(f"EXPLAIN QUERY PLAN {one}")]
    looked_up = [line for line in plan if "sync_unit" in line and "ordinal=?" not in line]
    assert looked_up, plan
    assert [line for line in looked_up if f" {index} (run_seq=?" not in line] == []


def test_what_every_order_asks_of_all_cities_reads_none_of_them(url: str, tmp_path: Path) -> None:
    asked: list[str] = []
    with closing(open_database(url)) as database, database.write() as transaction:
        transaction.raw.set_trace_callback(asked.append)  # type: ignore[attr-defined]
        prerequisites(transaction, Settings(home=tmp_path))
        transaction.raw.set_trace_callback(None)  # type: ignore[attr-defined]
    selects = [one for one in asked if "timezone" in one or "latitude" in one]
    with closing(sqlite3.connect(sqlite_path(url))) as raw:
        plan = [line[3] for one in selects for line in raw.execute(f"EXPLAIN QUERY PLAN {one}")]
    of_cities = [line for line in plan if " city " in line]
    assert of_cities == [
        "SEARCH city USING COVERING INDEX city_by_timezone",
        "SEARCH city USING COVERING INDEX city_by_timezone (timezone>?)",
        "SCAN city USING INDEX city_misplaced",
    ]
