"""What the view shows, read from SQL and Redis. Reading changes nothing; what cannot be read is told."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec
from msgspec.structs import replace

from synctl.cli.outage import Outage
from synctl.cli.session import Session
from synctl.clock import now_ms
from synctl.engine import queues
from synctl.engine.hosts import HostState, hosts
from synctl.engine.queues import WorkerInfo
from synctl.engine.view import RunView, views
from synctl.states import ACTIVE
from synctl.store import runs
from synctl.store.units import Cause, causes

if TYPE_CHECKING:
    from redis import Redis

    from synctl.store.db import Transaction

MOST_RUNS: Final = 200
SLOW_S: Final = 2.0
"""Between looks at what changes slowly: workers, queues, causes of failure."""
HISTORY: Final = 120
"""Rates that are kept for the sparkline, one a look."""


class Failure(msgspec.Struct, frozen=True):
    """A cause of failed units, and the run that has them."""

    run_id: str
    cause: Cause


class Snapshot(msgspec.Struct, frozen=True):
    """Everything on the screen. `trouble`: why it is as old as `at` says; empty: it is of now."""

    at: int = 0
    views: tuple[RunView, ...] = ()
    failures: tuple[Failure, ...] = ()
    workers: tuple[WorkerInfo, ...] = ()
    waiting: tuple[tuple[str, int], ...] = ()
    hosts: tuple[HostState, ...] = ()
    rates: tuple[float, ...] = ()
    trouble: str = ""


class Reader:
    """Looks again and again. `named`: the runs to show, empty: all that are active, and those that were meanwhile."""

    def __init__(self, session: Session, named: Sequence[str] = ()) -> None:
        self.session = session
        self.named = named
        self.last = Snapshot()
        self._outage = Outage(session, patience_s=None)
        self._seen: dict[str, None] = {}
        self._slow_at = float("-inf")
        self._failed: dict[str, int] = {}

    def look(self) -> Snapshot:
        """Return what is so now, or what was so last, with what is wrong."""
        self.last = self._outage.spanned(self._read, lambda: replace(self.last, trouble=self._outage.trouble))
        return self.last

    def _read(self) -> Snapshot:
        client = self.session.live_client
        with self.session.database.read() as transaction:
            current = views(self._runs(transaction), client)
            failures = self._failures(transaction, current)
        rate = sum(view.live.row_rate for view in current if view.run.state in ACTIVE)
        found = replace(
            self.last,
            at=now_ms(),
            views=tuple(current),
            failures=failures,
            hosts=() if client is None else tuple(hosts(client, self.session.settings)),
            rates=(*self.last.rates, rate)[-HISTORY:],
            trouble="" if client is not None else "Valkey is not up: `synctl up`",
        )
        if client is not None and time.monotonic() - self._slow_at > SLOW_S:
            found = replace(found, workers=tuple(queues.workers(client)), waiting=self._waiting(client))
            self._slow_at = time.monotonic()
        return found

    def _runs(self, transaction: Transaction) -> list[runs.Run]:
        if self.named:
            return [runs.get(transaction, name) for name in self.named]
        active = runs.listing(transaction, states=ACTIVE, limit=MOST_RUNS)
        ended = [run_id for run_id in self._seen if run_id not in {run.id for run in active}]
        self._seen |= dict.fromkeys(run.id for run in active)
        return [*active, *(run for run_id in ended if (run := runs.find(transaction, run_id)) is not None)]

    def _failures(self, transaction: Transaction, current: Sequence[RunView]) -> tuple[Failure, ...]:
        """Group failures only where there are new ones: in a large run that takes a while."""
        failed = {view.run.id: view.run.failed for view in current if view.run.failed}
        if failed == self._failed:
            return self.last.failures
        self._failed = failed
        found = [
            Failure(view.run.id, cause)
            for view in current
            if view.run.failed
            for cause in causes(transaction, view.run.seq)
        ]
        return tuple(sorted(found, key=lambda one: -one.cause.count))

    def _waiting(self, client: Redis) -> tuple[tuple[str, int], ...]:
        return tuple((name, queues.depth(client, name)) for name in self.session.settings.workers)
