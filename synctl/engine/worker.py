"""The RQ worker of one queue: shuts down without losing a unit, and never leaves an orphan that writes.

What differs from RQ's own worker, and why, was measured on rq 3.0:
- SIGTERM reaches the work horse as a flag, so a long shard checkpoints and requeues itself within a second;
  RQ would wait for its end, or kill it.
- The horse dies with its worker (PR_SET_PDEATHSIG); RQ would leave it writing.
- A horse that dies is replaced at once, and idle workers reap what others left every two seconds; RQ would
  notice after minutes.
- One queue per worker: on two, RQ loses jobs on SIGTERM.
- The thread that listens for RQ's commands is told to stop before it is woken; RQ does it the other way round, and
  now and then the end took a second longer.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import socket
import sys
import uuid
from contextlib import closing, suppress
from typing import Any

from redis.client import PubSubWorkerThread
from redis.exceptions import RedisError
from rq import Worker, worker_registration
from rq.exceptions import StopRequested
from rq.job import Job
from rq.queue import Queue

from synctl.config import Settings
from synctl.engine import cores, heap, keys, lease, postmortem, queues, registry
from synctl.engine.connect import connect_worker
from synctl.engine.job import JOB_CONTEXT, JobContext
from synctl.engine.reaper import Reaper
from synctl.engine.retention import Housekeeper
from synctl.errors import SynctlError
from synctl.log import bound
from synctl.resource import Preloaded, Resource
from synctl.store import shards
from synctl.store.db import Database, open_database
from synctl.store.identity import identity_of
from synctl.store.runs import Actor

WORKER_TTL_S = 17
"""RQ blocks for this less 15 s: an idle worker looks around every two seconds."""
MONITORING_S = 2
"""How often the worker renews what RQ keeps of a running job."""
PR_SET_PDEATHSIG = 1

log = logging.getLogger("synctl.worker")


class SyncWorker(Worker):
    """Works on the queue of one resource."""

    log_result_lifespan = False
    pubsub_thread: PubSubWorkerThread | None  # type: ignore[assignment]  # rq is typed by the None it begins with

    def __init__(self, settings: Settings, redis_url: str, resource: str) -> None:
        self._settings = settings
        self._redis_url = redis_url
        self._resource = resource
        self._shutting_down = False
        self._oom_kills = 0  # until the horse was forked
        self._client = connect_worker(redis_url, decode=True)
        self._housekeeper = Housekeeper(self._client, settings.retention)
        super().__init__(
            [keys.queue(resource)],
            name=f"{resource}-{socket.gethostname()}-{os.getpid()}-{uuid.uuid4().hex[:6]}",
            connection=connect_worker(redis_url),
            worker_ttl=WORKER_TTL_S,
            job_monitoring_interval=MONITORING_S,
            maintenance_interval=1,
            log_job_description=False,
        )
        loaded = registry.load(resource)  # once, for every horse to inherit
        if isinstance(loaded, Preloaded):
            loaded.preload(settings)
            self._look_ahead(loaded)
        self.log.addFilter(_told_in_a_line)
        log.info("%s listens on %s", self.name, keys.queue(resource))

    def _look_ahead(self, loaded: Resource) -> None:
        """Have horses inherit what is found of this machine, as the 356 time zones of cities."""
        try:
            with closing(open_database(self._settings.database_url)) as database:
                loaded.prerequisites(database, self._settings)
        except Exception:  # whatever it is, the first job tells it
            log.debug("nothing was found out before the first job", exc_info=True)

    def register_birth(self) -> None:
        """Tell whoever queues runs where this worker looks for them, too."""
        introduction: list[str] = []
        with suppress(SynctlError), closing(open_database(self._settings.database_url)) as database:
            introduction = _introduction(database)
        super().register_birth()  # type: ignore[no-untyped-call]
        if introduction:
            self.connection.hset(self.key, items=introduction)

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Fork a horse that knows our settings."""
        self._oom_kills = postmortem.oom_kills()
        JOB_CONTEXT.set(JobContext(self._settings, self._redis_url, self.name, shutdown=lambda: self._shutting_down))
        super().execute_job(job, queue)

    def setup_work_horse_signals(self) -> None:
        """In the horse: die with the worker; take SIGTERM as a flag that the ticker reads."""
        worker = os.getppid()
        _die_with_parent(signal.SIGKILL)
        if os.getppid() != worker:  # it died between the fork and the line above
            os._exit(1)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        signal.signal(signal.SIGTERM, self._flag_shutdown)

    def main_work_horse(self, job: Job, queue: Queue) -> None:
        """In the horse: work."""
        cores.work_in_batch()
        heap.settle()
        super().main_work_horse(job, queue)

    def handle_warm_shutdown_request(self) -> None:
        """In the worker: tell the horse, which checkpoints, requeues and ends."""
        log.info("shutting down%s", " after the checkpoint of the running shard" if self.horse_pid else "")
        if self.horse_pid:
            self.kill_horse(signal.SIGTERM)

    def kill_horse(self, sig: signal.Signals = signal.SIGKILL) -> None:
        """Signal the horse and what it has started.

        RQ asks for its process group, and one that was forked just now may still be in ours, with the supervisor.
        """
        with suppress(OSError):  # it is dead, or a group of its own already
            os.setpgid(self.horse_pid, self.horse_pid)
        super().kill_horse(sig)

    def maintain_heartbeats(self, job: Job, execution: Any) -> None:
        """Every two seconds beside a horse. Tells it again to shut down: the first word may have come too early.

        Where Redis refuses, the horse stops by itself at a checkpoint; our end would only kill it.
        """
        try:
            super().maintain_heartbeats(job, execution)
        except RedisError as error:
            log.error("Redis: %s", error)
        if self._stop_requested and self.horse_pid:
            self.kill_horse(signal.SIGTERM)

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Seconds after which RQ thinks a running job abandoned: three missed renewals, not a minute."""
        return 3 * MONITORING_S

    def unsubscribe(self) -> None:
        """At the end. The answer to UNSUBSCRIBE wakes the thread that listens: it has to find then that it is to stop.

        Else it goes round once more, waits for a channel that nobody will subscribe to, and RQ gives it a second.
        """
        if self.pubsub_thread is not None:
            self.pubsub_thread.stop()
        super().unsubscribe()  # type: ignore[no-untyped-call]

    def run_maintenance_tasks(self) -> None:
        """RQ's own, then what dead workers left, then what old runs left."""
        super().run_maintenance_tasks()  # type: ignore[no-untyped-call]  # rq is only partly typed
        self._reap()

    def handle_work_horse_killed(self, job: Job, retpid: Any, ret_val: Any, rusage: Any) -> None:
        """Our horse died without a word (kill -9, out of memory): its shard goes on at once."""
        run_id, shard, _attempt = job.args
        with bound(run=run_id, shard=shard):
            log.error("the work horse %s of %s died (wait status %s)", retpid, job.id, ret_val)
            out_of_memory = postmortem.oom_kills() > self._oom_kills
            crashed = postmortem.crashed(ret_val or 0, out_of_memory=out_of_memory)
            self._replace_horse(job, run_id, shard, retpid, crashed=crashed)

    def _flag_shutdown(self, _signal: int, _frame: object) -> None:
        self._shutting_down = True

    def _replace_horse(self, job: Job, run_id: str, shard: int, retpid: Any, *, crashed: bool) -> None:
        try:
            lease.break_lease(self._client, run_id, shard, f"{socket.gethostname()}:{retpid}")
            with closing(open_database(self._settings.database_url)) as database:
                reaper = self._reaper(database)
                with database.read() as transaction:
                    mine = [one for one in shards.expected(transaction, run_id) if one.job_id == job.id]
                for one in mine:
                    reaper.requeue(one, crashed=crashed)
        except (SynctlError, RedisError) as error:
            log.error("%s was not queued again, a reaper will: %s", job.id, error)

    def _reap(self) -> None:
        try:
            with closing(open_database(self._settings.database_url)) as database:
                for finding in self._reaper(database).reap():
                    log.warning("%s: %s", finding.what, finding.action, extra={"run": finding.run_id})
                self._housekeeper.tend(database, self._actor())
                self._stay_known(database)
        except (SynctlError, RedisError) as error:
            log.error("cannot reap now: %s", error)
        except StopRequested:  # SIGTERM came in the middle: RQ's handler raises that, wherever an idle worker is
            raise
        except Exception:  # a run that cannot be judged must not end the workers of all resources
            log.exception("cannot reap now")

    def _stay_known(self, database: Database) -> None:
        """Register again where Redis was wiped, or the database is another one by now. RQ's heartbeat would not."""
        introduction = _introduction(database)
        if self._client.hmget(self.key, "pid", queues.LEDGER) == [str(self.pid), introduction[1]]:
            return
        with self.connection.pipeline() as pipeline:
            pipeline.hset(self.key, mapping={**self.serialize(), "state": self.get_state()})
            pipeline.hset(self.key, items=introduction)
            worker_registration.register(self, pipeline)
            pipeline.expire(self.key, self.worker_ttl + 60)
            pipeline.execute()

    def _reaper(self, database: Database) -> Reaper:
        return Reaper(database, self._client, self.connection, self._actor())

    def _actor(self) -> Actor:
        return Actor.this_process(f"worker {self.name}")


def _introduction(database: Database) -> list[str]:
    return [queues.LEDGER, identity_of(database), queues.DATABASE, database.location]


def _told_in_a_line(record: logging.LogRecord) -> bool:
    """Have RQ tell of a Redis that is gone as we do: its traceback says nothing that helps."""
    error = record.exc_info[1] if record.exc_info else None
    if isinstance(error, RedisError):
        record.msg, record.args = f"{record.getMessage()} Redis: {error}", ()
        record.exc_info = record.exc_text = None
    return True


def _die_with_parent(number: signal.Signals) -> None:
    """Have the kernel send us a signal when the process that forked us ends. Linux only; elsewhere the fence serves."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, number, 0, 0, 0)


def die_with_supervisor(pid: int) -> None:
    """In a worker that a supervisor started: shut down cleanly when it is gone, and at once if it is gone already."""
    _die_with_parent(signal.SIGTERM)
    if sys.platform == "linux" and os.getppid() != pid:
        raise SystemExit(0)
