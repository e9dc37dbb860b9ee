"""From a selection to a queued run: one run and one id, however many ask for it at once."""

from __future__ import annotations

import hashlib
from datetime import UTC, date, datetime, time
from enum import StrEnum

import msgspec
from msgspec.structs import replace
from redis import Redis

from synctl.clock import iso, now_ms, today
from synctl.config import Settings
from synctl.engine import keys, progress, queues, turns
from synctl.engine.freshness import Freshness
from synctl.engine.holders import holding
from synctl.errors import Busy, IllegalTransition, PrerequisitesNotMet, UsageError
from synctl.resource import Plan, Resource, Selectors
from synctl.states import ACTIVE, RunState
from synctl.store import ledger, runs, shards
from synctl.store.db import Database, Transaction
from synctl.store.runs import Actor, NewRun, Run
from synctl.store.shards import Shard


class Why(StrEnum):
    """What enqueueing found."""

    CREATED = "created"
    ACTIVE = "active"
    FRESH = "fresh"
    RETRIED = "retried"
    FORCED = "forced"


class Enqueued(msgspec.Struct, frozen=True):
    """The run that a selection belongs to, new or not.

    `reopened`: units that are queued again. `waits_for`: the run that has to end first. `fresh`: units of a new run
    that are done, since what is stored of them is new enough.
    """

    run: Run
    why: Why
    reopened: int = 0
    waits_for: str = ""
    fresh: int = 0

    def as_json(self) -> dict[str, object]:
        """Return the stable fields of `enqueue --json`."""
        run = self.run
        return {
            "run": run.id,
            "state": str(run.state),
            "why": str(self.why),
            "created": self.why is Why.CREATED,
            "waits_for": self.waits_for or None,
            "resource": run.resource,
            "source": run.source,
            "label": run.label,
            "units": run.total,
            "fresh": self.fresh,
            "done": run.done,
            "failed": run.failed,
        }

    def as_retry_json(self) -> dict[str, object]:
        """Return the stable fields of `retry --json`. A run without anything to retry may have succeeded long ago."""
        return {
            "run": self.run.id,
            "state": str(self.run.state),
            "why": str(RunState.SUCCEEDED if self.why is Why.FRESH else self.why),
            "units": self.reopened,
        }


class Order(msgspec.Struct, frozen=True):
    """What is asked for besides the selection."""

    force: bool = False
    shards: int | None = None
    reason: str = ""
    no_wait: bool = False
    if_stale: float | None = None
    """Seconds: what was synced less long ago is not asked for again."""
    day: date | None = None
    """The sync date, which is part of the run's id; today's in UTC unless a slot of a schedule has one."""

    def __post_init__(self) -> None:
        if self.force and self.if_stale is not None:
            raise UsageError("--force and --if-stale exclude each other")


