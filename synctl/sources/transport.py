"""How requests travel: by the standard library's http.client, in two thirds of the CPU of httpx's own transport.

It stands behind httpx's seam for transports, and does what `http.py` needs.
"""

from __future__ import annotations

import http.client
import re
import select
import socket
import ssl
import threading
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import lru_cache, partial
from time import monotonic
from typing import Final
from urllib.request import getproxies

import httpx

from synctl.sources.sockets import OpenSockets

REST_S: Final = 5.0
"""A connection that was not used for longer is given up, as httpx does it: the server may do so at any moment."""
PIECE: Final = 64 * 1024
"""Bytes of a body at once, at most: between two pieces the client looks whether it must stop."""
CUT: Final = "peer closed connection without sending complete message body"
PORTS: Final = {b"http": 80, b"https": 443}

_LENGTH = re.compile(r"[0-9]{1,18}").fullmatch
_Origin = tuple[bytes, bytes, int]
"""Scheme, host and port."""


@lru_cache(maxsize=1)
def trust() -> ssl.SSLContext:
    """Whose certificates are believed, read once (20 ms); it may be inherited through a fork."""
    return httpx.create_ssl_context()


def is_httpxs(name: str) -> bool:
    """Whether the setting, or the environment, asks for httpx's own transport: it alone knows proxies."""
    proxies = getproxies()
    return name == "httpx" or any(proxies.get(scheme) for scheme in ("http", "https", "all"))


def transport_named(name: str, sockets: OpenSockets) -> httpx.BaseTransport | None:
    """Open the transport of that name. None: httpx opens its own."""
    return None if is_httpxs(name) else Transport(trust(), sockets)


def preload(name: str) -> None:
    """Do what the first client in a process would have to, so that a fork inherits it."""
    trust()
    if is_httpxs(name):
        httpx.HTTPTransport(verify=trust()).close()  # it loads httpcore, which takes 30 ms


