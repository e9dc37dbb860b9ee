"""Clients that ask sentinels for the master, at each new connection: after a failover they find the new one."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import SSLConnection, parse_url
from redis.retry import Retry
from redis.sentinel import MasterNotFoundError, Sentinel, SentinelConnectionPool

from synctl.config.endpoints import SENTINEL

if TYPE_CHECKING:
    from collections.abc import Iterator

PORT: Final = 26379
TIMEOUT_S: Final = 1.0
"""For a sentinel: one that is gone must not use up the time in which a heartbeat has to reach the master."""
_OWN: Final = {"sentinel_username": "username", "sentinel_password": "password"}
"""Parameters of the URL for the sentinels themselves. All others are for the master; TLS is for both."""

_FAILED: Final = re.compile(r" - (?:\w+:)?(\w+)")
"""What a sentinel failed with, in redis-py's message: `<client> - network:ConnectionError`."""


class MasterClient(Redis):
    """A client for the master. Closing it closes its connections to the sentinels too."""

    def close(self) -> None:
        """Close everything."""
        super().close()
        if isinstance(self.connection_pool, SentinelConnectionPool):
            self.connection_pool.sentinel_manager.close()


class Sentinels(Sentinel):
    """Says in a few words why no master is found: redis-py shows every client it has tried in full."""

    def discover_master(self, service_name: str) -> tuple[str, int]:
        """Return the address of the master. Raises MasterNotFoundError."""
        try:
            found: tuple[str, int] = super().discover_master(service_name)  # type: ignore[no-untyped-call]
        except MasterNotFoundError as error:
            failed = _FAILED.findall(str(error))
            if "AuthenticationError" in failed:
                why = "the sentinels do not let us in (redis.sentinel_password)"
            elif len(failed) == len(self.sentinels):
                why = "no sentinel answers"
            else:
                why = f"the sentinels know no living master called {service_name}"
            raise MasterNotFoundError(why) from None
        return found


def service(url: str) -> str:
    """Return what the sentinels call the master."""
    return unquote(urlsplit(url).path.strip("/").partition("/")[0])


def master(url: str, **options: Any) -> MasterClient:
    """Return a client for the master of `redis+sentinel://[USER:PASSWORD@]HOST[:PORT],…/SERVICE[/DATABASE]`."""
    given = _parameters(url)
    tls = given.pop("connection_class", None) is SSLConnection
    own = {ours: given.pop(theirs) for theirs, ours in _OWN.items() if theirs in given}
    common = {name: value for name, value in given.items() if name.startswith("ssl_")}
    to_sentinels = {
        **common,
        **own,
        "ssl": tls,
        "socket_timeout": TIMEOUT_S,
        "socket_connect_timeout": TIMEOUT_S,
        "retry": Retry(NoBackoff(), 0),
    }
    addresses = list(_addresses(url))
    sentinels: Any = Sentinels(addresses, sentinel_kwargs=to_sentinels, ssl=tls, **given)  # type: ignore[no-untyped-call]
    client: MasterClient = sentinels.master_for(service(url), redis_class=MasterClient, **options)
    return client


def _parameters(url: str) -> dict[str, Any]:
    """Return what redis-py makes of the URL of a single server with the same user, database and parameters."""
    parts = urlsplit(url)
    user, at, _ = parts.netloc.rpartition("@")
    database = parts.path.strip("/").partition("/")[2]
    query = urlencode(parse_qsl(parts.query))
    single = (parts.scheme.removesuffix(SENTINEL), f"{user}{at}master", f"/{database}", query, "")
    found: dict[str, Any] = parse_url(urlunsplit(single))  # type: ignore[no-untyped-call]
    del found["host"]
    return found


def _addresses(url: str) -> Iterator[tuple[str, int]]:
    for one in urlsplit(url).netloc.rpartition("@")[2].split(","):
        parts = urlsplit(f"//{one}")
        yield parts.hostname or "localhost", parts.port or PORT