class Enqueuer:
    """`client` decodes responses, `connection` (for RQ) does not."""

    def __init__(self, database: Database, client: Redis, connection: Redis, settings: Settings, actor: Actor) -> None:
        self._database = database
        self._client = client
        self._connection = connection
        self._settings = settings
        self._actor = actor

    def plan(self, resource: Resource, selectors: Selectors, day: date) -> Plan:
        """Check the prerequisites and resolve the selection. Changes nothing."""
        missing = resource.prerequisites(self._database, self._settings)
        if missing:
            raise PrerequisitesNotMet(tuple((lack.what, lack.mend) for lack in missing))
        plan = resource.plan(selectors, self._database, self._settings, day)
        if plan.total == 0:
            raise UsageError("the selection has no units")
        return plan

    def enqueue(self, resource: Resource, selectors: Selectors, order: Order) -> Enqueued:
        """Create the run, or join the one that exists, and queue a job for each of its shards."""
        day = order.day or today()
        plan = self.plan(resource, selectors, day)
        run_id = identity(plan, day)
        queues.require_writable(self._client)  # before anything is written: without Redis no run is created
        with self._database.read() as transaction:
            known = runs.find(transaction, run_id)
        if known is None:  # a process that dies between the run and its jobs leaves them to the reaper
            queues.load()
        with self._database.write() as transaction:
            new = self._new(run_id, plan, day, order)
            seq = runs.create(transaction, new, self._actor, order.reason)
            if seq is not None:
                fresh = self._fill(transaction, seq, plan, new.shards, freshness_of(plan, day, order))
                found = Enqueued(runs.get(transaction, run_id), Why.CREATED, fresh=fresh)
            else:
                found = self._join(transaction, runs.get(transaction, run_id), plan, day, order)
            found, jobs = self._line_up(transaction, found, order)
        self._push(found, jobs)
        return found

    def retry(self, name: str, order: Order) -> Enqueued:
        """Queue the failed units of an ended run again, in the same run."""
        queues.require_writable(self._client)
        with self._database.write() as transaction:
            run = runs.get(transaction, name)
            if run.state in ACTIVE:
                return Enqueued(run, Why.ACTIVE)
            if run.state is RunState.SUCCEEDED:
                return Enqueued(run, Why.FRESH)
            if not ledger.holds_rest(transaction, run):
                raise IllegalTransition(
                    f"cannot retry {run.id}: its units were pruned {iso(run.pruned_at or 0)}",
                    hint="`synctl enqueue` makes a new run of the selection",
                )
            found = self._reopen(transaction, run, order, Why.RETRIED)
            found, jobs = self._line_up(transaction, found, order)
        self._push(found, jobs)
        return found

    def _line_up(self, transaction: Transaction, found: Enqueued, order: Order) -> tuple[Enqueued, list[Shard]]:
        """Give a run that was just queued its place; return the jobs to push, none if it has to wait."""
        if found.why in (Why.ACTIVE, Why.FRESH):
            waits_for, jobs = found.run.waits_for, []
        else:
            ahead = turns.line_up(transaction, found.run)
            waits_for = ahead.id if ahead else ""
            jobs = [] if ahead else shards.expected(transaction, found.run.id)
        refuse_to_wait(transaction, waits_for, order)
        return replace(found, waits_for=waits_for), jobs

    def _push(self, found: Enqueued, jobs: list[Shard]) -> None:
        if found.why in (Why.ACTIVE, Why.FRESH):
            return
        progress.forget(self._client, found.run.id)
        queues.push(self._connection, jobs)

    def _new(self, run_id: str, plan: Plan, day: date, order: Order) -> NewRun:
        return NewRun(
            id=run_id,
            resource=plan.resource,
            source=plan.source,
            sync_date=day.isoformat(),
            params=params_of(plan),
            label=plan.label,
            shards=self._shards(plan, order),
            total=plan.total,
            anew=int(order.force),
        )

    def _fill(self, transaction: Transaction, seq: int, plan: Plan, count: int, freshness: Freshness) -> int:
        """Write the units of a new run; return how many of them need no sync."""
        added = ledger.add_units(transaction, seq, freshness.mark(transaction, plan.units))
        if added.units != plan.total:
            raise UsageError(f"{plan.resource}: the plan announced {plan.total} units and gave {added.units}")
        shards.expect(transaction, seq, count)
        return added.fresh

    def _join(self, transaction: Transaction, run: Run, plan: Plan, day: date, order: Order) -> Enqueued:
        why = meaning(run, order)
        if why in (Why.ACTIVE, Why.FRESH):
            return Enqueued(run, why)
        if run.pruned_at is not None and (order.force or not ledger.holds_rest(transaction, run)):
            return self._refill(transaction, run, plan, day, order)
        return self._reopen(transaction, run, order, why)

    def _reopen(self, transaction: Transaction, run: Run, order: Order, why: Why) -> Enqueued:
        if not runs.transition(transaction, run, RunState.QUEUED, self._actor, reason=order.reason, kind=str(why)):
            return Enqueued(runs.get(transaction, run.id), Why.ACTIVE)  # another process was quicker
        ledger.reopen(transaction, run.seq, everything=why is Why.FORCED)
        shards.expect(transaction, run.seq, run.shards)
        after = runs.get(transaction, run.id)
        return Enqueued(after, why, after.total - after.settled)

    def _refill(self, transaction: Transaction, run: Run, plan: Plan, day: date, order: Order) -> Enqueued:
        """Queue a run whose units were pruned: the selection says which they are."""
        why = meaning(run, order)
        if not runs.transition(transaction, run, RunState.QUEUED, self._actor, reason=order.reason, kind=str(why)):
            return Enqueued(runs.get(transaction, run.id), Why.ACTIVE)  # another process was quicker
        ledger.empty(transaction, run.seq, plan.total, anew=int(order.force))
        fresh = self._fill(transaction, run.seq, plan, run.shards, freshness_of(plan, day, order))
        after = runs.get(transaction, run.id)
        return Enqueued(after, why, after.total - after.settled, fresh=fresh)

    def _shards(self, plan: Plan, order: Order) -> int:
        """One shard for each worker that listens, or that `up` would start; never more than units."""
        if order.shards is not None:
            return max(1, min(order.shards, plan.total))
        listening = sum(1 for worker in queues.workers(self._client) if worker.queue == keys.queue(plan.resource))
        return max(1, min(listening or self._settings.workers.get(plan.resource, 1), plan.total))


def params_of(plan: Plan) -> str:
    """Return the parameters of a plan as its run keeps them."""
    return msgspec.json.encode(plan.params, order="sorted").decode()


def refuse_to_wait(transaction: Transaction, waits_for: str, order: Order) -> None:
    """Raise Busy where a run would have to wait for another, and the order says that it must not."""
    if waits_for and order.no_wait:
        raise Busy(
            f"{waits_for} is ahead and stores some of the same rows: {holding(transaction, waits_for)}",
            hint=f"`synctl status {waits_for}` shows who works on it",
        )


def meaning(run: Run, order: Order) -> Why:
    """Return what an order makes of a run that exists. Raises Busy where it cannot be forced now."""
    if run.state in ACTIVE:
        if order.force:
            raise Busy(
                f"{run.id} is {run.state}: it cannot be forced now", hint=f"`synctl cancel --wait {run.id}` first"
            )
        return Why.ACTIVE
    if order.force:
        return Why.FORCED
    return Why.FRESH if run.state is RunState.SUCCEEDED else Why.RETRIED


def freshness_of(plan: Plan, day: date, order: Order) -> Freshness:
    """What is fresh for an order: by its age, or as part of something larger that was synced today."""
    today = round(datetime.combine(day, time(), UTC).timestamp() * 1000)
    since = None if order.if_stale is None else now_ms() - round(order.if_stale * 1000)
    return Freshness(plan.resource, plan.source, since, None if order.force else today if since is None else since)


def identity(plan: Plan, sync_date: date) -> str:
    """Return the run's id: the same resource, day, source and parameters give the same one, in whatever order."""
    canonical = msgspec.json.encode([plan.resource, plan.source, plan.params], order="sorted")
    digest = hashlib.blake2b(canonical, digest_size=5).hexdigest()
    return f"{plan.resource}-{sync_date:%Y%m%d}-{digest}"
