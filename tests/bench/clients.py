"""What it costs the workers that clients follow: the same run with nobody watching, and with many, in turn.

    python -m tests.bench.clients --clients 500 --rounds 4

Processor time of the workers a round, and commands that Redis was sent, are what the clients cost others; the time to
the end also has what the clients themselves, which are of this process, take from the machine.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from websockets.asyncio.client import connect

from synctl.engine.connect import connect_cli
from synctl.engine.queues import workers
from synctl.engine.server import EmbeddedServer
from tests.bench.meter import processor_seconds
from tests.e2e.conftest import Home, made_home
from tests.helpers import until
from tests.web.server import Server

ORDER = {"resource": "prayer", "cities": 100, "methods": "3,4,5", "year": 2026, "force": True}


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.clients", description=__doc__)
    parser.add_argument("--clients", type=int, default=500)
    parser.add_argument("--rounds", type=int, default=4)
    options = parser.parse_args()
    with made_home() as home:
        home.run("up")
        server = Server(home)
        server.start()
        asyncio.run(_measure(home, server, options.clients, options.rounds))
        server.stop()


async def _measure(home: Home, server: Server, clients: int, rounds: int) -> None:
    print("clients  workers' CPU s  server's CPU s  Redis commands  seconds  events each")
    found: dict[int, list[float]] = {0: [], clients: []}
    await _round(home, server, 0)  # warms up, and stores the rows
    for _ in range(rounds):
        for count in (0, clients):
            spent, line = await _round(home, server, count)
            found[count].append(spent)
            print(line)
    print(f"workers' CPU with {clients} to none: {statistics.mean(found[clients]) / statistics.mean(found[0]):.3f}")


async def _round(home: Home, server: Server, clients: int) -> tuple[float, str]:
    """Sync once while so many follow; return the processor seconds of the workers, and a line that tells all."""
    following = [asyncio.create_task(_follow(server)) for _ in range(clients)]
    assert server.process is not None
    with closing(connect_cli(EmbeddedServer(home.path / "redis").url)) as client:
        while clients and _followers(server) < clients:
            await asyncio.sleep(0.05)
        pids = [one.pid for one in workers(client)]
        before = [sum(map(processor_seconds, pids)), processor_seconds(server.process.pid), _commands(client)]
        began = time.monotonic()
        run = (await asyncio.to_thread(server.post, "/api/runs", ORDER))["run"]
        state = [("queued",)]
        while state[0][0] in ("queued", "running"):
            await asyncio.sleep(0.1)
            state = await asyncio.to_thread(home.sql, "SELECT state FROM run WHERE id = ?", run)
        took = time.monotonic() - began
        until(lambda: all(one.state == "idle" for one in workers(client)))  # their horses are counted when they ended
        after = [sum(map(processor_seconds, pids)), processor_seconds(server.process.pid), _commands(client)]
    events = [await one for one in following]
    spent = [new - old for new, old in zip(after, before, strict=True)]
    each = f"{min(events)} to {max(events)}" if events else ""
    return spent[0], f"{clients:7}{spent[0]:16.2f}{spent[1]:16.2f}{spent[2]:16.0f}{took:9.2f}  {each}"


async def _follow(server: Server) -> int:
    """Follow until a run has ended; return how many events came."""
    url, seen = f"ws://127.0.0.1:{server.port}/ws", 0
    async with connect(url, additional_headers=server.headers(), compression=None) as socket:
        async for told in socket:
            seen += 1
            if '"state":"succeeded"' in str(told) and '"event":"state"' in str(told):
                break
    return seen


def _followers(server: Server) -> int:
    assert server.process is not None
    return sum(1 for one in Path(f"/proc/{server.process.pid}/fd").iterdir() if _is_socket(one)) - 3


def _is_socket(descriptor: Path) -> bool:
    try:
        return str(descriptor.readlink()).startswith("socket:")
    except OSError:
        return False


def _commands(client: Any) -> float:
    return float(client.info("stats")["total_commands_processed"])


if __name__ == "__main__":
    main()
