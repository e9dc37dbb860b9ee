"""A process that answers calendars as fast as Python can: bytes that were prepared when they were first asked for.

    python -m tests.bench.upstream --latency 0.05

Prints its URL, and ends with its standard input. It is no part of what is measured, but shares the machine: so it
parses nothing but the line that asks. Its bodies are those of the stand-in, packed as closely as upstream packs them.
"""

from __future__ import annotations

import argparse
import asyncio
import gzip
import selectors
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from urllib.parse import parse_qsl, urlsplit

from tests.upstream import aladhan
from tests.upstream.server import Asked

PACKING = 6
"""A year of 480 KB becomes 23."""
END = b"\r\n\r\n"


@contextmanager
def served(latency: float = 0.0) -> Iterator[str]:
    """Run it in a process of its own; give its URL."""
    command = [sys.executable, "-m", "tests.bench.upstream", "--latency", str(latency)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        yield process.stdout.readline().strip()
        process.stdin.close()


class _Static(asyncio.Protocol):
    """A connection; requests have no bodies."""

    def __init__(self, latency: float, prepared: dict[bytes, bytes]) -> None:
        self._latency, self._prepared = latency, prepared
        self._asked = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self._asked += data
        while END in self._asked:
            head, _, self._asked = self._asked.partition(END)
            target = head.split(b" ", 2)[1]
            reply = self._prepared.get(target) or self._prepare(target)
            if self._latency:
                asyncio.get_running_loop().call_later(self._latency, self._transport.write, reply)
            else:
                self._transport.write(reply)

    def _prepare(self, target: bytes) -> bytes:
        asked = urlsplit(target.decode())
        answer = aladhan.answer(Asked(asked.path, dict(parse_qsl(asked.query))))
        body = gzip.compress(answer.plain, PACKING)
        head = (
            f"HTTP/1.1 {answer.status} OK\r\nContent-Type: application/json\r\n"
            f"Content-Encoding: gzip\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return self._prepared.setdefault(target, head.encode() + body)


async def _serve(latency: float) -> None:
    loop = asyncio.get_running_loop()
    prepared: dict[bytes, bytes] = {}
    server = await loop.create_server(lambda: _Static(latency, prepared), "127.0.0.1", 0, backlog=256)
    host, port = server.sockets[0].getsockname()
    print(f"http://{host}:{port}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


def main() -> None:
    """Serve until standard input ends."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.upstream", description=__doc__)
    parser.add_argument("--latency", type=float, default=0.0)
    latency = parser.parse_args().latency
    # select waits by the microsecond; epoll would round each answer's latency up to a whole millisecond more.
    with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(selectors.SelectSelector())) as runner:
        runner.run(_serve(latency))


if __name__ == "__main__":
    main()
