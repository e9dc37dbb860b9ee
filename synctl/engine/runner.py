"""The loop of a shard: claim units, process them in threads, commit what came out, until none is left or told to stop.

One thread commits. The rows of a batch of units, their ledger rows and the run's counters go into one SQL
transaction that also proves the lease; the claim of the next units rides in the same transaction.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from contextlib import closing, suppress
from functools import partial
from typing import Final, TypeVar

import msgspec
from msgspec.structs import replace

from synctl.engine.gauge import Gauge
from synctl.engine.pool import WorkPool
from synctl.engine.stop import StopReason, StopSignal
from synctl.errors import DatabaseUnreachable, FatalError, Fenced, ProcessDied, RejectedError, Unstorable
from synctl.resource import Session
from synctl.states import REQUESTED, RunState, outcome
from synctl.store import ledger, runs, shards
from synctl.store.db import Database, Transaction
from synctl.store.ledger import Claimed, Counters, Lease, Settled
from synctl.store.runs import TAKEN_OVER, Actor, Run
from synctl.words import shortfall

WAIT_S = 1.0
"""How long the loop waits for a unit before it looks around; a unit or a stop wakes it at once."""
MOST_PER_COMMIT = 32
"""Units in one transaction at most: some 12,000 rows, 50 ms, so that a stop never waits for a long commit."""
MOST_CRASHES = 3
"""Of processes that held a unit, the last ones nothing else, and died of what they did themselves."""
MOST_DEATHS = 20
"""Of whatever cause: hosts are switched off and processes killed, but hardly so often in a row at the same unit.

A container that is killed as a whole for its memory shows no other sign.
"""
ORDERLY: Final = frozenset({StopReason.PAUSE, StopReason.CANCEL, StopReason.SHUTDOWN})
"""Reasons to stop after which what is done may still be committed."""
DATABASE_PAUSE_S = 1.0
"""Between attempts to commit while the database refuses: a full disk, a restart."""

T = TypeVar("T")
log = logging.getLogger("synctl.runner")


class Ended(msgspec.Struct, frozen=True):
    """How a shard ended: why it stopped (None: no unit was left), and the run's state afterwards."""

    reason: StopReason | None
    state: RunState | None


