"""Binds and serves. Beyond loopback only where the operator says so."""

from __future__ import annotations

import ipaddress
import logging
import signal
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Final
from urllib.parse import urlsplit

import msgspec
import uvicorn
from starlette.applications import Starlette

from synctl.errors import UsageError
from synctl.web.access import keyring
from synctl.web.app import make_app
from synctl.web.backend import Backend
from synctl.web.protocols import Http, Sockets
from synctl.words import shortened

BACKLOG: Final = 2048
SHUTDOWN_S: Final = 2
"""Requests under way are given so long; then live connections are cut, and their clients come again."""
MOST_MESSAGE_BYTES: Final = 4096
"""Of a WebSocket's message to us, of which none means anything."""
UNTAKEN_MS: Final = 20_000
"""Bytes that a client does not take for so long end its connection: closing it would wait for them without end."""


class Where(msgspec.Struct, frozen=True):
    """Where to listen. `origins`: of pages behind a proxy. `remote`: beyond loopback is meant."""

    host: str
    port: int
    origins: Collection[str] = ()
    remote: bool = False

    def __post_init__(self) -> None:
        if not self.remote and not _is_loopback(self.host):
            raise UsageError(
                f"--host {shortened(self.host)} is reachable from other machines, and tokens would travel in the clear",
                hint="listen on 127.0.0.1 behind a proxy that speaks TLS (docs/web.md), or add --allow-remote",
            )
        for origin in self.origins:
            parts = urlsplit(origin)
            if (
                parts.scheme not in ("http", "https")
                or not parts.netloc
                or origin != f"{parts.scheme}://{parts.netloc}"
            ):
                raise UsageError(
                    f"--origin {shortened(repr(origin))} is no origin", hint="write https://HOST or https://HOST:PORT"
                )


def serve_until_ended(backend: Backend, where: Where, ready: Callable[[str], None]) -> None:
    """Serve until SIGINT or SIGTERM. `ready` is told the URL as soon as connections are taken."""
    keys = keyring(backend.settings.home / "web-tokens")
    with bound(where) as listening:
        port = listening.getsockname()[1]
        names = {_written(where.host), *(("127.0.0.1", "localhost", "[::1]") if _is_loopback(where.host) else ())}
        own = {f"http://{name}:{port}" for name in names}
        app = make_app(backend, keys, {*own, *where.origins})
        ready(f"http://{_written(where.host)}:{port}")
        server = server_of(app)
        with _ended_by_signals(server):
            server.run(sockets=[listening])


@contextmanager
def _ended_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Have SIGINT and SIGTERM end it and no more: uvicorn raises them again behind it, for whoever was there before."""

    def end(_number: int, _frame: object) -> None:
        server.should_exit = True

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def server_of(app: Starlette) -> uvicorn.Server:
    """Return the server of an application."""
    logging.getLogger("uvicorn.error").addFilter(_is_trouble)
    return uvicorn.Server(
        uvicorn.Config(
            app, http=Http, ws=Sockets, log_config=None, access_log=False, server_header=False, proxy_headers=False,
            lifespan="on", ws_max_size=MOST_MESSAGE_BYTES, ws_per_message_deflate=False,
            timeout_graceful_shutdown=SHUTDOWN_S,
        )
    )  # fmt: skip


def _is_trouble(record: logging.LogRecord) -> bool:
    """Not that live connections are cut at the end, which uvicorn calls an error: that is what is meant to happen."""
    return not str(record.msg).endswith("timeout graceful shutdown exceeded")


def bound(where: Where) -> socket.socket:
    """Return a listening socket, so that a wrong address is told in one line, and a port is known before it serves."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            where.host, where.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        made = socket.socket(family, kind, protocol)
    except (OSError, UnicodeError) as error:
        raise UsageError(f"--host {shortened(where.host)}: {error}") from error
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if hasattr(socket, "TCP_USER_TIMEOUT"):  # Linux; accepted sockets inherit it
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, UNTAKEN_MS)
        made.bind(address)
        made.listen(BACKLOG)
    except OSError as error:
        made.close()
        raise UsageError(
            f"cannot listen on {shortened(where.host)} port {where.port}: {error.strerror}", hint="--port names another"
        ) from error
    return made


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _written(host: str) -> str:
    """Return a host as URLs write it."""
    return f"[{host}]" if ":" in host else host
