"""What a shard measures of itself: counters, rates over a sliding window, what it waits for, whether it is stuck."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

import msgspec

from synctl.clock import now_ms
from synctl.engine.progress import COUNTERS, ShardProgress
from synctl.store.ledger import Counters
from synctl.store.runs import Run

WINDOW_S = 10.0
"""Long enough to smooth batches of commits, short enough to show a slow upstream."""
SAMPLES = 64
STALLED_FACTOR = 10
"""Alive, but without a unit for so many times the usual: stalled."""
STALLED_S = 5.0
"""… and for so long at least: where a unit takes milliseconds, a checkpoint of the database is no stall."""
UNKNOWN_S = 30.0
"""Before the first unit nothing is usual; then this long is."""


class _Wait(msgspec.Struct, frozen=True):
    host: str
    why: str
    since: float
    until: float


class Gauge:
    """Written by the shard's threads, read by its ticker. Only a wait, which many threads begin and end, needs a lock.

    Rates are over the time in which the shard could work: its clock stands still while the upstream's host is
    closed to it, so that the pace, and what is left at that pace, stay what they were.
    """

    def __init__(self, holder: str, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._holder = holder
        self._monotonic = monotonic
        self._units = 0
        self._rows = 0
        self._began = self._last = monotonic()
        self._samples: deque[tuple[float, int, int]] = deque([(self._began, 0, 0)], maxlen=SAMPLES)
        self._guard = threading.Lock()
        self._waited = 0.0
        self._wait: _Wait | None = None
        self.counters: tuple[tuple[str, int], ...] = ()
        self.current = ""
        self.note = ""

    def committed(self, units: int, rows: int, counters: Counters) -> None:
        """Take the result of a commit of this shard."""
        self._units += units
        self._rows += rows
        self.show(counters)
        self._last = now = self._active()
        if now - self._samples[-1][0] >= WINDOW_S / SAMPLES:
            self._samples.append((now, self._units, self._rows))

    def show(self, counters: Counters | Run) -> None:
        """Take the run's counters as SQL has them."""
        self.counters = tuple((name, getattr(counters, name)) for name in COUNTERS)

    def wait_for(self, host: str, why: str, seconds: float) -> None:
        """Note that the host of the upstream is closed to us for so long."""
        with self._guard:
            now, before = self._monotonic(), self._wait
            self._wait = _Wait(host, why, before.since if before else now, now + seconds)

    def go_on(self) -> None:
        """Note that it is open."""
        with self._guard:
            wait, self._wait = self._wait, None
            if wait is not None:
                self._waited += self._monotonic() - wait.since

    @property
    def stalled_s(self) -> float:
        """For how many seconds no unit was done although the shard could work; 0 while that is nothing unusual."""
        idle = self._active() - self._last
        usual = (self._last - self._began) / self._units if self._units else UNKNOWN_S / STALLED_FACTOR
        return idle if idle > max(STALLED_S, STALLED_FACTOR * usual) else 0.0

    def snapshot(self) -> ShardProgress:
        """Return what the shard says of itself now."""
        now, wait, stalled = self._active(), self._wait, self.stalled_s
        left = max(0.0, wait.until - self._monotonic()) if wait else 0.0
        samples = tuple(self._samples)  # the loop goes on adding to it
        oldest = next((sample for sample in samples if now - sample[0] <= WINDOW_S), samples[-1])
        elapsed = max(now - oldest[0], 0.1)
        return ShardProgress(
            holder=self._holder,
            at=now_ms(),
            current=self.current,
            unit_rate=(self._units - oldest[1]) / elapsed,
            row_rate=(self._rows - oldest[2]) / elapsed,
            note=self.note or self._reason(wait, left, stalled),
            waits=wait is not None,
            wait_s=left,
            stalled_s=stalled,
        )

    def _active(self) -> float:
        """The clock that stands still while the host is closed."""
        with self._guard:
            wait = self._wait
            return (wait.since if wait else self._monotonic()) - self._waited

    def _reason(self, wait: _Wait | None, left: float, stalled: float) -> str:
        if wait is not None:
            return f"waiting for {wait.host} ({wait.why}, {left:.0f} s)"
        if stalled:
            usual = (self._last - self._began) / self._units if self._units else None
            often = f", usually one in {usual:.2g} s" if usual else ""
            return f"stalled: no unit for {stalled:.0f} s{often}"
        return ""
