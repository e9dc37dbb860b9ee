"""The way to an upstream host, one for the whole fleet: request rate, requests under way, closures, circuit breaker.

All of it lives in Redis, on Redis' own clock, so that no two machines differ about it.

- Rate: GCRA. A request reserves its turn and is told how long to sleep until then: nobody polls for it.
- Requests under way: a slot each, which ends by itself if its holder dies and no longer renews it.
- A host that limits us (429) is closed to everyone until its Retry-After has passed; one that fails or cannot be
  reached is closed for a while, longer each time. Then one request probes it, and the others wait for what becomes of
  that.
"""

from __future__ import annotations

import secrets
import threading
import time
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

from redis import Redis
from redis.exceptions import RedisError

from synctl.config.sources import Upstream
from synctl.engine import keys
from synctl.engine.pace import Pace
from synctl.engine.tally import Tally
from synctl.resource import Stop

RETRY_S = 0.5
"""Between attempts while Redis does not answer: without the budget nothing is asked of an upstream."""
ASK_AGAIN_S = 0.05
"""Between looks for a free slot."""
LONG_S = 5.0
"""Without a free slot for so long, it is what the shard waits for."""
CALM_S = 0.05
"""A host without limits that troubles nobody is looked at so often: a closure is known everywhere that much later."""
PROBE_LOOK_S = 0.1
"""Between looks at what became of another's probe."""
SLOT_MS = 15_000
"""A slot that is not renewed once a second ends: its holder died."""
KEEP_MS = 60_000
SILENCE_MS = 10_000
"""Beyond a time-out: when nobody asked for so long, an outage of before has not lasted until now."""
FORGET_MS = 3_600_000
"""After so long without a request, what a host did before says nothing."""
COOL_MS, COOL_CAP_MS = 2_000, 60_000
"""How long an open circuit is left alone: at first, and at most (doubled each time)."""

