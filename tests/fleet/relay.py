"""Lets a server on a Unix socket be reached by TCP: `python -m tests.fleet.relay ADDRESS PORT SOCKET`."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

CHUNK = 65_536


async def relay(address: str, port: int, path: str) -> None:
    """Serve until it is killed."""

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_unix_connection(path)
        await asyncio.gather(_pump(reader, back), _pump(there, writer))

    server = await asyncio.start_server(accept, address, port)
    await server.serve_forever()


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
