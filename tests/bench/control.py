"""How long after `pause` or `cancel` nothing commits any more, while eight threads wait for the upstream.

    python -m tests.bench.control --tries 200

In every other try the threads hang in a request, else they sleep before another attempt. What is measured is the
audit trail's own: from the request to the fact that the worker wrote. Then SIGTERM: from the signal to the worker's
end, while they hang. Then kill -9 of the worker that is busy: until another one works on its shard.
"""

from __future__ import annotations

import argparse
import os
import signal
import statistics
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

from synctl.config import load_settings
from synctl.engine.connect import connect_cli
from synctl.engine.control import Control
from synctl.engine.enqueue import Enqueuer, Order
from synctl.engine.queues import workers
from synctl.engine.server import EmbeddedServer
from synctl.states import RunState
from synctl.store import runs, shards
from synctl.store.db import Database, open_database
from synctl.store.runs import Actor
from tests.e2e.conftest import Home, made_home, until
from tests.upstream.aladhan import serve
from tests.upstream.faults import Faults, parse
from tests.upstream.server import LoopbackServer

THREADS = 8
SETTLE_S = 0.3
ORDER = ("prayer", "--cities", "5", "--year", "2026", "--source", "aladhan", "--shards", "1")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.control", description=__doc__)
    parser.add_argument("--tries", type=int, default=200)
    parser.add_argument("--terms", type=int, default=20)
    parser.add_argument("--kills", type=int, default=10)
    options = parser.parse_args()
    with serve(Faults(*parse("hang(600)"))) as upstream, made_home() as home:
        home.environment = {
            "SYNCTL_SOURCES__ALADHAN__BASE_URL": f"{upstream.url}/v1",
            "SYNCTL_SOURCES__ALADHAN__RATE": "0",
            "SYNCTL_SOURCES__ALADHAN__BREAKER": "0",
            "SYNCTL_SOURCES__ALADHAN__CONCURRENCY": str(THREADS),
            "SYNCTL_RETRY__BACKOFF": "600",
            "SYNCTL_RETRY__BACKOFF_CAP": "600",
            "SYNCTL_WORKERS__PRAYER": "2",
            "SYNCTL_WORKERS__QURAN": "0",
            "SYNCTL_WORKERS__HADITH": "0",
        }
        home.run("up")
        run_id = home.json("enqueue", *ORDER)["run"]
        with closing(open_database(load_settings(home.environ(), home.path).database_url)) as database:
            waits = _requests(home, database, upstream, run_id, options.tries)
            _report(f"pause and cancel, {THREADS} threads waiting", waits)
            upstream.faults.rules[:] = parse("hang(600)")
            _report("SIGTERM to the end of the worker", _terms(home, database, run_id, options.terms))
            _report("kill -9 of a worker until another goes on", _kills(home, database, run_id, options.kills))


def _requests(home: Home, database: Database, upstream: LoopbackServer, run_id: str, tries: int) -> list[float]:
    url = EmbeddedServer(home.path / "redis").url
    with closing(connect_cli(url)) as client, closing(connect_cli(url, decode=False)) as connection:
        actor = Actor.this_process()
        control = Control(database, client, connection, actor)
        again = Enqueuer(database, client, connection, load_settings(home.environ(), home.path), actor)
        for number in range(tries):
            _await_threads(database, run_id)
            if number % 2:
                control.pause(run_id)
                control.wait(run_id, lambda run: run.state is RunState.PAUSED, 30)
                control.resume(run_id)
            else:
                control.cancel(run_id)
                control.wait(run_id, lambda run: run.state is RunState.CANCELLED, 30)
                again.retry(run_id, Order())
            upstream.faults.rules[:] = parse("error" if number % 4 > 1 else "hang(600)")
    with database.read() as transaction:
        events = runs.events(transaction, run_id, limit=10 * tries)
    asked = [event["at"] for event in events if event["kind"] == "request" and event["state"].endswith("ing")]
    facts = [event["at"] for event in events if event["state"] in ("paused", "cancelled")]
    assert len(asked) == len(facts) == tries, "each was made a fact by the worker"
    return [float(fact - request) for request, fact in zip(asked, facts, strict=True)]


def _await_threads(database: Database, run_id: str) -> None:
    """Wait until the shard works and its threads are where they hang or sleep."""

    def running() -> bool:
        with database.read() as transaction:
            return runs.get(transaction, run_id).state is RunState.RUNNING

    until(running)
    time.sleep(SETTLE_S)


def _terms(home: Home, database: Database, run_id: str, tries: int) -> list[float]:
    took = []
    with closing(connect_cli(EmbeddedServer(home.path / "redis").url)) as client:
        for _ in range(tries):
            _await_threads(database, run_id)
            busy = until(lambda: [one for one in workers(client) if one.state == "busy"])
            began = time.monotonic()
            os.kill(busy[0].pid, signal.SIGTERM)
            while _alive(busy[0].pid):
                time.sleep(0.005)
            took.append((time.monotonic() - began) * 1000)
    return took


def _kills(home: Home, database: Database, run_id: str, tries: int) -> list[float]:
    took = []
    with closing(connect_cli(EmbeddedServer(home.path / "redis").url)) as client:
        for _ in range(tries):
            _await_threads(database, run_id)
            until(lambda: len(workers(client)) == 2)
            busy = until(lambda: [one for one in workers(client) if one.state == "busy"])
            before = _holder(database, run_id)
            began = time.monotonic()
            os.kill(busy[0].pid, signal.SIGKILL)
            until(lambda: _holder(database, run_id) not in ("", before))  # noqa: B023 - called at once
            took.append((time.monotonic() - began) * 1000)
    return took


def _holder(database: Database, run_id: str) -> str:
    with database.read() as transaction:
        return next((shard.holder for shard in shards.expected(transaction, run_id)), "")


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _report(what: str, milliseconds: Sequence[float]) -> None:
    ranked = sorted(milliseconds)
    p99 = ranked[min(len(ranked) - 1, round(0.99 * len(ranked)))]
    print(
        f"{what}: {len(ranked)} tries, median {statistics.median(ranked):.0f} ms,"
        f" p99 {p99:.0f} ms, most {ranked[-1]:.0f} ms"
    )


if __name__ == "__main__":
    main()
