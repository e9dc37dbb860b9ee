"""Who holds which run, how alive they are, and who waits for it. Reads only."""

from __future__ import annotations

from collections import defaultdict

import msgspec
from redis import Redis

from synctl.clock import now_ms
from synctl.engine import progress, turns
from synctl.states import LIVE
from synctl.store import runs, shards
from synctl.store.db import Transaction
from synctl.store.runs import Run
from synctl.store.shards import Shard


class Holder(msgspec.Struct, frozen=True):
    """One shard of a live run. `heartbeat_s`: since its last sign of life, None where Redis knows of none."""

    run: Run
    shard: int
    host: str
    pid: int | None
    worker: str
    held_s: float
    heartbeat_s: float | None
    waiting: tuple[str, ...]

    def as_json(self) -> dict[str, object]:
        """Return the stable fields of `--json`."""
        return {
            "resource": self.run.resource,
            "run": self.run.id,
            "state": str(self.run.state),
            "shard": self.shard,
            "host": self.host,
            "pid": self.pid,
            "worker": self.worker,
            "held_s": round(self.held_s, 1),
            "heartbeat_age_s": None if self.heartbeat_s is None else round(self.heartbeat_s, 1),
            "waiting": list(self.waiting),
        }


def holders(transaction: Transaction, client: Redis | None) -> list[Holder]:
    """Return who works on live runs; `client` is None where there is no Redis to ask."""
    live = {run.id: run for run in runs.listing(transaction, states=LIVE, limit=runs.ALL)}
    held = [shard for shard in shards.expected(transaction) if shard.run_id in live and shard.epoch]
    waiting: dict[str, list[str]] = defaultdict(list)
    for run in turns.waiting(transaction):
        waiting[run.waits_for].append(run.id)
    beats = _heartbeats(client, list(live))
    return [_holder(live[shard.run_id], shard, beats, tuple(waiting[shard.run_id])) for shard in held]


def holding(transaction: Transaction, run_id: str) -> str:
    """Say of a run that others wait for who works on it: `running, held by vm:4711 for 12 s`."""
    now = now_ms()
    held = [shard for shard in shards.expected(transaction, run_id) if shard.epoch]
    state = runs.get(transaction, run_id).state
    if not held:
        return f"{state}, held by no worker"
    first, *others = dict.fromkeys(shard.holder.partition(" ")[0] for shard in held)
    since = min(shard.started_at or now for shard in held)
    more = f" and {len(others)} more" if others else ""
    return f"{state}, held by {first}{more} for {max(now - since, 0) // 1000} s"


def _holder(run: Run, shard: Shard, beats: dict[tuple[str, str], int], waiting: tuple[str, ...]) -> Holder:
    now = now_ms()
    place, _, worker = shard.holder.partition(" ")
    host, _, pid = place.rpartition(":")
    beat = beats.get((run.id, place))
    return Holder(
        run=run,
        shard=shard.shard,
        host=host,
        pid=int(pid) if pid.isdigit() else None,
        worker=worker.removeprefix("worker "),
        held_s=(now - (shard.started_at or now)) / 1000,
        heartbeat_s=None if beat is None else (now - beat) / 1000,
        waiting=waiting,
    )


def _heartbeats(client: Redis | None, run_ids: list[str]) -> dict[tuple[str, str], int]:
    if client is None or not run_ids:
        return {}
    live = progress.read(client, run_ids)
    return {(run_id, shard.holder): shard.at for run_id, one in live.items() for shard in one.shards}
