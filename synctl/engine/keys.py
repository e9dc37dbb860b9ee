"""Every Redis key of synctl, spelled once. RQ's own keys start with `rq:`."""

from __future__ import annotations

PREFIX = "synctl"


PROBE = f"{PREFIX}:probe"
"""Written and removed in one transaction, to see whether Redis takes a write."""


def progress(run_id: str) -> str:
    """Hash: the live progress of a run, and the control flag its shards read."""
    return f"{PREFIX}:progress:{run_id}"


def lease(run_id: str, shard: int) -> str:
    """String with a TTL: the token of the process that works on a shard."""
    return f"{PREFIX}:lease:{run_id}:{shard}"


SCHEDULER = f"{PREFIX}:scheduler"
"""String with a TTL: the token of the process that queues what is scheduled."""


PRUNED = f"{PREFIX}:pruned"
"""String with a TTL: while it is there, somebody has seen to old runs already, or does so."""


def queue(resource: str) -> str:
    """Return the name of a resource's RQ queue."""
    return f"{resource}-sync"


def rq_queue(resource: str) -> str:
    """RQ's list of a queue's job ids."""
    return f"rq:queue:{queue(resource)}"


def rq_intermediate(resource: str) -> str:
    """RQ's list of jobs between the queue and a worker."""
    return f"{rq_queue(resource)}:intermediate"


def rq_job(job_id: str) -> str:
    """RQ's hash of a job."""
    return f"rq:job:{job_id}"


RQ_WORKERS = "rq:workers"
"""RQ's set of the keys of all workers."""


def budget(host: str) -> str:
    """When the next request to an upstream host is due, in milliseconds of Redis' clock."""
    return f"{PREFIX}:budget:{host}"


def host(name: str) -> str:
    """Hash: how an upstream host has failed since its last good answer, and until when it is closed."""
    return f"{PREFIX}:host:{name}"


def slots(name: str) -> str:
    """Sorted set: the requests to an upstream host under way, each with the moment it counts no more."""
    return f"{PREFIX}:slots:{name}"


def requests(name: str) -> str:
    """Hash: how many requests an upstream host was sent, how long they took and how they ended, over all runs."""
    return f"{PREFIX}:requests:{name}"
