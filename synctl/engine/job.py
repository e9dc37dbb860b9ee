"""The RQ job: take a shard's lease, run it, and see to what comes after."""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import closing, nullcontext
from contextvars import ContextVar

import msgspec
from redis import Redis
from redis.exceptions import RedisError

from synctl.config import Settings
from synctl.config.sources import Upstream
from synctl.engine import lease as leases
from synctl.engine import progress, registry, turns
from synctl.engine.connect import connect_ticker, connect_worker
from synctl.engine.gate import Gate
from synctl.engine.gauge import Gauge
from synctl.engine.progress import ProgressWriter
from synctl.engine.reaper import Reaper
from synctl.engine.runner import Ended, ShardRunner
from synctl.engine.stop import StopReason, StopSignal
from synctl.engine.ticker import CALL_PART, Ticker
from synctl.errors import DatabaseUnreachable, Fenced, SynctlError
from synctl.log import bound
from synctl.redact import redacted
from synctl.resource import Context, OpenGate, Resource
from synctl.states import RunState
from synctl.store import ledger, runs, shards
from synctl.store.db import Database, open_database
from synctl.store.ledger import Lease
from synctl.store.runs import Actor, Run

log = logging.getLogger("synctl.job")


class JobContext(msgspec.Struct, frozen=True):
    """What the worker gives its work horse: the settings it read once, and whether it was told to shut down."""

    settings: Settings
    redis_url: str
    worker: str
    shutdown: Callable[[], bool]


JOB_CONTEXT: ContextVar[JobContext] = ContextVar("JOB_CONTEXT")


def drain(run_id: str, shard: int, attempt: int) -> str:
    """Work on a shard until its run has no unit left or it must stop; return how it ended, for RQ's log.

    Engines, clients and sources are opened here, after the fork, and nowhere earlier.
    """
    context = JOB_CONTEXT.get()
    with bound(run=run_id, shard=shard), closing(open_database(context.settings.database_url)) as database:
        return _Job(context, database, run_id, shard, attempt).run()