class Transport(httpx.BaseTransport):
    """GET without a body, for many threads at once; whoever asks limits how many connections there are.

    Every connection is noted in `sockets` before anybody waits for it.
    """

    def __init__(self, context: ssl.SSLContext, sockets: OpenSockets) -> None:
        context.set_alpn_protocols(["http/1.1"])
        self._context, self._sockets = context, sockets
        self._idle: defaultdict[_Origin, deque[tuple[float, _Connection]]] = defaultdict(deque)
        self._guard = threading.Lock()
        self._closed = False

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Ask, and read the head of the answer. Its stream must be closed, read or not. Raises httpx.TransportError."""
        url, timeouts = request.url, request.extensions.get("timeout", {})
        if url.raw_scheme not in PORTS:
            raise httpx.UnsupportedProtocol(f"Request URL has an unsupported protocol '{url.scheme}://'.")
        origin = url.raw_scheme, url.raw_host, url.port or PORTS[url.raw_scheme]
        connection = self._rested(origin) or self._fresh(origin, timeouts.get("connect"))
        try:
            _prepare(connection, request)
            if connection.sock is None:
                with _named(httpx.ConnectTimeout, httpx.ConnectError):
                    connection.connect()
            with _named(httpx.WriteTimeout, httpx.WriteError):
                connection.sock.settimeout(timeouts.get("write"))
                connection.endheaders()
            with _named(httpx.ReadTimeout, httpx.ReadError):
                connection.sock.settimeout(timeouts.get("read"))
                answer = connection.getresponse()
                _check(answer)
        except BaseException:
            connection.close()
            raise
        return httpx.Response(
            answer.status,
            headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in answer.getheaders()],
            stream=_Body(answer, connection, partial(self._keep, origin, connection)),
            extensions={"http_version": b"HTTP/1.1", "reason_phrase": answer.reason.encode("latin-1")},
        )

    def close(self) -> None:
        """Close what rests, and what is in use as soon as it has its answer."""
        with self._guard:
            self._closed = True
            for idle in self._idle.values():
                while idle:
                    idle.pop()[1].close()

    def _rested(self, origin: _Origin) -> _Connection | None:
        """Take the connection that rested shortest, unless it is too old or the server has spoken since."""
        while True:
            with self._guard:
                if not self._idle[origin]:
                    return None
                until, connection = self._idle[origin].pop()
            if monotonic() < until and not _speaks(connection.sock):
                return connection
            connection.close()

    def _keep(self, origin: _Origin, connection: _Connection) -> None:
        """Let it rest, and close those that have rested for too long: a quieter client would never take them."""
        now = monotonic()
        with self._guard:
            idle = self._idle[origin]
            idle.append((now + REST_S, connection))
            while idle and (self._closed or idle[0][0] < now):
                idle.popleft()[1].close()

    def _fresh(self, origin: _Origin, timeout: float | None) -> _Connection:
        scheme, host, port = origin
        context = self._context if scheme == b"https" else None
        return _Connection(host.decode("ascii"), port, timeout, context, self._sockets)


class _Connection(http.client.HTTPConnection):
    """A connection that can be shut from another thread also while it connects, or shakes hands."""

    auto_open = 0  # else it would connect by itself, in its own way

    def __init__(
        self, host: str, port: int, timeout: float | None, context: ssl.SSLContext | None, sockets: OpenSockets
    ) -> None:
        super().__init__(host, port, timeout=timeout)
        self._context, self._sockets = context, sockets

    def connect(self) -> None:
        """Try each address of the host. Raises OSError for what became of the last one."""
        try:
            addresses = socket.getaddrinfo(self.host, self.port, type=socket.SOCK_STREAM)
        except UnicodeError as error:  # no name can have such a part
            raise httpx.LocalProtocolError(f"{self.host}: {error}") from error
        *others, last = [partial(self._reach, family, address) for family, _, _, _, address in addresses]
        for reach in others:
            with suppress(OSError):
                return reach()
        return last()

    def _reach(self, family: int, address: tuple[object, ...]) -> None:
        connection = socket.socket(family, socket.SOCK_STREAM)
        try:
            connection.settimeout(self.timeout)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.add(connection)
            connection.connect(address)
            if self._context is not None:
                connection = self._context.wrap_socket(
                    connection, server_hostname=self.host, do_handshake_on_connect=False
                )
                self._sockets.add(connection)
                connection.do_handshake()
        except BaseException:
            connection.close()
            raise
        self.sock = connection


class _Body(httpx.SyncByteStream):
    """Pieces as they come. `keep` is called in the end if the connection can serve again; else it is closed."""

    def __init__(self, answer: http.client.HTTPResponse, connection: _Connection, keep: Callable[[], None]) -> None:
        self._answer, self._connection, self._keep = answer, connection, keep
        self._is_whole = False

    def __iter__(self) -> Iterator[bytes]:
        answer = self._answer
        with _named(httpx.ReadTimeout, httpx.ReadError):
            while answer.length != 0 and (piece := answer.read1(PIECE)):
                yield piece
        if answer.length:  # which http.client takes for the end
            raise httpx.RemoteProtocolError(f"{CUT} ({answer.length:,} bytes are missing)")
        self._is_whole = True

    def close(self) -> None:
        self._answer.close()
        if self._is_whole and not self._answer.will_close:
            self._is_whole = False
            self._keep()
        else:
            self._connection.close()


def _prepare(connection: _Connection, request: httpx.Request) -> None:
    """Write the request, but for sending it. Raises httpx.LocalProtocolError for what would be another one, or none."""
    if request.method != "GET" or request.read():
        raise httpx.LocalProtocolError("only GET without a body can be sent")
    try:
        connection.putrequest("GET", request.url.raw_path.decode("ascii"), skip_host=True, skip_accept_encoding=True)
        for name, value in request.headers.raw:
            connection.putheader(name, value)
    except (http.client.InvalidURL, ValueError) as error:
        raise httpx.LocalProtocolError(str(error)) from error


def _check(answer: http.client.HTTPResponse) -> None:
    """Refuse a head that http.client lets pass, though it leaves open where the body ends."""
    coding = answer.getheader("Transfer-Encoding", "chunked").lower()
    lengths = set(answer.msg.get_all("Content-Length", ()))
    if answer.status < 200:
        fault = f"an interim answer, {answer.status} {answer.reason}"
    elif answer.msg.get_payload():
        fault = "a line of its head is no header"
    elif coding != "chunked":
        fault = f"unknown Transfer-Encoding: {coding[:80]!r}"
    elif len(lengths) > 1 or not all(map(_LENGTH, lengths)):
        fault = f"unclear Content-Length: {', '.join(sorted(lengths))[:80]!r}"
    else:
        return
    raise httpx.RemoteProtocolError(fault)


def _speaks(connection: socket.socket) -> bool:
    """Whether there is what nobody asked for: the server's farewell, or bytes that belong to no answer."""
    if isinstance(connection, ssl.SSLSocket) and connection.pending():
        return True
    poll = select.poll()  # select.select knows no file above 1023
    poll.register(connection, select.POLLIN)
    return bool(poll.poll(0))


@contextmanager
def _named(late: type[httpx.TimeoutException], broken: type[httpx.NetworkError]) -> Iterator[None]:
    """Raise what goes wrong on a connection as httpx calls it."""
    try:
        yield
    except http.client.IncompleteRead as error:
        raise httpx.RemoteProtocolError(f"{CUT} (incomplete chunked read)") from error
    except http.client.HTTPException as error:  # before OSError: a RemoteDisconnected is both
        raise httpx.RemoteProtocolError(str(error)) from error
    except TimeoutError as error:
        raise late(str(error)) from error
    except OSError as error:
        raise broken(str(error)) from error
