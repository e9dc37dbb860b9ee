"""A resource that needs no upstream, and a worker that is played by the test."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import cast

from redis import Redis

from synctl.config import Settings
from synctl.engine import keys, queues
from synctl.engine.lease import acquire
from synctl.errors import RejectedError
from synctl.resource import Batch, Context, Finding, Known, Missing, Plan, Selectors, Session, Unit
from synctl.states import outcome
from synctl.store import ledger, runs, shards
from synctl.store.db import Database, Transaction
from synctl.store.ledger import Lease, Settled
from synctl.store.runs import Actor, Run
from synctl.store.shards import Shard

ACTOR = Actor("somebody", "a test")
CITIES = ("a", "b", "c", "d")


@dataclass
class FakeResource:
    """A unit for each city named."""

    name: str = "fake"
    rules: Mapping[str, str] = field(default_factory=dict)
    lacking: tuple[Missing, ...] = ()
    announced_too_many: int = 0

    def prerequisites(self, database: Database, settings: Settings) -> Sequence[Missing]:
        return self.lacking

    def plan(self, selectors: Selectors, database: Database, settings: Settings, today: date) -> Plan:
        return Plan(
            resource=self.name,
            source=selectors.source or "here",
            params={"cities": sorted(selectors.city)},
            label="a fake",
            total=len(selectors.city) + self.announced_too_many,
            units=(Unit(city, [city]) for city in selectors.city),
        )

    def overlap(self, one: Mapping[str, object], other: Mapping[str, object]) -> bool:
        return not set(cast("list[str]", one["cities"])).isdisjoint(cast("list[str]", other["cities"]))

    def audit(self, transaction: Transaction, settings: Settings) -> Iterator[Finding]:
        return iter(())

    def concurrency(self, source: str, settings: Settings) -> int:
        return 1

    def open(self, source: str, context: Context) -> Session:
        return FakeSession()


class FakeSession:
    def process(self, spec: Sequence[object], known: Known) -> Batch:
        return Batch([])

    def close(self) -> None:
        pass


def get(database: Database, run_id: str) -> Run:
    with database.read() as transaction:
        return runs.get(transaction, run_id)


def expected(database: Database, run_id: str | None = None) -> list[Shard]:
    with database.read() as transaction:
        return shards.expected(transaction, run_id)


def take(database: Database, client: Redis, run_id: str, *, ttl_ms: int = 60_000) -> list[Lease]:
    """Acquire every shard of a run as its workers would."""
    found = expected(database, run_id)
    queues.withdraw(client, found)
    return [acquire(database, client, run_id, one.shard, one.attempt, ttl_ms=ttl_ms, actor=ACTOR) for one in found]


def die(client: Redis, run_id: str, *held: Lease) -> None:
    """Let the leases go stale, as those of dead workers do."""
    for lease in held:
        client.delete(keys.lease(run_id, lease.shard))


def age(database: Database) -> None:
    """Let all grace be over."""
    with database.write() as transaction:
        transaction.execute("UPDATE run_shard SET enqueued_at = 0, started_at = started_at * 0")


def end(database: Database, client: Redis, run_id: str, *failures: str) -> Run:
    """Settle all units, those named as failed, and end the run as its last shard would."""
    lease, *_ = take(database, client, run_id)
    with database.write() as transaction:
        settled = [
            Settled(unit, 1, error=RejectedError("no", http_status=404) if unit.key in failures else None)
            for unit in ledger.claim(transaction, lease, 1000)
        ]
        counters = ledger.commit(transaction, lease, settled, "fake", "here")
        run = runs.get(transaction, run_id)
        shards.dissolve(transaction, run.seq)
        runs.transition(transaction, run, outcome(done=counters.done, failed=counters.failed), ACTOR)
    client.flushall()
    return get(database, run_id)
