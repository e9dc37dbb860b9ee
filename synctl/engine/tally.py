"""What upstreams were asked: counted in the process, added up for the fleet in Redis once a second.

A hash for each host. They are lost with Redis, and then start from 0, as Prometheus expects of counters.
"""

from __future__ import annotations

import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec
from redis import Redis

from synctl.engine import keys

BUCKETS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Upper bounds in seconds: a cached answer takes 50 ms, a year of prayer times a second, and 30 is the time-out."""
BEYOND: Final = "+Inf"
NO_ANSWER: Final = "none"
KEEP_S: Final = 30 * 86_400
"""Longer than any pause between syncs: a counter that starts again looks like one that was reset."""
_LIMITED, _RETRIES, _SUM = "limited", "retries", "sum"


class Requests(msgspec.Struct, frozen=True):
    """Of one host: for each class of status (`2xx`, `none`) requests by bucket and their seconds; limits, retries."""

    buckets: Mapping[str, Sequence[int]] = msgspec.field(default_factory=dict)
    seconds: Mapping[str, float] = msgspec.field(default_factory=dict)
    limited: int = 0
    retries: int = 0


class Tally:
    """Counts for one process. Safe for many threads."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._counts: dict[str, Counter[str]] = defaultdict(Counter)
        self._seconds: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))

    def request(self, host: str, status: int | None, seconds: float, *, again: bool) -> None:
        """Count a request and how long it took to its last byte; `status` None: there was no whole answer."""
        kind = NO_ANSWER if status is None else f"{status // 100}xx"
        with self._guard:
            self._counts[host][f"{kind}:{_bucket(seconds)}"] += 1
            self._seconds[host][kind] += seconds
            if again:
                self._counts[host][_RETRIES] += 1

    def limited(self, host: str) -> None:
        """Count an answer that limits us."""
        with self._guard:
            self._counts[host][_LIMITED] += 1

    def flush(self, client: Redis) -> None:
        """Add to Redis what was counted since the last time, in one round trip; none where there is nothing.

        What a Redis that does not answer was told is told again: after a lost answer it is counted twice.
        """
        with self._guard:
            counts, self._counts = self._counts, defaultdict(Counter)
            seconds, self._seconds = self._seconds, defaultdict(lambda: defaultdict(float))
        if not counts:
            return
        try:
            self._add(client, counts, seconds)
        except BaseException:
            self._take_back(counts, seconds)
            raise

    def _add(
        self, client: Redis, counts: Mapping[str, Counter[str]], seconds: Mapping[str, Mapping[str, float]]
    ) -> None:
        pipeline = client.pipeline()
        for host, fields in counts.items():
            key = keys.requests(host)
            for name, number in fields.items():
                pipeline.hincrby(key, name, number)
            for kind, took in seconds.get(host, {}).items():
                pipeline.hincrbyfloat(key, f"{kind}:{_SUM}", took)
            pipeline.expire(key, KEEP_S)
        pipeline.execute()

    def _take_back(self, counts: Mapping[str, Counter[str]], seconds: Mapping[str, Mapping[str, float]]) -> None:
        with self._guard:
            for host, fields in counts.items():
                self._counts[host].update(fields)
            for host, kinds in seconds.items():
                for kind, took in kinds.items():
                    self._seconds[host][kind] += took


def requests(raw: Mapping[str, str]) -> Requests:
    """Read a host's hash."""
    bounds = [_name(bound) for bound in BUCKETS] + [BEYOND]
    kinds = sorted({name.partition(":")[0] for name in raw if ":" in name})
    return Requests(
        buckets={kind: [int(raw.get(f"{kind}:{bound}", 0)) for bound in bounds] for kind in kinds},
        seconds={kind: float(raw.get(f"{kind}:{_SUM}", 0)) for kind in kinds},
        limited=int(raw.get(_LIMITED, 0)),
        retries=int(raw.get(_RETRIES, 0)),
    )


def _bucket(seconds: float) -> str:
    return next((_name(bound) for bound in BUCKETS if seconds <= bound), BEYOND)


def _name(bound: float) -> str:
    return f"{bound:g}"
