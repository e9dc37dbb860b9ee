"""The live progress of a run: one Redis hash, written ten times a second by its shards, read by whoever looks.

The write renews the shard's lease and reads the control flag in the same round trip.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from synctl.clock import now_ms
from synctl.engine import keys

if TYPE_CHECKING:
    from redis import Redis

    from synctl.store.ledger import Lease

COUNTERS = ("done", "failed", "quarantined", "unchanged", "rows", "total")
KEEP_S = 3600
"""How long the hash outlives its last write: an observer that comes late still sees how it ended."""
FRESH_MS = 3000
"""A shard that has not written for this long shows no rate."""

# The lease: renewed if it is ours or gone (Redis was wiped: SQL's epoch still decides who may commit),
# refused if it is somebody else's. Counters only rise: the shards of a run write in no order.
_TICK = """
local held = redis.call('GET', KEYS[2])
if held and held ~= ARGV[1] then return {0, ''} end
redis.call('SET', KEYS[2], ARGV[1], 'PX', ARGV[2])
for i = 6, #ARGV, 2 do
  local before = tonumber(redis.call('HGET', KEYS[1], ARGV[i]) or '-1')
  if tonumber(ARGV[i + 1]) > before then redis.call('HSET', KEYS[1], ARGV[i], ARGV[i + 1]) end
end
redis.call('HSET', KEYS[1], ARGV[4], ARGV[5])
redis.call('EXPIRE', KEYS[1], ARGV[3])
return {1, redis.call('HGET', KEYS[1], 'control') or ''}
"""
_RELEASE = "if redis.call('GET', KEYS[1]) == ARGV[1] then return redis.call('DEL', KEYS[1]) end return 0"


class ShardProgress(msgspec.Struct, frozen=True, kw_only=True):
    """What one shard says of itself.

    Rates are per second over the last ten seconds in which it could work. `waits`: the upstream's host is closed to
    it, for `wait_s` more seconds. `stalled_s`: for so long it has done no unit, 0 while that is nothing unusual.
    `ended`: it has given up its lease, and these were its last words.
    """

    holder: str
    at: int
    current: str = ""
    unit_rate: float = 0.0
    row_rate: float = 0.0
    note: str = ""
    waits: bool = False
    wait_s: float = 0.0
    stalled_s: float = 0.0
    ended: bool = False


class Progress(msgspec.Struct, frozen=True):
    """A run's hash, read. Counters are None where no shard has written yet."""

    done: int | None = None
    failed: int | None = None
    quarantined: int | None = None
    unchanged: int | None = None
    rows: int | None = None
    total: int | None = None
    control: str = ""
    shards: tuple[ShardProgress, ...] = ()

    @property
    def holding(self) -> tuple[ShardProgress, ...]:
        """The shards that somebody holds, or held when it died."""
        return tuple(shard for shard in self.shards if not shard.ended)

    @property
    def unit_rate(self) -> float:
        """Units a second over all shards that are alive."""
        return sum(shard.unit_rate for shard in self._fresh if not shard.waits)

    @property
    def row_rate(self) -> float:
        """Rows a second over all shards that are alive."""
        return sum(shard.row_rate for shard in self._fresh if not shard.waits)

    @property
    def eta_s(self) -> float | None:
        """Seconds until the last unit at the usual pace, after what has to be waited; None where nothing is known."""
        pace = sum(shard.unit_rate for shard in self._fresh)
        if self.total is None or self.done is None or self.failed is None or pace <= 0:
            return None
        wait = max((shard.wait_s for shard in self._fresh), default=0.0)
        return wait + max(0, self.total - self.done - self.failed) / pace

    @property
    def stalled_s(self) -> float:
        """For how long the shard that is stuck the longest has done no unit; 0: none is stuck."""
        return max((shard.stalled_s for shard in self._fresh), default=0.0)

    @property
    def _fresh(self) -> tuple[ShardProgress, ...]:
        oldest = now_ms() - FRESH_MS
        return tuple(shard for shard in self.shards if shard.at >= oldest)


class ProgressWriter:
    """The writing side, for one shard."""

    def __init__(self, client: Redis, lease: Lease, lease_ttl_ms: int) -> None:
        self._lease = lease
        self._ttl = lease_ttl_ms
        self._keys = [keys.progress(lease.run_id), keys.lease(lease.run_id, lease.shard)]
        self._tick = client.register_script(_TICK)
        self._release = client.register_script(_RELEASE)

    def tick(self, counters: Sequence[tuple[str, int]], shard: ShardProgress) -> tuple[bool, str]:
        """Renew the lease and write progress; return whether the lease is ours, and the control flag."""
        arguments: list[Any] = [self._lease.token, self._ttl, KEEP_S, f"shard:{self._lease.shard}"]
        arguments.append(msgspec.json.encode(shard))
        for pair in counters:
            arguments.extend(pair)
        ours, control = self._tick(keys=self._keys, args=arguments)
        return bool(ours), control

    def release(self) -> None:
        """Give up the lease, if it is still ours, so that nobody has to wait until it ends by itself."""
        self._release(keys=self._keys[1:], args=[self._lease.token])


def read(client: Redis, run_ids: Sequence[str]) -> dict[str, Progress]:
    """Return the progress of several runs in one round trip. Changes nothing."""
    pipeline = client.pipeline(transaction=False)
    for run_id in run_ids:
        pipeline.hgetall(keys.progress(run_id))
    return dict(zip(run_ids, map(_progress, pipeline.execute()), strict=True))


def leases(client: Redis, shards: Sequence[tuple[str, int]]) -> list[bool]:
    """Return which of the (run id, shard) pairs have a living holder. Changes nothing."""
    return [token is not None for token in client.mget([keys.lease(*shard) for shard in shards])] if shards else []


def flag(client: Redis, run_id: str, control: str) -> None:
    """Raise a control flag; the shards see it within a tenth of a second."""
    pipeline = client.pipeline()
    pipeline.hset(keys.progress(run_id), "control", control)
    pipeline.expire(keys.progress(run_id), KEEP_S)
    pipeline.execute()


def release_lease(client: Redis, key: str, token: str) -> None:
    """Remove a lease if `token` still holds it: by now it may be somebody else's."""
    client.eval(_RELEASE, 1, key, token)


def unflag(client: Redis, run_id: str) -> None:
    """Take the control flag back."""
    client.hdel(keys.progress(run_id), "control")


def forget(client: Redis, run_id: str) -> None:
    """Drop the hash: the run is deleted, or starts anew."""
    client.delete(keys.progress(run_id))


def _progress(raw: dict[str, str]) -> Progress:
    shards = tuple(
        msgspec.json.decode(value, type=ShardProgress)
        for name, value in sorted(raw.items())
        if name.startswith("shard:")
    )
    numbers = {name: int(raw[name]) for name in COUNTERS if name in raw}
    return Progress(**numbers, control=raw.get("control", ""), shards=shards)
