"""Pause, resume, cancel, delete: requests are written to SQL and flagged in Redis; the shards make them facts.

Where no worker lives to do so, the command settles the run itself.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from redis import Redis
from redis.exceptions import RedisError

from synctl.engine import progress, queues, turns
from synctl.engine.reaper import Reaper
from synctl.errors import Busy
from synctl.states import REQUESTED, RunState
from synctl.store import runs, shards
from synctl.store.db import Database
from synctl.store.runs import Actor, Run

POLL_S = 0.03
log = logging.getLogger("synctl.control")


class Control:
    """`client` decodes responses, `connection` (for RQ) does not."""

    def __init__(self, database: Database, client: Redis, connection: Redis, actor: Actor) -> None:
        self._database = database
        self._client = client
        self._connection = connection
        self._actor = actor
        self._reaper = Reaper(database, client, connection, actor)

    def pause(self, name: str, reason: str = "") -> Run:
        """Ask a run to pause; a queued one is paused at once."""
        return self._request(name, RunState.PAUSED, RunState.PAUSING, reason, verb="pause", flag="pause")

    def cancel(self, name: str, reason: str = "") -> Run:
        """Ask a run to stop for good; a queued or paused one is cancelled at once."""
        return self._request(name, RunState.CANCELLED, RunState.CANCELLING, reason, verb="cancel", flag="cancel")

    def resume(self, name: str, reason: str = "", *, patience: float = 10.0) -> Run:
        """Queue a paused run again; it goes on at the next unit not committed."""
        run = self._get(name)
        if run.state is RunState.PAUSING:
            run = self.wait(run.id, lambda one: one.state is not RunState.PAUSING, patience)
        if run.state in (RunState.QUEUED, RunState.RUNNING):
            return run
        queues.require_writable(self._client)
        with self._database.write() as transaction:
            run = runs.get(transaction, run.id)
            runs.require_transition(
                transaction,
                run,
                RunState.QUEUED,
                self._actor,
                reason=reason,
                verb="resume",
                only_from={RunState.PAUSED},
            )
            shards.expect(transaction, run.seq, run.shards)
            ahead = turns.line_up(transaction, runs.get(transaction, run.id))
            jobs = [] if ahead else shards.expected(transaction, run.id)
        progress.forget(self._client, run.id)
        queues.push(self._connection, jobs)
        return self._get(run.id)

    def delete(self, name: str, reason: str = "") -> Run:
        """Remove a run that nobody works on, with its ledger and progress; never what it synced."""
        with self._database.write() as transaction:
            run = runs.get(transaction, name)
            jobs = shards.expected(transaction, run.id)
            if not runs.delete(transaction, run, self._actor, reason):
                state = runs.get(transaction, run.id).state
                raise Busy(f"cannot delete {run.id}: it is {state}", hint=f"`synctl cancel --wait {run.id}` first")
        queues.withdraw(self._client, jobs)
        progress.forget(self._client, run.id)
        self._reaper.next_turns(run.resource)
        return run

    def wait(self, run_id: str, condition: Callable[[Run], bool], patience: float | None) -> Run:
        """Return the run as soon as the condition holds, or as it is when patience (seconds) ends.

        A request that nobody alive can make a fact is settled here.
        """
        deadline = None if patience is None else time.monotonic() + patience
        while True:
            run = self._get(run_id)
            if condition(run):
                return run
            if run.state in REQUESTED and self._settle_if_dead(run):
                continue
            if deadline is not None and time.monotonic() > deadline:
                return run
            time.sleep(POLL_S)

    def _request(self, name: str, fact: RunState, request: RunState, reason: str, *, verb: str, flag: str) -> Run:
        with self._database.write() as transaction:
            run = runs.get(transaction, name)
            if run.state in (fact, request):
                return run
            jobs = shards.expected(transaction, run.id)
            if runs.transition(transaction, run, fact, self._actor, reason=reason, only_from=IDLE, kind="request"):
                shards.dissolve(transaction, run.seq)
                settled = True
            else:
                runs.require_transition(transaction, run, request, self._actor, reason=reason, verb=verb)
                settled = False
        try:
            if settled:
                queues.withdraw(self._client, jobs)
                self._reaper.next_turns(run.resource)
            else:
                progress.flag(self._client, run.id, flag)
        except RedisError as error:
            # SQL has the request: the shards ask it once a second, a reaper queues who waited.
            log.warning("Redis: %s; the database has it, which workers ask once a second", str(error).rstrip("."))
        return self._get(run.id)

    def _settle_if_dead(self, run: Run) -> bool:
        with self._database.read() as transaction:
            expected = shards.expected(transaction, run.id)
        if any(progress.leases(self._client, [(one.run_id, one.shard) for one in expected])):
            return False
        settled = self._reaper.settle(run)
        if settled:
            self._reaper.next_turns(run.resource)
        return settled

    def _get(self, name: str) -> Run:
        with self._database.read() as transaction:
            return runs.get(transaction, name)


IDLE = frozenset({RunState.QUEUED, RunState.PAUSED})
"""States in which nobody works on the run, so that a request is a fact at once."""