# KEYS: budget, host, slots. ARGV: interval ms, burst, slots (0: any number), token, slot ms, probe ms, keep ms.
# Answers {kind, milliseconds, why}: turn (sleep first, then ask; why: the host failed lately, so say how it went),
# closed (come back then), full, probing.
# Asked again with the same token, as after a lost answer, it takes back what it gave.
_RESERVE = """
local now = redis.call('TIME')
now = now[1] * 1000 + now[2] / 1000
local most, token = tonumber(ARGV[3]), ARGV[4]
if most > 0 then redis.call('ZREM', KEYS[3], token) end
local host = redis.call('HMGET', KEYS[2], 'closed_until', 'why', 'open', 'probe', 'probe_until')
if host[1] and tonumber(host[1]) > now then return {'closed', math.ceil(host[1] - now), host[2]} end
if host[3] and host[4] and host[4] ~= token and tonumber(host[5]) > now then
  return {'probing', math.ceil(host[5] - now), host[2]}
end
if most > 0 then
  redis.call('ZREMRANGEBYSCORE', KEYS[3], '-inf', now)
  if redis.call('ZCARD', KEYS[3]) >= most then return {'full', 0, 'all requests under way'} end
end
local interval, burst, wait = tonumber(ARGV[1]), tonumber(ARGV[2]), 0
if interval > 0 then
  local due = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now - interval * (burst - 1))
  redis.call('SET', KEYS[1], due + interval, 'PX', math.ceil(due + interval - now) + ARGV[7])
  wait = math.ceil(math.max(0, due - now))
end
if host[3] then redis.call('HSET', KEYS[2], 'probe', token, 'probe_until', now + wait + ARGV[6]) end
if most > 0 then
  redis.call('ZADD', KEYS[3], now + wait + ARGV[5], token)
  redis.call('PEXPIRE', KEYS[3], math.ceil(wait + ARGV[5] + ARGV[7]))
end
return {'turn', wait, redis.call('EXISTS', KEYS[2]) == 1 and 'failed lately' or ''}
"""
# KEYS: host, slots. ARGV: token, verdict, seconds to close in ms, whether it was a unit's first attempt (1, 0),
# failures in a row that open the circuit (0: none do), cool ms, its cap, how long silence says nothing in ms, keep ms.
# Answers for how many milliseconds the host has been failing everybody; 0: it is not.
#
# What tells an outage from a unit that fails for good? Not to be reached is never the unit's fault. Errors and
# time-outs are an outage when they follow each other, and units fail with them that were never tried before: the last
# units of a run may all be bad ones. Of a closed host only the probe tells; other requests were under way before.
_REPORT = """
redis.call('ZREM', KEYS[2], ARGV[1])
local token, verdict, most = ARGV[1], ARGV[2], tonumber(ARGV[5])
local host = redis.call('HMGET', KEYS[1], 'open', 'probe', 'last', 'closed_until', 'since')
local probed = host[2] == token
if verdict == 'none' then
  if probed then redis.call('HDEL', KEYS[1], 'probe', 'probe_until') end
  return 0
end
if verdict == 'answered' then
  if probed or not host[1] then redis.call('DEL', KEYS[1]) end
  return 0
end
local now = redis.call('TIME')
now = now[1] * 1000 + now[2] / 1000
local wait, why, closed = 0, verdict, tonumber(host[4] or '0')
if host[3] and now - math.max(tonumber(host[3]), closed) > tonumber(ARGV[8]) then
  redis.call('DEL', KEYS[1])
  host, probed, closed = {false, false, false, false, false}, false, 0
end
if verdict == 'limited' then wait, why = tonumber(ARGV[3]), 'rate limited' end
redis.call('HSETNX', KEYS[1], 'since', now)
redis.call('HSET', KEYS[1], 'last', now)
local streak, open = 0, host[1]
if probed or not open then
  streak = redis.call('HINCRBY', KEYS[1], 'streak', 1)
  local fresh = redis.call('HINCRBY', KEYS[1], 'fresh', ARGV[4])
  if probed then redis.call('HDEL', KEYS[1], 'probe', 'probe_until') end
  local outage = streak >= most and (verdict == 'unreachable' or fresh > 1 or most == 1)
  if verdict ~= 'limited' and most > 0 and (probed or outage) then
    why = verdict == 'failed' and 'failing' or verdict
    wait = tonumber(redis.call('HGET', KEYS[1], 'cool') or ARGV[6])
    redis.call('HSET', KEYS[1], 'cool', math.min(wait * 2, ARGV[7]))
  end
end
if wait > 0 and now + wait > closed then
  redis.call('HSET', KEYS[1], 'open', '1', 'why', why, 'closed_until', now + wait)
end
redis.call('PEXPIRE', KEYS[1], math.ceil(wait + ARGV[9]))
local everybody = open or verdict == 'unreachable'
if verdict == 'failed' and wait > 0 then everybody = true end
if not everybody then return 0 end
return math.max(1, math.floor(now - tonumber(redis.call('HGET', KEYS[1], 'since'))))
"""
# KEYS: host. ARGV: token. A turn that was slept for must not be used if the host was closed meanwhile.
_CLOSED = """
local now = redis.call('TIME')
local host = redis.call('HMGET', KEYS[1], 'closed_until', 'open', 'probe')
if tonumber(host[1] or '0') > now[1] * 1000 + now[2] / 1000 then return 1 end
return host[2] and host[3] ~= ARGV[1] and 1 or 0
"""
# KEYS: slots. ARGV: slot ms, keep ms, tokens. Also brings back what a wiped Redis lost.
_RENEW = """
local now = redis.call('TIME')
now = now[1] * 1000 + now[2] / 1000
for i = 3, #ARGV do redis.call('ZADD', KEYS[1], now + ARGV[1], ARGV[i]) end
redis.call('PEXPIRE', KEYS[1], ARGV[1] + ARGV[2])
"""


class Waiting(Protocol):
    """Who is told what a shard waits for."""

    def wait_for(self, host: str, why: str, seconds: float) -> None:
        """The host is closed to us for so long."""

    def go_on(self) -> None:
        """It is open."""


