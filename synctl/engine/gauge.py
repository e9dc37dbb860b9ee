"""What a shard measures of itself: counters, and rates over a sliding window."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

from synctl.clock import now_ms
from synctl.engine.progress import ShardProgress
from synctl.store.ledger import Counters

WINDOW_S = 10.0
"""Long enough to smooth batches of commits, short enough to show a slow upstream."""
SAMPLES = 64


class Gauge:
    """Written by the shard's loop, read by its ticker; each field is replaced whole, so no lock is needed."""

    def __init__(self, holder: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._holder = holder
        self._monotonic = monotonic
        self._units = 0
        self._rows = 0
        self._samples: deque[tuple[float, int, int]] = deque([(monotonic(), 0, 0)], maxlen=SAMPLES)
        self.counters: tuple[tuple[str, int], ...] = ()
        self.current = ""
        self.note = ""

    def committed(self, units: int, rows: int, counters: Counters) -> None:
        """Take the result of a commit of this shard."""
        self._units += units
        self._rows += rows
        self.show(counters)
        now = self._monotonic()
        if now - self._samples[-1][0] >= WINDOW_S / SAMPLES:
            self._samples.append((now, self._units, self._rows))

    def show(self, counters: Counters) -> None:
        """Take the run's counters as SQL has them."""
        self.counters = (
            ("done", counters.done),
            ("failed", counters.failed),
            ("rows", counters.rows),
            ("total", counters.total),
        )

    def snapshot(self) -> ShardProgress:
        """Return what the shard says of itself now."""
        now = self._monotonic()
        oldest = next(
            sample
            for sample in (*self._samples, self._samples[-1])
            if now - sample[0] <= WINDOW_S or sample is self._samples[-1]
        )
        elapsed = max(now - oldest[0], 0.1)
        return ShardProgress(
            holder=self._holder,
            at=now_ms(),
            current=self.current,
            unit_rate=(self._units - oldest[1]) / elapsed,
            row_rate=(self._rows - oldest[2]) / elapsed,
            note=self.note,
        )
