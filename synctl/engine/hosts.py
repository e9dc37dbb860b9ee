"""How upstream hosts stand: their budget, requests under way, closures. Reads only, on Redis' clock."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import msgspec

from synctl.config.sources import Upstream
from synctl.engine import keys

if TYPE_CHECKING:
    from redis import Redis

    from synctl.config import Settings


class HostState(msgspec.Struct, frozen=True):
    """An upstream host. `rate`: requests a second, 0: no limit; `most` requests under way, 0: any number.

    `ahead_s`: for how long turns are given away already. `closed_s`: for how long it is closed to everybody, and `why`.
    """

    host: str
    source: str
    rate: float
    most: int
    under_way: int
    ahead_s: float
    closed_s: float
    why: str


def hosts(client: Redis, settings: Settings) -> list[HostState]:
    """Return the state of each source's host, in one round trip."""
    upstreams = list(_upstreams(settings))
    pipeline = client.pipeline(transaction=False)
    pipeline.time()
    for host, _, _ in upstreams:
        pipeline.get(keys.budget(host))
        pipeline.hmget(keys.host(host), "closed_until", "why", "open")
    answers = pipeline.execute()
    seconds, micros = answers[0]
    now = seconds * 1000 + micros / 1000
    slots = client.pipeline(transaction=False)
    for host, _, _ in upstreams:
        slots.zcount(keys.slots(host), now, "+inf")
    under_way = slots.execute()
    found = []
    for at, (host, source, limits) in enumerate(upstreams):
        due, (closed, why, is_open) = answers[1 + 2 * at], answers[2 + 2 * at]
        closed_ms = max(0.0, float(closed or 0) - now)
        found.append(
            HostState(
                host=host,
                source=source,
                rate=limits.rate,
                most=limits.in_flight,
                under_way=int(under_way[at]),
                ahead_s=max(0.0, float(due or 0) - now) / 1000,
                closed_s=closed_ms / 1000,
                why=(why or "") if closed_ms or is_open else "",
            )
        )
    return found


def _upstreams(settings: Settings) -> Iterator[tuple[str, str, Upstream]]:
    for name in settings.sources.names():
        source = settings.sources[name]
        if isinstance(source, Upstream):
            yield source.host, name, source
