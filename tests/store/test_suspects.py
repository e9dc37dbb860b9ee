"""Units that a process held when it vanished: they are suspects, and only a death makes a unit one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from synctl.states import RunState, UnitState
from synctl.store import ledger, runs, shards
from synctl.store.db import Database, Transaction
from synctl.store.ledger import Lease, NewUnit
from synctl.store.runs import Actor, NewRun

ACTOR = Actor("somebody", "a test")


@pytest.fixture
def lease(database: Database) -> Lease:
    """A run of six units and one shard, which holds the first two."""
    with database.write() as transaction:
        seq = runs.create(transaction, NewRun("fake-1", "fake", "here", "2026-01-01", "{}", "", 1, 6), ACTOR, "")
        assert seq is not None
        ledger.add_units(transaction, seq, (NewUnit(f"u{n}", [n]) for n in range(6)))
        shards.expect(transaction, seq, 1)
        lease = take(transaction)
        ledger.claim(transaction, lease, 2)
    return lease


def take(transaction: Transaction) -> Lease:
    run = runs.get(transaction, "fake-1")
    (shard,) = shards.expected(transaction)
    epoch = shards.acquire(transaction, run, 0, shard.attempt, "h")
    runs.transition(transaction, run, RunState.RUNNING, ACTOR)
    return Lease(run.id, run.seq, 0, epoch, "t", "h")


def reap(transaction: Transaction, _lease: Lease) -> None:
    shards.expect_again(transaction, shards.expected(transaction)[0])


def checkpoint_and_go_on(transaction: Transaction, lease: Lease) -> None:
    shards.stand_by(transaction, lease)
    reap(transaction, lease)


def deaths(transaction: Transaction) -> list[int]:
    return [row["deaths"] for row in transaction.all("SELECT deaths FROM sync_unit ORDER BY ordinal")]


HOW: dict[str, tuple[Callable[[Transaction, Lease], object], int]] = {
    "its holder is found dead": (reap, 1),
    "its job is done again": (lambda transaction, _: take(transaction), 1),
    "a checkpoint": (shards.stand_by, 0),
    "a checkpoint, and the next attempt": (checkpoint_and_go_on, 0),
    "the end of its shard": (shards.leave, 0),
    "a pause": (lambda transaction, lease: shards.dissolve(transaction, lease.run_seq), 0),
    "new shards": (lambda transaction, lease: shards.expect(transaction, lease.run_seq, 1), 0),
}


@pytest.mark.parametrize("how", HOW)
def test_only_a_death_makes_what_was_held_suspect(database: Database, lease: Lease, how: str) -> None:
    act, counted = HOW[how]
    with database.write() as transaction:
        act(transaction, lease)
        assert deaths(transaction) == [counted, counted, 0, 0, 0, 0]
        states = {row["state"] for row in transaction.all("SELECT state FROM sync_unit")}
        assert states == {UnitState.PENDING}


def test_suspects_come_alone_the_least_suspected_first(database: Database, lease: Lease) -> None:
    with database.write() as transaction:
        reap(transaction, lease)
        lease = take(transaction)
        assert [unit.ordinal for unit in ledger.claim(transaction, lease, 9)] == [2, 3, 4, 5]
        assert ledger.claim(transaction, lease, 9) == []
        (one,) = ledger.claim_suspect(transaction, lease)
        assert (one.key, one.deaths) == ("u0", 1)
        reap(transaction, lease)  # now of all that was held
        lease = take(transaction)
        assert deaths(transaction) == [2, 1, 1, 1, 1, 1]
        claimed = [ledger.claim_suspect(transaction, lease)[0].ordinal for _ in range(6)]
        assert claimed == [1, 2, 3, 4, 5, 0]
        assert ledger.claim_suspect(transaction, lease) == []


def test_a_unit_that_is_queued_again_gets_its_chances_anew_but_alone(database: Database, lease: Lease) -> None:
    with database.write() as transaction:
        transaction.execute("UPDATE sync_unit SET deaths = 3, state = 'failed' WHERE ordinal = 0")
        ledger.reopen(transaction, lease.run_seq, everything=False)
        assert deaths(transaction) == [1, 0, 0, 0, 0, 0]
