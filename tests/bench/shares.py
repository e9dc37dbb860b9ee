"""What a shard spends its CPU for: the real job in this process, with a clock around each part of it."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import wraps
from typing import Any, ClassVar
from unittest import mock

from synctl.config import load_settings
from synctl.engine import heap, job
from synctl.engine.gauge import Gauge
from synctl.engine.runner import ShardRunner
from synctl.engine.server import EmbeddedServer
from synctl.engine.ticker import Ticker
from synctl.processors import prayer_session
from synctl.sources import aladhan
from synctl.sources.http import Fetcher
from synctl.store import publish
from tests.e2e.conftest import Home

PARTS: tuple[tuple[str, object, str], ...] = (
    ("fetch", Fetcher, "get"),
    ("decode", aladhan, "_unless_known"),
    ("verify", prayer_session, "verify"),
    ("write", publish, "publish"),
    ("ledger", ShardRunner, "_commit"),
    ("progress", Ticker, "_tick"),
    ("progress", Ticker, "_ask_sql"),
    ("progress", Gauge, "committed"),
)
"""What is called within another part counts for itself alone: a decode within `get` is no fetch."""


def shares(home: Home, run_id: str) -> dict[str, float]:
    """Drain a run that no worker took, and return CPU seconds by part; `other` is what lies in none."""
    settings = load_settings(home.environ(), home.path)
    url = EmbeddedServer(settings.redis_dir).url
    context = job.JobContext(settings, url, "bench", shutdown=lambda: False)
    job.JOB_CONTEXT.set(context)
    heap.settle()
    with _clocked() as spent:
        began = time.process_time()
        job.drain(run_id, 0, 1)
        whole = time.process_time() - began
    named = {part: spent[part] for part in dict.fromkeys(part for part, *_ in PARTS)}
    return {**named, "other": whole - sum(named.values())}


@contextmanager
def _clocked() -> Iterator[dict[str, float]]:
    clock = _Clock()
    with ExitStack() as patches:
        for part, owner, name in PARTS:
            patches.enter_context(mock.patch.object(owner, name, clock.around(part, getattr(owner, name))))
        yield clock.spent


class _Clock(threading.local):
    """CPU time of each thread by part, less what parts within it took."""

    spent: ClassVar[dict[str, float]] = defaultdict(float)
    guard: ClassVar[threading.Lock] = threading.Lock()

    def __init__(self) -> None:
        self.within: list[float] = []

    def around(self, part: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function, clocked."""

        @wraps(function)
        def clocked(*arguments: Any, **named: Any) -> Any:
            self.within.append(0.0)
            began = time.thread_time()
            try:
                return function(*arguments, **named)
            finally:
                took = time.thread_time() - began
                alone = took - self.within.pop()
                if self.within:
                    self.within[-1] += took
                with self.guard:
                    self.spent[part] += alone

        return clocked
