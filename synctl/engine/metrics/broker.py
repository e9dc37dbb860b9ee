"""Metrics of Redis: queues, workers, live runs, and the way to each upstream. Only commands that read are sent."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import suppress
from typing import Final

from redis import Redis
from redis.exceptions import NoPermissionError

from synctl.clock import now_ms
from synctl.config import Settings
from synctl.engine import hosts, keys, leader, progress, queues, tally
from synctl.engine.metrics.declared import Histogram, Sample
from synctl.states import LIVE
from synctl.store import runs, shards
from synctl.store.db import Transaction

MOST_RUNS: Final = 50
"""Live runs that have a heartbeat of their own: a name is kept by Prometheus for as long as anything is."""
_STATES: Final = ("idle", "busy")


def memory(client: Redis) -> Iterator[Sample]:
    """What Redis uses of its memory. A user who may not ask for it goes without."""
    with suppress(NoPermissionError):
        info = client.info("memory")
        yield Sample("synctl_redis_memory_bytes", (), info.get("used_memory", 0))
        yield Sample("synctl_redis_memory_limit_bytes", (), info.get("maxmemory", 0))


def work(client: Redis, resources: Sequence[str]) -> Iterator[Sample]:
    """What waits in each queue, and who listens."""
    found = queues.workers(client)
    for resource in resources:
        jobs = queues.depth(client, resource) + client.llen(keys.rq_intermediate(resource))
        yield Sample("synctl_queue_jobs", (resource,), jobs)
        mine = [one for one in found if keys.queue(resource) in one.queue.split(",")]
        alive = Counter(one.state for one in mine if one.silent_s <= queues.STALE_S)
        for state in dict.fromkeys((*_STATES, *alive)):
            yield Sample("synctl_workers", (resource, state), alive[state])
        yield Sample("synctl_workers_silent", (resource,), len(mine) - alive.total())


def scheduler(client: Redis, settings: Settings) -> Iterator[Sample]:
    """Whether anybody queues what is scheduled; nothing where nothing is."""
    if settings.schedule:
        yield Sample("synctl_scheduler_up", (), int(leader.holder(client, keys.SCHEDULER) is not None))


def live(client: Redis, transaction: Transaction, resources: Sequence[str]) -> Iterator[Sample]:
    """How live runs are: their heartbeats, who holds their shards, whether they get anywhere."""
    running = runs.listing(transaction, states=LIVE, limit=runs.ALL)
    states = progress.read(client, [run.id for run in running]) if running else {}
    now = now_ms()
    for run in running[:MOST_RUNS]:
        written = max((shard.at for shard in states[run.id].shards), default=run.started_at or run.created_at)
        yield Sample("synctl_heartbeat_age_seconds", (run.resource, run.id), max(0.0, (now - written) / 1000))
    of_live = {run.id for run in running}
    expected = [shard for shard in shards.expected(transaction) if shard.run_id in of_live]
    held = progress.leases(client, [(shard.run_id, shard.shard) for shard in expected])
    by_lease = Counter((shard.resource, mine) for shard, mine in zip(expected, held, strict=True))
    stalled = Counter(run.resource for run in running if states[run.id].stalled_s)
    for resource in resources:
        yield Sample("synctl_shards", (resource, "held"), by_lease[resource, True])
        yield Sample("synctl_shards", (resource, "free"), by_lease[resource, False])
        yield Sample("synctl_stalled_runs", (resource,), stalled[resource])


def upstreams(client: Redis, settings: Settings) -> Iterator[Sample]:
    """Of each host that is configured: what was asked, and how much of its budget is in use."""
    states = {state.host: state for state in hosts.hosts(client, settings)}
    pipeline = client.pipeline(transaction=False)
    for host in states:
        pipeline.hgetall(keys.requests(host))
    for (host, state), raw in zip(states.items(), pipeline.execute(), strict=True):
        yield from _requests(host, tally.requests(raw))
        yield Sample("synctl_upstream_in_flight", (host,), state.under_way)
        yield Sample("synctl_upstream_in_flight_limit", (host,), state.most)
        yield Sample("synctl_upstream_rate_limit", (host,), state.rate)
        yield Sample("synctl_upstream_reserved_seconds", (host,), state.ahead_s)
        yield Sample("synctl_upstream_closed_seconds", (host,), state.closed_s)
        yield Sample("synctl_upstream_failing", (host,), int(bool(state.why)))


def _requests(host: str, counted: tally.Requests) -> Iterator[Sample]:
    for status, buckets in counted.buckets.items():
        duration = Histogram(buckets, counted.seconds[status])
        yield Sample("synctl_upstream_request_duration_seconds", (host, status), duration)
    yield Sample("synctl_upstream_limited_total", (host,), counted.limited)
    yield Sample("synctl_upstream_retries_total", (host,), counted.retries)
