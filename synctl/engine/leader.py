"""Which of several processes does what only one should: a key with a TTL in Redis.

It saves work and keeps logs short. That nothing is done twice is for SQL to see to: a process that was suspended may
think for a moment that it still leads, and a Redis that was wiped knows of no leader.
"""

from __future__ import annotations

import os
import secrets
import socket
from typing import Final

from redis import Redis

from synctl.engine import progress

TTL_MS: Final = 10_000
"""After so long another process takes over from one that died."""

_HOLD: Final = """
local held = redis.call('GET', KEYS[1])
if held and held ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
"""


class Leadership:
    """This process's claim to lead. It is renewed by who does the work, so one that hangs loses it."""

    def __init__(self, client: Redis, key: str, ttl_ms: int = TTL_MS) -> None:
        self._client = client
        self._key = key
        self.ttl_ms = ttl_ms
        self._token = f"{socket.gethostname()}:{os.getpid()}:{secrets.token_hex(8)}"

    def hold(self) -> bool:
        """Take or renew it; return whether this process leads for the next `ttl_ms`. Raises what Redis raises."""
        return bool(self._client.eval(_HOLD, 1, self._key, self._token, self.ttl_ms))

    def release(self) -> None:
        """Let the next one lead at once."""
        progress.release_lease(self._client, self._key, self._token)


def holder(client: Redis, key: str) -> str | None:
    """Return host:pid of the process that leads. Changes nothing."""
    token = client.get(key)
    return str(token).rpartition(":")[0] if token else None
