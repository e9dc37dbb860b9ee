"""Lets a server on a Unix socket be reached by TCP: `python -m tests.fleet.relay ADDRESS PORT SOCKET`."""

from __future__ import annotations

import asyncio
import socket
import sys
from contextlib import suppress

CHUNK = 65_536
DEAD_AFTER = {socket.TCP_KEEPIDLE: 5, socket.TCP_KEEPINTVL: 5, socket.TCP_KEEPCNT: 2, socket.TCP_USER_TIMEOUT: 10_000}
"""What synctl asks of the server's end of a link, in seconds and milliseconds. Behind a relay that end is here: without
it a host that is cut off in the middle of a COPY would keep its locks for two hours."""


async def relay(address: str, port: int, path: str) -> None:
    """Serve until it is killed."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        _watch(writer.get_extra_info("socket"))
        there, back = await asyncio.open_unix_connection(path)
        await asyncio.gather(_pump(reader, back), _pump(there, writer))

    server = await asyncio.start_server(accept, address, port)
    await server.serve_forever()


def _watch(link: socket.socket) -> None:
    link.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in DEAD_AFTER.items():
        link.setsockopt(socket.IPPROTO_TCP, option, value)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    with suppress(OSError):
        writer.close()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(relay(sys.argv[1], int(sys.argv[2]), sys.argv[3]))
