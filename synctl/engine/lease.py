"""The right to work on a shard: a key with a TTL in Redis, an epoch in SQL.

Redis tells quickly who is alive; only the epoch decides who may commit.
"""

from __future__ import annotations

import os
import secrets
import socket
from contextlib import suppress

from redis import Redis
from redis.exceptions import RedisError

from synctl.engine import keys, progress, turns
from synctl.errors import Fenced
from synctl.states import LIVE, RunState
from synctl.store import runs, shards
from synctl.store.db import Database
from synctl.store.ledger import Lease
from synctl.store.runs import Actor, Run


def acquire(
    database: Database, client: Redis, run_id: str, shard: int, attempt: int, *, ttl_ms: int, actor: Actor
) -> Lease:
    """Take a shard, and set the run running if it was queued.

    Raises Fenced if somebody holds it, if this attempt is out of date, or if the run is not to be worked on
    or not yet: the job that asked ends without a trace.
    """
    holder = f"{socket.gethostname()}:{os.getpid()}"
    token = f"{holder}:{secrets.token_hex(8)}"
    key = keys.lease(run_id, shard)
    if not client.set(key, token, nx=True, px=ttl_ms):
        raise Fenced(f"{run_id} shard {shard}: held by {client.get(key)!r}")
    try:
        run_seq, epoch = _take(database, run_id, shard, attempt, holder, actor)
    except BaseException:
        with suppress(RedisError):  # then it ends by itself
            progress.release_lease(client, key, token)
        raise
    return Lease(run_id, run_seq, shard, epoch, token, holder)


def _take(database: Database, run_id: str, shard: int, attempt: int, holder: str, actor: Actor) -> tuple[int, int]:
    """Return the run's `seq` and the shard's new epoch."""
    with database.write() as transaction:
        run = _workable(runs.find(transaction, run_id), run_id)
        # Of two that overlap and were queued at the same moment, the younger learns here that it has to wait.
        ahead = turns.line_up(transaction, run) if run.state is RunState.QUEUED else None
        if ahead is None:
            epoch = shards.acquire(transaction, run, shard, attempt, f"{holder} {actor.who}")
            runs.transition(transaction, run, RunState.RUNNING, actor, only_from={RunState.QUEUED})
            return run.seq, epoch
    raise Fenced(f"{run_id}: it waits for {ahead.id}")  # after the commit, which keeps the note of that


def _workable(run: Run | None, run_id: str) -> Run:
    if run is None:
        raise Fenced(f"{run_id}: no such run in this worker's database; it was deleted, or is of another")
    if run.state not in LIVE | {RunState.QUEUED}:
        raise Fenced(f"{run_id}: it is {run.state}")
    return run


def break_lease(client: Redis, run_id: str, shard: int, holder: str) -> None:
    """Remove the lease of a holder (host:pid) that is known to be dead, so that nobody waits for it to end."""
    key = keys.lease(run_id, shard)
    token = client.get(key)
    if token and str(token).rpartition(":")[0] == holder:
        progress.release_lease(client, key, str(token))
