"""Redis clients: one that waits out an outage, for workers; one that says at once, for people."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from redis import DriverInfo, Redis
from redis import __version__ as redis_version
from redis.backoff import ExponentialWithJitterBackoff, NoBackoff
from redis.exceptions import AuthenticationError, OutOfMemoryError, ResponseError

from redis.exceptions import ConnectionError, TimeoutError  # noqa: A004  # isort: skip
from redis.retry import Retry

from synctl import __version__
from synctl.config.endpoints import names_sentinels
from synctl.errors import RedisUnreachable
from synctl.redact import redacted

WORKER_RETRIES = 60
"""With at most a second between them: outages of up to a minute are waited out (4 s and 15 s were measured)."""
CLI_TIMEOUT_S = 5.0
WHO = DriverInfo(lib_version=redis_version).add_upstream_driver("synctl", __version__)
"""What `CLIENT LIST` says of us. Left to itself redis-py reads its version from what pip wrote of it, for each
connection anew: 2 ms, and a command has two of them."""

Connection = Redis


def connect_worker(url: str, *, decode: bool = False) -> Redis:
    """Return a client for long-lived processes: it retries, so a restart of Redis does not end them."""
    return _client(
        url,
        retry=Retry(ExponentialWithJitterBackoff(cap=1, base=0.02), WORKER_RETRIES),
        retry_on_error=[ConnectionError, TimeoutError],
        health_check_interval=15,
        decode_responses=decode,
    )


def connect_ticker(url: str, timeout: float) -> Redis:
    """Return a client that answers or fails within `timeout` seconds: the heartbeat must know."""
    return _client(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=timeout,
        socket_connect_timeout=timeout,
        decode_responses=True,
    )


def connect_cli(url: str, *, decode: bool = True) -> Redis:
    """Return a client for commands: no retries, so a dead server is told in milliseconds.

    RQ wants undecoded answers (`decode=False`).
    """
    return _client(
        url,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=CLI_TIMEOUT_S,
        socket_connect_timeout=CLI_TIMEOUT_S,
        decode_responses=decode,
    )


def _client(url: str, **options: Any) -> Redis:
    options["driver_info"] = WHO
    if not names_sentinels(url):
        return Redis.from_url(url, **options)
    from synctl.engine.sentinel import master  # noqa: PLC0415 - most need none

    return master(url, **options)


@contextmanager
def clear_errors(url: str) -> Iterator[None]:
    """Turn redis-py's errors into one line that names the server and what to do."""
    try:
        yield
    except AuthenticationError as error:
        raise RedisUnreachable(
            f"Redis {redacted(url)}: {error}", hint="check user and password in [redis] url"
        ) from error
    except (ConnectionError, TimeoutError) as error:
        raise RedisUnreachable(f"Redis {redacted(url)}: {_cause(error)}", hint=_hint(url, str(error))) from error
    except ResponseError as error:
        raise RedisUnreachable(f"Redis {redacted(url)}: {error}", hint=_refusal_hint(error)) from error


def _cause(error: Exception) -> str:
    text = redacted(str(error).rstrip("."))
    return "nothing listens there" if "Error 2 " in text or "Error 111 " in text else text


def _refusal_hint(error: ResponseError) -> str:
    if isinstance(error, OutOfMemoryError):
        return "give it memory (maxmemory); nothing is lost meanwhile"
    if "MISCONF" in str(error) or "disk" in str(error).lower():
        return "make room on its disk; nothing is lost meanwhile"
    return "see docs/troubleshooting.md"


def _hint(url: str, said: str) -> str:
    if "CERTIFICATE_VERIFY_FAILED" in said:
        return "name in redis.ca_file who signed its certificate, and in the URL a host that it is for"
    if "WRONG_VERSION_NUMBER" in said:
        return "it speaks no TLS: redis:// instead of rediss://"
    if url.startswith("unix://"):
        return "start the local stack with `synctl up`"
    return "is the server up, and [redis] url right?"