class ShardRunner:
    """Runs one shard under one lease."""

    def __init__(
        self, *, database: Database, run: Run, lease: Lease, gauge: Gauge, stop: StopSignal, actor: Actor
    ) -> None:
        self._database = database
        self._run = run
        self._lease = lease
        self._gauge = gauge
        self._stop = stop
        self._actor = actor
        self._window = 0
        self._in_flight = 0
        self._next = run.total * lease.shard // run.shards
        self._stalled = False

    def drain(self, session: Session, concurrency: int) -> Ended:
        """Work until no unit is left or the shard must stop; settle what that means for the run."""
        try:
            with closing(session), WorkPool(session, concurrency, self._stop) as pool:
                self._stop.on_request(pool.wake)
                self._stop.on_request(session.close)  # a request that hangs ends now, not at its time-out
                self._window = max(2 * concurrency, 4)
                self._loop(pool)
            if self._stop.reason is None:
                return Ended(None, self._finish())
        except Fenced as fenced:
            self._tell(fenced)
            self._stop.request(StopReason.LOST)
        except DatabaseUnreachable as error:
            log.error("stopped while the database refused: %s", error)
        return self._stopped()

    def confirm(self) -> RunState | None:
        """Return the run's state as SQL has it, None if the shard is no longer ours. For the ticker's thread."""
        with self._database.read() as transaction:
            row = transaction.one(
                "SELECT r.state FROM run r JOIN run_shard s ON s.run_seq = r.seq"
                " WHERE r.seq = :run AND s.shard = :shard AND s.epoch = :epoch",
                run=self._lease.run_seq,
                shard=self._lease.shard,
                epoch=self._lease.epoch,
            )
        return RunState(row["state"]) if row else None

    def _loop(self, pool: WorkPool) -> None:
        settled: list[Settled] = []
        while not self._stop.is_set():
            room = self._window - self._in_flight + len(settled)
            claimed = self._commit(settled, room)
            self._in_flight += len(claimed) - len(settled)
            if claimed:
                self._next = claimed[-1].ordinal + 1
            if self._in_flight == 0:
                return
            settled = self._given_up(claimed)
            if settled:
                continue
            for unit in claimed:
                pool.submit(unit)
            settled = self._await(pool)
            self._gauge.current = pool.current
            fatal = next((result.error for result in settled if isinstance(result.error, FatalError)), None)
            if fatal is not None:
                self._commit([result for result in settled if not isinstance(result.error, FatalError)], room=0)
                raise fatal  # the run ends, and its unit stays to be done like those not begun
        if settled and self._stop.reason in ORDERLY:
            self._commit_whole(settled[:MOST_PER_COMMIT], 0)  # rather than to ask for them again

    def _given_up(self, claimed: Sequence[Claimed]) -> list[Settled]:
        """Settle a unit at which too many processes died, instead of trying it again. It was claimed alone."""
        errors = [
            (unit, ProcessDied(unit.deaths, unit.crashes))
            for unit in claimed
            if unit.crashes >= MOST_CRASHES or unit.deaths >= MOST_DEATHS
        ]
        for unit, error in errors:
            log.error("unit %s is given up: %s", unit.key, error)
        return [Settled(unit, 0, attempts=error.attempts, error=error) for unit, error in errors]

    def _await(self, pool: WorkPool) -> list[Settled]:
        while not self._stop.is_set():
            settled = pool.settled(timeout=WAIT_S, enough=min(self._in_flight, self._window // 2))
            if settled:
                self._stalled = False
                return settled
            if self._gauge.stalled_s and not self._stalled:
                self._stalled = True
                self._note_stall()
        return []

    def _note_stall(self) -> None:
        """Leave it in the audit trail: that is where stalls are counted."""
        note = f"stalled: no unit for {self._gauge.stalled_s:.0f} s"
        log.warning("%s shard %d is %s", self._run.id, self._lease.shard, note)

        def record(transaction: Transaction) -> None:
            ledger.guard(transaction, self._lease)
            state = runs.get(transaction, self._run.id).state
            runs.record(transaction, self._run.id, "stalled", state, self._actor, f"shard {self._lease.shard}: {note}")

        self._patiently(record)

    def _commit(self, settled: Sequence[Settled], room: int) -> list[Claimed]:
        """Commit what is settled, in steps, and claim as many units as there is room for."""
        claimed: list[Claimed] = []
        for start in range(0, max(len(settled), 1), MOST_PER_COMMIT):
            if self._stop.is_set():
                return []
            step = settled[start : start + MOST_PER_COMMIT]
            last = start + MOST_PER_COMMIT >= len(settled)
            claimed = self._commit_whole(step, room if last else 0)
        return claimed

    def _commit_whole(self, step: Sequence[Settled], room: int) -> list[Claimed]:
        """Commit a step at once; where the database refuses a unit's rows, each alone, and that one as failed."""
        try:
            counters, claimed = self._patiently(partial(self._step, settled=step, room=room))
        except Unstorable as error:
            if not step or (len(step) == 1 and step[0].error is not None):
                raise
            if len(step) == 1:
                log.error("unit %s: %s", step[0].unit.key, error)
                return self._commit_whole([replace(step[0], error=RejectedError(str(error)), parts=())], room)
            for result in step:
                self._commit_whole([result], 0)
            return self._commit_whole([], room)
        if counters is not None:
            self._gauge.committed(len(step), sum(result.row_count for result in step), counters)
        return claimed

    def _step(
        self, transaction: Transaction, settled: Sequence[Settled], room: int
    ) -> tuple[Counters | None, list[Claimed]]:
        counters = None
        if settled:
            counters = ledger.commit(transaction, self._lease, settled, self._run.resource, self._run.source)
        else:
            ledger.guard(transaction, self._lease)
        return counters, self._claim(transaction, room) if room else []

    def _claim(self, transaction: Transaction, room: int) -> list[Claimed]:
        """Claim units as there is room for; suspects come last, one at a time.

        Each shard begins at a place of its own: units that follow each other have much in common.
        """
        claimed = ledger.claim(transaction, self._lease, room, self._next)
        return claimed or (ledger.claim_suspect(transaction, self._lease) if room == self._window else [])

    def _finish(self) -> RunState | None:
        """No unit is left to claim: end the run if all are settled, else leave that to those that hold the rest."""

        def finish(transaction: Transaction) -> RunState | None:
            ledger.guard(transaction, self._lease)
            run = runs.get(transaction, self._run.id)
            if run.settled < run.total:
                shards.leave(transaction, self._lease)
                return run.state
            return self._conclude(transaction, run)

        return self._patiently(finish)

    def _conclude(self, transaction: Transaction, run: Run) -> RunState:
        shards.dissolve(transaction, run.seq)
        result = outcome(done=run.done, failed=run.failed)
        runs.transition(transaction, run, result, self._actor, reason=shortfall(run.failed, run.total))
        return result

    def _stopped(self) -> Ended:
        """Turn the reason of the stop into a fact. Fenced: the shard is somebody else's, so nothing is written."""
        reason = self._stop.reason
        if reason in (None, StopReason.LOST):
            return Ended(reason, None)
        try:
            with self._database.write() as transaction:
                return Ended(reason, self._give_back(transaction))
        except Fenced as fenced:
            self._tell(fenced)
            return Ended(StopReason.LOST, None)
        except DatabaseUnreachable as error:
            # Nothing is lost: what was leased comes back when the reaper finds the lease gone.
            log.error("%s", error)
            return Ended(reason, None)

    def _tell(self, fenced: Fenced) -> None:
        """Log an error where somebody else took the shard. That another shard ended or paused the run is usual."""
        level = logging.ERROR
        with suppress(DatabaseUnreachable), self._database.read() as transaction:
            taken = runs.events(transaction, self._run.id, runs.ALL, kinds=(TAKEN_OVER,))
            if not any(event["reason"].startswith(f"{self._lease.holder} ") for event in taken):
                level = logging.INFO
        log.log(level, "%s", fenced)

    def _give_back(self, transaction: Transaction) -> RunState:
        ledger.guard(transaction, self._lease)
        run = runs.get(transaction, self._run.id)
        if run.settled == run.total:  # the last unit committed before the request was seen
            return self._conclude(transaction, run)
        fact = REQUESTED.get(run.state)
        if fact is not None:
            # The fence falls for all shards at once: nobody commits after the fact.
            shards.dissolve(transaction, run.seq)
            runs.transition(transaction, run, fact, self._actor, reason=run.reason)
            return fact
        if shards.stand_by(transaction, self._lease) == 0:
            why = self._stop.detail or "its worker was shut down"
            runs.transition(transaction, run, RunState.QUEUED, self._actor, reason=why)
            return RunState.QUEUED
        return run.state

    def _patiently(self, step: Callable[[Transaction], T]) -> T:
        """Run a step in a write transaction; while the database refuses, wait and try again unless told to stop."""
        while True:
            try:
                with self._database.write() as transaction:
                    result = step(transaction)
            except DatabaseUnreachable as error:
                log.error("%s; trying again", error)
                self._gauge.note = f"waiting for the database: {error}"
                if self._stop.wait(DATABASE_PAUSE_S):
                    raise
            else:
                self._gauge.note = ""
                return result