class _Job:
    def __init__(self, context: JobContext, database: Database, run_id: str, shard: int, attempt: int) -> None:
        self._context = context
        self._settings = context.settings
        self._database = database
        self._run_id = run_id
        self._shard = shard
        self._attempt = attempt
        self._actor = Actor.this_process(f"worker {context.worker}")
        self._ttl_s = context.settings.redis.lease_ttl
        # A heartbeat that waits longer than the lease lives would find out too late.
        self._client = connect_ticker(context.redis_url, timeout=self._ttl_s * CALL_PART)

    def run(self) -> str:
        """Work on the shard until it is drained or has to be left; return what became of it, for RQ's own record."""
        try:
            return self._run()
        except DatabaseUnreachable as error:  # also at the very start: this process may have been frozen in between
            log.error("left to the reaper: %s", error)
            return f"left: {error}"

    def _run(self) -> str:
        try:
            lease = leases.acquire(
                self._database,
                self._client,
                self._run_id,
                self._shard,
                self._attempt,
                ttl_ms=round(self._ttl_s * 1000),
                actor=self._actor,
            )
        except Fenced as fenced:
            log.info("nothing to do: %s", fenced)  # other shards, or another process, have done it
            return f"fenced: {fenced}"
        except RedisError as error:  # it was there when the job was taken from it
            log.error("left to the reaper: Redis: %s", error)
            return f"left: Redis: {error}"
        with self._database.read() as transaction:
            run = runs.get(transaction, self._run_id)
        log.info("taken, epoch %d: %d of %d units are settled", lease.epoch, run.settled, run.total)
        try:
            ended = self._work(run, lease)
        except DatabaseUnreachable:  # no failure of the run, as other errors are
            raise
        except SynctlError as error:
            ended = self._fail(run, lease, str(error), error)
        except Exception as error:
            log.exception("unexpected %s", type(error).__name__)
            told = redacted(f"{type(error).__name__}: {error}")
            why = f"unexpected {told}; `synctl logs {run.id}` has the traceback"
            ended = self._fail(run, lease, why, error)
        self._afterwards(run, ended)
        told = ended.reason.name.lower() if ended.reason else "drained"
        if ended.state is not None:
            told = f"{told}: {ended.state}"
        log.info("ended, %s", told)
        return told

    def _work(self, run: Run, lease: Lease) -> Ended:
        stop = StopSignal()
        gauge = Gauge(lease.holder)
        gauge.show(run)
        runner = ShardRunner(database=self._database, run=run, lease=lease, gauge=gauge, stop=stop, actor=self._actor)
        gate = self._gate(run, stop, gauge)
        ticker = Ticker(
            writer=ProgressWriter(self._client, lease, round(self._ttl_s * 1000)),
            gauge=gauge,
            stop=stop,
            lease_ttl_s=self._ttl_s,
            confirm=runner.confirm,
            chore=gate.renew if gate else None,
            shutdown=self._context.shutdown,
        )
        with closing(gate) if gate else nullcontext(), ticker:
            resource = registry.load(run.resource)
            self._require(resource)
            context = Context(settings=self._settings, stop=stop, gate=gate or OpenGate())
            session = resource.open(run.source, context)
            return runner.drain(session, resource.concurrency(run.source, self._settings))

    def _gate(self, run: Run, stop: StopSignal, gauge: Gauge) -> Gate | None:
        limits = getattr(self._settings.sources, run.source, None)  # a plug-in's source has no settings here
        return Gate(self._client, limits, stop, gauge) if isinstance(limits, Upstream) else None

    def _require(self, resource: Resource) -> None:
        missing = resource.prerequisites(self._database, self._settings)
        if missing:
            raise SynctlError("; ".join(f"{lack.what}: {lack.mend}" for lack in missing))

    def _fail(self, run: Run, lease: Lease, reason: str, error: Exception) -> Ended:
        """The run cannot go on, whoever works on it: end it, fence its other shards, keep what is done.

        Only who still holds its shard may say so.
        """
        log.error("the run fails: %s", reason)
        try:
            with self._database.write() as transaction:
                ledger.guard(transaction, lease)
                shards.dissolve(transaction, run.seq)
                failed = runs.transition(
                    transaction, run, RunState.FAILED, self._actor, reason=reason, error_class=type(error).__name__
                )
        except (Fenced, DatabaseUnreachable) as refused:
            log.error("%s", refused)
            return Ended(StopReason.LOST, None)
        return Ended(None, RunState.FAILED if failed else None)

    def _afterwards(self, run: Run, ended: Ended) -> None:
        """Queue what is left, or what waited for this run to end.

        A shard that Redis failed or that was taken over is left to the reaper.
        """
        if ended.state is None or ended.reason in (StopReason.LOST, StopReason.SUSPENDED):
            return
        connection = connect_worker(self._context.redis_url)
        try:
            reaper = Reaper(self._database, self._client, connection, self._actor)
            if ended.state not in turns.IN_LINE:
                reaper.next_turns(run.resource)
            elif ended.reason is not None:
                if ended.reason in (StopReason.PAUSE, StopReason.CANCEL):
                    self._drop_stale_flag(connection)
                self._requeue(reaper)
        except (RedisError, SynctlError) as error:
            log.error("what comes after is left to a reaper: %s", error)
        finally:
            connection.close()

    def _requeue(self, reaper: Reaper) -> None:
        with self._database.read() as transaction:
            mine = [one for one in shards.expected(transaction, self._run_id) if one.shard == self._shard]
        for shard in mine:
            reaper.requeue(shard)

    def _drop_stale_flag(self, connection: Redis) -> None:
        """A flag whose request SQL does not know: it was raised late, after the run had gone on."""
        log.warning("a stale control flag was dropped")
        progress.unflag(connection, self._run_id)
