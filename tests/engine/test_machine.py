"""The engine as a state machine: operators, workers, deaths and losses in any order, and what must hold after each."""

from __future__ import annotations

from collections import Counter
from contextlib import suppress
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)
from redis import Redis

from synctl.config import Settings
from synctl.engine import registry
from synctl.engine.control import Control
from synctl.engine.enqueue import Enqueuer, Order
from synctl.engine.lease import acquire
from synctl.engine.reaper import Reaper
from synctl.errors import Busy, Fenced, IllegalTransition, NotFound, RejectedError
from synctl.resource import Selectors
from synctl.states import ACTIVE, LIVE, TRANSITIONS, RunState, outcome
from synctl.store import ledger, runs, shards
from synctl.store.db import Database, Transaction
from synctl.store.ledger import Claimed, Lease, Settled
from tests.engine.fakes import ACTOR, FakeResource, age, die, expected, get

CITIES = tuple("abcdefgh")
REFUSALS = (IllegalTransition, Busy, NotFound)
EXAMPLES = 80


class Machine(RuleBasedStateMachine):
    """One run of eight units over two shards, and a second one that overlaps it. Workers are played."""

    database: ClassVar[Database]
    client: ClassVar[Redis]
    connection: ClassVar[Redis]
    options: ClassVar[Settings]

    def __init__(self) -> None:
        super().__init__()
        self.client.flushall()
        with self.database.write() as transaction:
            for table in ("run_event", "unit_change", "sync_unit", "run_shard", "run", "stored_unit"):
                transaction.execute(f"DELETE FROM {table}")
        self.control = Control(self.database, self.client, self.connection, ACTOR)
        self.enqueuer = Enqueuer(self.database, self.client, self.connection, self.options, ACTOR)
        self.reaper = Reaper(self.database, self.client, self.connection, ACTOR)
        self.leases: list[Lease] = []
        self.orphans: list[tuple[Lease, list[Claimed]]] = []
        self.claimed: dict[Lease, list[Claimed]] = {}
        self.run = self.other = ""

    @initialize()
    def enqueue(self) -> None:
        self.run = self._enqueue(CITIES)
        self.other = self._enqueue(CITIES[4:])
        assert get(self.database, self.other).waits_for == self.run

    @rule(which=st.booleans())
    def order_again(self, which: bool) -> None:
        self._enqueue(CITIES if which else CITIES[4:])

    @rule(which=st.booleans(), verb=st.sampled_from(["pause", "resume", "cancel", "delete"]))
    def ask(self, which: bool, verb: str) -> None:
        name = self.run if which else self.other
        with suppress(*REFUSALS):
            if verb == "resume":
                self.control.resume(name, patience=0)
            else:
                getattr(self.control, verb)(name)

    @rule(which=st.booleans())
    def retry(self, which: bool) -> None:
        with suppress(*REFUSALS):
            self.enqueuer.retry(self.run if which else self.other, Order())

    @rule(which=st.booleans(), number=st.integers(0, 1))
    def take(self, which: bool, number: int) -> None:
        for shard in expected(self.database, self.run if which else self.other)[number : number + 1]:
            with suppress(Fenced):
                lease = acquire(
                    self.database, self.client, shard.run_id, shard.shard, shard.attempt, ttl_ms=60_000, actor=ACTOR
                )
                self.leases.append(lease)
                self.claimed[lease] = []

    @precondition(lambda self: self.leases)
    @rule(data=st.data(), count=st.integers(1, 4))
    def claim(self, data: st.DataObject, count: int) -> None:
        lease = data.draw(st.sampled_from(self.leases))
        with suppress(Fenced), self.database.write() as transaction:
            ledger.guard(transaction, lease)
            self.claimed[lease] += _claim(transaction, lease, count)

    @precondition(lambda self: any(self.claimed.values()))
    @rule(data=st.data(), bad=st.booleans())
    def commit(self, data: st.DataObject, bad: bool) -> None:
        lease = data.draw(st.sampled_from([lease for lease, units in self.claimed.items() if units]))
        self._settle(lease, [self.claimed[lease].pop(0)], bad=bad)

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def finish(self, data: st.DataObject) -> None:
        """As a shard that finds no unit left, or was told to stop: conclude, give back, make the request a fact."""
        lease = data.draw(st.sampled_from(self.leases))
        self._conclude(lease)
        self._leave(lease)
        self.reaper.next_turns("fake")

    @rule(which=st.booleans(), bad=st.booleans())
    def work_to_the_end(self, which: bool, bad: bool) -> None:
        self._drain(self.run if which else self.other, bad=bad)
        self.reaper.next_turns("fake")

    @precondition(lambda self: self.leases)
    @rule(data=st.data())
    def kill(self, data: st.DataObject) -> None:
        """Its lease ends; but it is only frozen, and will try to commit what it holds."""
        lease = data.draw(st.sampled_from(self.leases))
        self.orphans.append((lease, self.claimed[lease]))
        self._leave(lease)

    @precondition(lambda self: self.orphans)
    @rule(data=st.data())
    def wake_an_orphan(self, data: st.DataObject) -> None:
        lease, units = self.orphans.pop(data.draw(st.integers(0, len(self.orphans) - 1)))
        self._settle(lease, units, bad=False)

    @rule()
    def wipe_redis(self) -> None:
        self.client.flushall()

    @rule()
    def reap(self) -> None:
        age(self.database)
        self.reaper.reap()
        assert all(finding.run_id for finding in self.reaper.look())

    @invariant()
    def counters_are_what_the_ledger_says(self) -> None:
        with self.database.read() as transaction:
            for run in runs.listing(transaction):
                rows = transaction.all("SELECT state FROM sync_unit WHERE run_seq = :run", run=run.seq)
                states = Counter(row["state"] for row in rows)
                assert (run.done, run.failed) == (states["done"], states["failed"])
                if run.state not in ACTIVE:
                    assert states["leased"] == 0

    @invariant()
    def no_two_that_overlap_are_live(self) -> None:
        with self.database.read() as transaction:
            assert len(runs.listing(transaction, states=LIVE)) <= 1

    @invariant()
    def every_change_of_state_was_legal(self) -> None:
        with self.database.read() as transaction:
            for name in {self.run, self.other} - {""}:
                before: str | None = None
                for event in runs.events(transaction, name, limit=10_000):
                    if event["kind"] in ("created", "deleted"):
                        before = None if event["kind"] == "deleted" else event["state"]
                    elif event["state"] != before:
                        assert before is not None
                        assert event["state"] in TRANSITIONS[RunState(before)], (before, event["state"])
                        before = event["state"]

    def teardown(self) -> None:
        """Whatever happened: a reaper and one worker bring every active run to its end."""
        self.leases.clear()
        self.client.flushall()
        for _ in range(30):
            age(self.database)
            self.reaper.reap()
            with self.database.read() as transaction:
                found = runs.listing(transaction, states=ACTIVE - {RunState.PAUSED})
            if not found:
                return
            for run in found:
                self._drain(run.id)
            self.client.flushall()
        raise AssertionError(f"never ended: {[(run.id, run.state, run.waits_for) for run in found]}")

    def _drain(self, run_id: str, *, bad: bool = False) -> None:
        for shard in expected(self.database, run_id):
            with suppress(Fenced):
                lease = acquire(
                    self.database, self.client, run_id, shard.shard, shard.attempt, ttl_ms=60_000, actor=ACTOR
                )
                while units := self._claim_all(lease):
                    self._settle(lease, units[:1], bad=bad)
                    self._settle(lease, units[1:], bad=False)
                    bad = False
                self._conclude(lease)
                die(self.client, run_id, lease)

    def _claim_all(self, lease: Lease) -> list[Claimed]:
        with self.database.write() as transaction:
            ledger.guard(transaction, lease)
            return _claim(transaction, lease, 100)

    def _enqueue(self, cities: tuple[str, ...]) -> str:
        return self.enqueuer.enqueue(FakeResource(), Selectors(city=cities), Order(shards=2)).run.id

    def _settle(self, lease: Lease, units: list[Claimed], *, bad: bool) -> None:
        if not units:
            return
        error = RejectedError("no") if bad else None
        with suppress(Fenced), self.database.write() as transaction:
            ledger.commit(transaction, lease, [Settled(unit, 1, error=error) for unit in units], "fake", "here")

    def _conclude(self, lease: Lease) -> None:
        with suppress(Fenced), self.database.write() as transaction:
            ledger.guard(transaction, lease)
            run = runs.get(transaction, lease.run_id)
            if run.settled == run.total:
                shards.dissolve(transaction, run.seq)
                runs.transition(transaction, run, outcome(done=run.done, failed=run.failed), ACTOR)
            elif run.state in (RunState.PAUSING, RunState.CANCELLING):
                shards.dissolve(transaction, run.seq)
                fact = RunState.PAUSED if run.state is RunState.PAUSING else RunState.CANCELLED
                runs.transition(transaction, run, fact, ACTOR)
            elif shards.stand_by(transaction, lease) == 0:
                runs.transition(transaction, run, RunState.QUEUED, ACTOR)

    def _leave(self, lease: Lease) -> None:
        self.leases.remove(lease)
        self.claimed.pop(lease)
        die(self.client, lease.run_id, lease)


def _claim(transaction: Transaction, lease: Lease, count: int) -> list[Claimed]:
    """Claim as a shard does: suspects when there is nothing else."""
    return ledger.claim(transaction, lease, count) or ledger.claim_suspect(transaction, lease)


def test_whatever_happens_in_whatever_order(
    database: Database, client: Redis, connection: Redis, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(registry, "load", lambda _name: FakeResource())
    Machine.database, Machine.client, Machine.connection, Machine.options = database, client, connection, settings
    run_state_machine_as_test(
        Machine,
        settings=_settings(max_examples=EXAMPLES, stateful_step_count=40),
    )


def _settings(**options: int) -> settings:
    return settings(deadline=None, suppress_health_check=list(HealthCheck), **options)  # type: ignore[arg-type]
