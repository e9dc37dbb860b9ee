"""One request budget per upstream host for the whole fleet: GCRA in Redis, on Redis' own clock.

A request reserves its turn and is told how long to sleep until then, so nobody polls and nobody is refused. A host
that limits us is closed to everyone until its Retry-After has passed.
"""

from __future__ import annotations

from redis import Redis
from redis.exceptions import RedisError

from synctl.engine import keys
from synctl.resource import Stop

RETRY_S = 0.5
"""Between attempts while Redis does not answer: without the budget nothing is asked of an upstream."""
KEEP_MS = 60_000

# Answers in milliseconds to sleep. A negative answer: the host is closed; come back then, no turn was taken.
_RESERVE = """
local now = redis.call('TIME')
now = now[1] * 1000 + now[2] / 1000
local closed = redis.call('PTTL', KEYS[2])
if closed > 0 then return -closed end
local interval, burst = tonumber(ARGV[1]), tonumber(ARGV[2])
local due = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now - interval * (burst - 1))
redis.call('SET', KEYS[1], due + interval, 'PX', math.ceil(due + interval - now) + tonumber(ARGV[3]))
return math.ceil(math.max(0, due - now))
"""
# The longest Retry-After that anybody was told holds.
_CLOSE = """
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[1]) then redis.call('SET', KEYS[1], '1', 'PX', ARGV[1]) end
"""


class Budget:
    """The budget of a source. `rate` is in requests a second, 0 for no limit."""

    def __init__(self, client: Redis, rate: float, burst: int, stop: Stop) -> None:
        self._client = client
        self._reserve = client.register_script(_RESERVE)
        self._close = client.register_script(_CLOSE)
        self._interval_ms = 1000 / rate if rate else 0.0
        self._burst = max(1, burst)
        self._stop = stop

    def admit(self, host: str) -> None:
        """Return when it is our turn to ask the host, or when the work must end."""
        while not self._stop.is_set():
            try:
                if self._take_turn(host):
                    return
            except RedisError:
                self._stop.wait(RETRY_S)

    def _take_turn(self, host: str) -> bool:
        """Sleep until our turn; False if the host was closed meanwhile, so that the turn must not be used."""
        arguments = [self._interval_ms, self._burst, KEEP_MS]
        wait = int(self._reserve(keys=[keys.budget(host), keys.closed(host)], args=arguments))
        if wait:
            self._stop.wait(abs(wait) / 1000)
        return wait == 0 or (wait > 0 and not self._client.exists(keys.closed(host)))

    def penalise(self, host: str, seconds: float) -> None:
        """Close the host to the whole fleet for some seconds."""
        try:
            self._close(keys=[keys.closed(host)], args=[max(1, round(seconds * 1000))])
        except RedisError:
            return  # the unit that was told waits all the same
