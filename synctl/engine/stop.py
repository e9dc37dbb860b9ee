"""Why a shard stops, and the signal that its threads wait on."""

from __future__ import annotations

import threading
from collections.abc import Callable
from enum import IntEnum


class StopReason(IntEnum):
    """In rising order of urgency: a later, more urgent reason replaces an earlier one."""

    PAUSE = 1
    CANCEL = 2
    SHUTDOWN = 3
    SUSPENDED = 4
    """Redis does not answer: the lease may be stale soon, so the work ends before it is."""
    LOST = 5
    """Somebody else holds the shard: nothing may be written, not even that."""


class StopSignal:
    """Set once, read by every thread of a shard. A `resource.Stop`."""

    def __init__(self) -> None:
        self._event = threading.Event()
        self._guard = threading.Lock()
        self._reason: StopReason | None = None
        self.detail = ""
        self._wakers: list[Callable[[], None]] = []

    @property
    def reason(self) -> StopReason | None:
        """The most urgent reason so far."""
        return self._reason

    def request(self, reason: StopReason, detail: str = "") -> None:
        """Ask the shard to stop; `detail` is for people."""
        with self._guard:
            if self._reason is None or reason > self._reason:
                self._reason, self.detail = reason, detail
        self._event.set()
        for wake in self._wakers:
            wake()

    def on_request(self, wake: Callable[[], None]) -> None:
        """Call `wake` when a stop is requested, and at once if one was."""
        self._wakers.append(wake)
        if self.is_set():
            wake()

    def is_set(self) -> bool:
        """Whether the shard must stop."""
        return self._event.is_set()

    def wait(self, timeout: float) -> bool:
        """Sleep for `timeout` seconds or until the shard must stop; whether it must."""
        return self._event.wait(timeout)
