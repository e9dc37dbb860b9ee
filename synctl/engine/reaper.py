"""Settles what dead processes left: shards without a living lease go back to their queue, requests become facts.

Everything is read from SQL and Redis first; each change is a compare-and-set, so any number of reapers may run.
"""

from __future__ import annotations

import msgspec
from redis import Redis

from synctl.clock import now_ms
from synctl.engine import progress, queues, turns
from synctl.states import LIVE, REQUESTED, RunState
from synctl.store import runs, shards
from synctl.store.db import Database
from synctl.store.runs import Actor, Run
from synctl.store.shards import Shard

START_GRACE_MS = 4000
"""From leaving the queue until the lease shows, a job needs some 50 ms; longer on a machine that is swapping."""


class Finding(msgspec.Struct, frozen=True):
    """Something dead, and what is done about it."""

    run_id: str
    what: str
    action: str


class Reaper:
    """`client` decodes responses, `connection` (for RQ) does not."""

    def __init__(self, database: Database, client: Redis, connection: Redis, actor: Actor) -> None:
        self._database = database
        self._client = client
        self._connection = connection
        self._actor = actor

    def look(self) -> list[Finding]:
        """Return what `reap` would do. Changes nothing."""
        return [finding for finding, _ in self._findings()]

    def reap(self, *, at_front: bool = True) -> list[Finding]:
        """Do it. Returns what this call itself changed."""
        done = []
        for finding, target in self._findings():
            if isinstance(target, Shard):
                if self.requeue(target, at_front=at_front):
                    done.append(finding)
            elif self.advance(target) if target.waits_for else self.settle(target):
                done.append(finding)
        return done

    def requeue(self, shard: Shard, *, at_front: bool = True, crashed: bool = False) -> bool:
        """Queue a shard's next attempt; False if another was quicker. `crashed`: its holder, by its own doing."""
        with self._database.write() as transaction:
            after = shards.expect_again(transaction, shard, crashed=crashed)
            if after is None:
                return False
            if shard.epoch:
                run = runs.get(transaction, shard.run_id)
                runs.record(transaction, run.id, runs.TAKEN_OVER, run.state, self._actor, f"{shard.holder} is gone")
        queues.push(self._connection, [after], at_front=at_front)
        return True

    def next_turns(self, resource: str) -> None:
        """Queue the runs whose turn it is: to be called when a run of the resource has ended or rests."""
        with self._database.read() as transaction:
            waiting = turns.waiting(transaction, resource)
        for run in waiting:
            self.advance(run)

    def advance(self, run: Run) -> bool:
        """Queue a run that waited for another, if it is its turn; False if not, or if another process was quicker."""
        with self._database.write() as transaction:
            current = runs.find(transaction, run.id)
            if current is None or current.state is not RunState.QUEUED or not current.waits_for:
                return False
            if turns.line_up(transaction, current) is not None:
                return False
            shards.queued_now(transaction, current.seq)
            jobs = shards.expected(transaction, current.id)
        queues.push(self._connection, jobs)
        return True

    def settle(self, run: Run) -> bool:
        """Make a request a fact, or give a run without shards new ones. For runs nobody works on."""
        with self._database.write() as transaction:
            current = runs.find(transaction, run.id)
            if current is None or current.state is not run.state:
                return False
            fact = REQUESTED.get(current.state)
            if fact is not None:
                shards.dissolve(transaction, current.seq)
                return runs.transition(transaction, current, fact, self._actor, reason=current.reason)
            if shards.expected(transaction, current.id):
                return False
            shards.expect(transaction, current.seq, current.shards)
            jobs = shards.expected(transaction, current.id)
        queues.push(self._connection, jobs)
        return True

    def _findings(self) -> list[tuple[Finding, Shard | Run]]:
        with self._database.read() as transaction:
            expected = shards.expected(transaction)
            active = runs.listing(transaction, states=LIVE | {RunState.QUEUED}, limit=runs.ALL)
            blocked = {run.id: turns.blocker(transaction, run) for run in active if run.waits_for}
        alive = progress.leases(self._client, [(shard.run_id, shard.shard) for shard in expected])
        waiting = queues.queued(self._client, expected)
        states = {run.id: run for run in active}
        living = {shard.run_id for shard, lives in zip(expected, alive, strict=True) if lives}
        found: list[tuple[Finding, Shard | Run]] = []
        for run in active:
            if run.id in blocked:
                if blocked[run.id] is None:
                    finding = Finding(run.id, f"it waited for {run.waits_for}, and its turn has come", "queue it")
                    found.append((finding, run))
            elif run.state in REQUESTED and run.id not in living:
                action = f"set it {REQUESTED[run.state]}"
                found.append((Finding(run.id, f"{run.state}, but no worker holds it", action), run))
            elif run.state not in REQUESTED and not any(shard.run_id == run.id for shard in expected):
                found.append((Finding(run.id, f"{run.state}, but no shard is expected", "queue its shards"), run))
        oldest = now_ms() - START_GRACE_MS
        for shard, lives, waits in zip(expected, alive, waiting, strict=True):
            run_of = states.get(shard.run_id)
            if lives or waits or run_of is None or run_of.state in REQUESTED or run_of.id in blocked:
                continue
            if max(shard.started_at or 0, shard.enqueued_at) <= oldest:
                what = (
                    f"shard {shard.shard}: {f'its holder {shard.holder} is gone' if shard.epoch else 'its job is lost'}"
                )
                found.append((Finding(shard.run_id, what, "queue it again"), shard))
        return found