class Gate:
    """The gate of one source in one process. Safe for many threads."""

    def __init__(self, client: Redis, limits: Upstream, stop: Stop, waiting: Waiting) -> None:
        self._client = client
        self._limits = limits
        self._interval_ms = 1000 / limits.rate if limits.rate else 0.0
        self._stop = stop
        self._waiting = waiting
        self._reserve = client.register_script(_RESERVE)
        self._report = client.register_script(_REPORT)
        self._closed = client.register_script(_CLOSED)
        self._renew = client.register_script(_RENEW)
        self._guard = threading.Lock()
        self._held: dict[str, str] = {}
        self._calm_until: dict[str, float] = {}
        self._tally = Tally()
        self._pace = Pace()

    def turn(self, host: str) -> Turn:
        """Return when it is our turn to ask the host, or when the work must end."""
        if self._calm_until.get(host, 0.0) > time.monotonic():
            return Turn(self, host, "", news=False)
        token = secrets.token_hex(8)
        began = time.monotonic()
        while not self._stop.is_set():
            try:
                if turn := self._take(host, token, began):
                    return turn
            except RedisError:
                self._stop.wait(RETRY_S)
        return Turn(self, host, token)

    def renew(self) -> None:
        """Keep the slots of requests under way, and say what was asked; to be called once a second."""
        with self._guard:  # also while Redis is told: what was given back must not be renewed afterwards
            for host in set(self._held.values()):
                tokens = [token for token, held in self._held.items() if held == host]
                self._renew(keys=[keys.slots(host)], args=[SLOT_MS, KEEP_MS, *tokens])
        self._tally.flush(self._client)

    def close(self) -> None:
        """Say what was asked since the last second; threads take turns as they did before."""
        self._pace.close()
        with suppress(RedisError):  # it is counted in vain, and nothing depends on it
            self._tally.flush(self._client)

    def measured(self, host: str, status: int | None, seconds: float, *, again: bool) -> None:
        """Count a request."""
        self._tally.request(host, status, seconds, again=again)
        self._pace.took(seconds)

    def _take(self, host: str, token: str, began: float) -> Turn | None:
        kind, wait_ms, why = self._reserve(
            keys=[keys.budget(host), keys.host(host), keys.slots(host)],
            args=[
                self._interval_ms, max(1, self._limits.burst), self._limits.in_flight, token, SLOT_MS,
                round(self._limits.timeout * 1000), KEEP_MS,
            ],
        )  # fmt: skip
        if kind == "full":
            if time.monotonic() - began > LONG_S:  # usually a matter of milliseconds, while others work
                self._waiting.wait_for(host, why, ASK_AGAIN_S)
            self._stop.wait(ASK_AGAIN_S)
            return None
        if kind in ("closed", "probing"):
            seconds = wait_ms / 1000
            self._waiting.wait_for(host, why, seconds)
            self._stop.wait(seconds if kind == "closed" else min(seconds, PROBE_LOOK_S))
            return None
        if self._limits.in_flight:
            with self._guard:
                self._held[token] = host
        if wait_ms:
            self._stop.wait(wait_ms / 1000)
            if self._closed(keys=[keys.host(host)], args=[token]):
                self.report(host, token, "none")
                return None
        self._waiting.go_on()
        # Without a slot to give back or a failure to take back, success is no news: half of what the gate costs. A
        # host that fails meanwhile is vouched for by those that ask after that.
        news = bool(why or self._limits.in_flight)
        if not news and not self._interval_ms:
            self._calm_until[host] = time.monotonic() + CALM_S
        return Turn(self, host, token, news=news)

    def report(self, host: str, token: str, verdict: str, *, seconds: float = 0.0, fresh: bool = False) -> float:
        """Give back a slot and say what became of the request; return for how many seconds the host fails everybody."""
        self._calm_until.pop(host, None)
        with self._guard:
            self._held.pop(token, None)
        if verdict == "limited":
            self._tally.limited(host)
            self._waiting.wait_for(host, "rate limited", seconds)
        try:
            failing: int = self._report(
                keys=[keys.host(host), keys.slots(host)],
                args=[
                    token, verdict, max(1, round(seconds * 1000)), int(fresh),
                    self._limits.breaker, COOL_MS, COOL_CAP_MS,
                    SILENCE_MS + round(self._limits.timeout * 1000), FORGET_MS,
                ],
            )  # fmt: skip
        except RedisError:
            return 0.0  # the unit waits all the same
        return failing / 1000


class Turn:
    """Leave to make one request. Without a verdict, as after an interrupt, only the slot is given back.

    `news`: whether Redis must know of a request that succeeds.
    """

    def __init__(self, gate: Gate, host: str, token: str, *, news: bool = True) -> None:
        self._gate = gate
        self._host = host
        self._token = token
        self._owed = news

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._owed:
            self._say("none")

    def measured(self, status: int | None, seconds: float, *, again: bool) -> None:
        """The request took so long."""
        self._gate.measured(self._host, status, seconds, again=again)

    def answered(self) -> None:
        """The host answered as it should."""
        if self._owed:
            self._say("answered")

    def failed(self, *, fresh: bool) -> float:
        """The host answered with an error of its own, too late or not to the end; `fresh`: to a first attempt."""
        return self._say("failed", fresh=fresh)

    def unreachable(self) -> float:
        """No connection came about."""
        return self._say("unreachable")

    def limited(self, seconds: float) -> float:
        """The host limits us for so long."""
        return self._say("limited", seconds=seconds)

    def _say(self, verdict: str, *, seconds: float = 0.0, fresh: bool = False) -> float:
        self._owed = False
        return self._gate.report(self._host, self._token, verdict, seconds=seconds, fresh=fresh)
