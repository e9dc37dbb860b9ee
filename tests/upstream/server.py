"""A threaded HTTP/1.1 server on loopback: keep-alive, gzip, a record of every request, and faults."""

from __future__ import annotations

import gzip
import json
import socket
import struct
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self, cast
from urllib.parse import parse_qsl, urlsplit

from tests.upstream.faults import Fault, Faults, Kind

REMEMBERED = 200_000
"""Requests; a chaos test that runs for hours must not fill the memory."""
NO_LINGER = struct.pack("ii", 1, 0)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request: its path, its query by name, and the validator it names, if any."""

    path: str
    params: Mapping[str, str]
    if_none_match: str | None = None


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer. A body that is packed (gzip) is unpacked for a client that does not accept that."""

    status: int
    body: bytes
    headers: Mapping[str, str] = field(default_factory=dict)
    packed: bool = False

    @property
    def plain(self) -> bytes:
        """The body without content encoding."""
        return gzip.decompress(self.body) if self.packed else self.body


@dataclass(frozen=True, slots=True)
class Seen:
    """A request as it was answered. `at` is of the monotonic clock; status 0: none was sent."""

    at: float
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    status: int
    fault: Kind | None


class LoopbackServer:
    """Serves `answer` until closed. `spoil` bends a right answer as a fault of the domain asks."""

    def __init__(
        self,
        answer: Callable[[Asked], Reply],
        *,
        faults: Faults | None = None,
        spoil: Callable[[bytes, Fault], bytes] = lambda body, _fault: body,
        host: str = "127.0.0.1",
        port: int = 0,
    ) -> None:
        self.answer, self.spoil = answer, spoil
        self.faults = faults or Faults()
        self.seen: deque[Seen] = deque(maxlen=REMEMBERED)
        self.open: set[socket.socket] = set()
        self._server = _Server((host, port), _Handler)
        self._server.upstream = self
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """Scheme, host and port."""
        host, port = self._server.server_address[:2]
        return f"http://{host!s}:{port}"

    def statuses(self) -> Counter[int]:
        """How often each status was answered."""
        return Counter(seen.status for seen in list(self.seen))

    def start(self) -> Self:
        """Serve in a thread of its own."""
        self._thread.start()
        return self

    def close(self) -> None:
        """Vanish: every open connection breaks."""
        self.faults.released.set()
        self._server.shutdown()
        self._server.server_close()
        for connection in list(self.open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 256
    upstream: LoopbackServer


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def setup(self) -> None:
        super().setup()
        self.upstream = cast("_Server", self.server).upstream
        self.upstream.open.add(self.connection)

    def handle(self) -> None:
        with suppress(ConnectionError, OSError):  # the client went away, as clients do
            super().handle()

    def finish(self) -> None:
        self.upstream.open.discard(self.connection)
        with suppress(OSError):
            super().finish()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002
        """Say nothing."""

    def do_GET(self) -> None:
        arrived = time.monotonic()
        target = urlsplit(self.path)
        params = dict(parse_qsl(target.query, keep_blank_values=True))
        asked = Asked(target.path, params, self.headers.get("If-None-Match"))
        if asked.path == "/_stats":
            self._send(self._stats())
            return
        told = {**asked.params, "path": asked.path}  # `@path=…` in a rule tells files apart
        fault = self.upstream.faults.choose((asked.path, *sorted(asked.params.items())), told)
        self._pause(self.upstream.faults.latency)
        reply = self._reply(fault, asked)
        # Noted before it is sent, so that a client that has its answer finds it noted.
        headers, kind = dict(self.headers.items()), fault.kind if fault else None
        self.upstream.seen.append(Seen(arrived, asked.path, asked.params, headers, reply.status, kind))
        match kind:
            case Kind.RESET:
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
                self.connection.close()
                self.close_connection = True
            case Kind.TRUNCATE:
                self._send(reply, portion=0.5)
            case Kind.TRICKLE:
                self._send(reply, piece=int((fault and fault.detail) or 1))
            case _:
                self._send(reply)

    def do_POST(self) -> None:
        body = {"code": 405, "status": "NOT_ALLOWED", "data": "This method is not allowed."}
        self._send(Reply(405, json.dumps(body, indent=4).encode(), {"Connection": "close"}))

    def _reply(self, fault: Fault | None, asked: Asked) -> Reply:
        if fault is None:
            return self.upstream.answer(asked)
        if fault.kind in _CANNED:
            return _CANNED[fault.kind](fault.detail, self.path)
        if fault.kind is Kind.HANG:
            self._pause(float(fault.detail or 60))
        bent = fault.kind.of_the_domain  # what is bent is not what a validator tells of
        reply = self.upstream.answer(replace(asked, if_none_match=None) if bent else asked)
        if reply.status != 200 or not bent:
            return reply
        return Reply(reply.status, self.upstream.spoil(reply.plain, fault), reply.headers)

    def _send(self, reply: Reply, *, portion: float = 1.0, piece: int = 0) -> None:
        headers = {"Date": formatdate(usegmt=True), "Content-Type": "application/json", **reply.headers}
        body = reply.body
        if "gzip" not in self.headers.get("Accept-Encoding", ""):
            body = reply.plain
        elif reply.packed:
            headers["Content-Encoding"] = "gzip"
        headers["Content-Length"] = str(len(body))
        lines = (f"{name}: {value}\r\n" for name, value in headers.items())
        head = f"HTTP/1.1 {reply.status} {HTTPStatus(reply.status).phrase}\r\n{''.join(lines)}\r\n".encode()
        self.wfile.write(head + body[: int(len(body) * portion) if not piece else 0])
        for start in range(0, len(body) if piece else 0, piece or 1):
            self._pause(0.02)
            self.wfile.write(body[start : start + piece])
        self.close_connection = portion < 1.0 or headers.get("Connection") == "close"

    def _pause(self, seconds: float) -> None:
        if seconds:
            self.upstream.faults.released.wait(seconds)

    def _stats(self) -> Reply:
        faults = Counter(seen.fault for seen in list(self.upstream.seen) if seen.fault)
        statuses = self.upstream.statuses()
        body = {"requests": statuses.total(), "statuses": statuses, "faults": faults}
        return Reply(200, json.dumps(body).encode())


def _retry_after(detail: str) -> Mapping[str, str]:
    if detail.startswith("date "):
        moment = time.time() + float(detail.removeprefix("date "))
        return {"Retry-After": formatdate(moment, usegmt=True)}
    return {"Retry-After": detail} if detail else {}


_CANNED: Mapping[Kind, Callable[[str, str], Reply]] = {
    Kind.RESET: lambda _detail, _path: Reply(0, b""),
    # As the gateway in front answers, which knows nothing of upstream's envelope.
    Kind.RATE_LIMIT: lambda detail, _path: Reply(429, b'{"message":"API rate limit exceeded"}', _retry_after(detail)),
    Kind.ERROR: lambda detail, _path: Reply(int(detail or 500), b"<html>Something went wrong</html>"),
    Kind.NOT_JSON: lambda _detail, _path: Reply(200, b"<html>Please log in to this network</html>"),
    Kind.REFUSED: lambda detail, _path: Reply(
        200, b'{"code":%d,"status":"BAD_REQUEST","data":"Nothing for you."}' % int(detail or 400)
    ),
    Kind.ELSEWHERE: lambda _detail, path: Reply(302, b"", {"Location": f"http://elsewhere.invalid{path}"}),
    Kind.LOOP: lambda _detail, path: Reply(302, b"", {"Location": path}),
}
"""The faults that need no right answer first: from a detail and a path."""
