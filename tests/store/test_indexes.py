"""Of a ledger of 1.6 million units the few in some state are found by an index, not by reading all."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from synctl.states import UnitState
from synctl.store import ledger, pages, runs, units
from synctl.store.db import Row, Transaction, open_database, sqlite_path
from synctl.store.ledger import Lease
from tests.store.databases import migrated

LEASE = Lease("fake-1", 1, 0, 1, "t", "h")
FAILED, PENDING = frozenset({UnitState.FAILED}), frozenset({UnitState.PENDING})


def mixed(transaction: Transaction) -> runs.Run:
    """A run with units of every kind."""
    new = runs.NewRun("fake-1", "fake", "here", "2026-01-01", "{}", "", 1, 90)
    seq = runs.create(transaction, new, runs.Actor("somebody", "a test"), "")
    transaction.execute("UPDATE run SET done = 20, failed = 20, quarantined = 10 WHERE seq = :seq", seq=seq)
    return runs.get(transaction, new.id)


QUERIES: dict[str, tuple[Callable[[Transaction], object], str]] = {
    "a claim": (lambda one: ledger.claim(one, LEASE, 4), "sync_unit_pending"),
    "a claim of a suspect": (lambda one: ledger.claim_suspect(one, LEASE), "sync_unit_suspect"),
    "what a shard gives back": (lambda one: ledger.release(one, 1, 0), "sync_unit_leased"),
    "what all shards give back": (lambda one: ledger.release(one, 1), "sync_unit_leased"),
    "what a dead one held": (lambda one: ledger.suspect(one, 1, 0), "sync_unit_leased"),
    "a retry": (lambda one: ledger.reopen(one, 1, everything=False), "sync_unit_failed"),
    "causes of failures": (lambda one: units.causes(one, 1), "sync_unit_failed"),
    "failed units": (lambda one: list(units.units(one, 1, FAILED, 50)), "sync_unit_failed"),
    "pending units": (lambda one: list(units.units(one, 1, PENDING, 50)), "sync_unit_pending"),
    "the grid of units": (
        lambda one: pages.unit_grid(one, mixed(one), 9),
        "sync_unit_pending|sync_unit_failed|sync_unit_leased",
    ),
    "a page of failed units": (
        lambda one: pages.units_page(one, 1, states=FAILED, after=7, limit=50),
        "sync_unit_failed",
    ),
}


def test_postgresql_finds_the_next_units_of_a_run_that_was_queued_just_now(tmp_path: Path) -> None:
    asked: list[tuple[str, dict[str, object]]] = []
    with migrated("postgresql", tmp_path) as url, closing(open_database(url)) as database:
        with database.write() as transaction:
            mixed(transaction)
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
    assert [line for line in looked_up if not re.search(rf" ({index}) \(run_seq=\?", line)] == []
