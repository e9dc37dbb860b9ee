"""RQ's part: a job for each shard, in the queue of its resource. Everything read here is read without changing it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec
from redis import Redis

from synctl.clock import now_ms
from synctl.engine import keys
from synctl.store.shards import Shard

if TYPE_CHECKING:
    from rq import Queue

JOB = "synctl.engine.job.drain"
RESULT_TTL_S = 300
"""RQ's results mean nothing to us, the ledger does; they stay a while for who looks with RQ's own tools."""
FAILURE_TTL_S = 86_400
LEDGER, DATABASE = "synctl_ledger", "synctl_database"
"""Fields of ours in what RQ keeps of a worker: which database it looks for runs in, and what that is called there."""
STALE_S = 30.0
"""A worker, idle or not, says every two seconds that it lives; Redis forgets it 77 s after its last word."""
NO_TIMEOUT = -1
"""A shard manages itself; RQ's default would kill it after three minutes."""


def load() -> type[Queue]:
    """Import RQ's queue: a tenth of a second that only enqueueing needs, and no run should have to wait for."""
    from rq import Queue  # noqa: PLC0415

    return Queue


def push(connection: Redis, shards: Iterable[Shard], *, at_front: bool = False) -> None:
    """Queue a job for each shard. `connection` must not decode responses. A job pushed twice ends at once."""
    queue = load()
    for shard in shards:
        queue(keys.queue(shard.resource), connection=connection).enqueue_call(
            JOB,
            args=(shard.run_id, shard.shard, shard.attempt),
            job_id=shard.job_id,
            timeout=NO_TIMEOUT,
            result_ttl=RESULT_TTL_S,
            failure_ttl=FAILURE_TTL_S,
            description=f"{shard.run_id} shard {shard.shard}",
            at_front=at_front,
        )


def require_writable(client: Redis) -> None:
    """Raise what Redis says if it takes no write: out of memory, a full disk, a user who may only read."""
    pipeline = client.pipeline()
    pipeline.set(keys.PROBE, "1")
    pipeline.delete(keys.PROBE)
    pipeline.execute()


def withdraw(client: Redis, shards: Iterable[Shard]) -> None:
    """Take jobs out of their queues. One that a worker has taken already ends by itself: the fence refuses it."""
    pipeline = client.pipeline()
    for shard in shards:
        pipeline.lrem(keys.rq_queue(shard.resource), 0, shard.job_id)
        pipeline.delete(keys.rq_job(shard.job_id))
    pipeline.execute()


def queued(client: Redis, shards: Iterable[Shard]) -> list[bool]:
    """Return which shards have a job waiting in a queue."""
    pipeline = client.pipeline(transaction=False)
    for shard in shards:
        pipeline.lpos(keys.rq_queue(shard.resource), shard.job_id)
    return [position is not None for position in pipeline.execute()]


class WorkerInfo(msgspec.Struct, frozen=True):
    """An RQ worker that is alive."""

    name: str
    queue: str
    state: str
    host: str
    pid: int
    last_heartbeat: str
    ledger: str = ""
    """The identity of its database; empty where it could not be asked for, or if an older synctl runs it."""
    database: str = ""
    """What that is called, without secrets."""

    @property
    def silent_s(self) -> float:
        """Seconds since its last sign of life."""
        try:
            said = datetime.fromisoformat(self.last_heartbeat).timestamp()
        except ValueError:  # it has just registered
            return 0.0
        return max(0.0, now_ms() / 1000 - said)

    def strange(self, ledger: str) -> bool:
        """Whether it is alive and takes jobs of runs that are in the database `ledger`, but looks in another.

        Either may be unknown, which is empty: then it is not.
        """
        return bool(ledger) and self.silent_s <= STALE_S and self.ledger not in ("", ledger)

    def looks_elsewhere(self) -> str:
        """Say where it looks for runs, as part of a sentence."""
        return f"{self.host}:{self.pid} looks for runs in another database, {self.database}"


def workers(client: Redis) -> list[WorkerInfo]:
    """Return the workers that are alive. RQ's own listing would remove stale entries; this one only reads."""
    names = sorted(str(name) for name in client.smembers(keys.RQ_WORKERS))
    pipeline = client.pipeline(transaction=False)
    for name in names:
        pipeline.hgetall(name)
    found = []
    for name, raw in zip(names, pipeline.execute(), strict=True):
        if raw and "death" not in raw and "pid" in raw:
            found.append(
                WorkerInfo(
                    name=name.removeprefix("rq:worker:"),
                    queue=raw.get("queues", ""),
                    state=raw.get("state", "?"),
                    host=raw.get("hostname", "?"),
                    pid=int(raw["pid"]),
                    last_heartbeat=raw.get("last_heartbeat", ""),
                    ledger=raw.get(LEDGER, ""),
                    database=raw.get(DATABASE, ""),
                )
            )
    return found


def depth(client: Redis, resource: str) -> int:
    """Return how many jobs wait in a resource's queue."""
    return int(client.llen(keys.rq_queue(resource)))
