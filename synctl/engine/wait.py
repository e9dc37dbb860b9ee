"""Waiting for what another process does, where nothing but looking again tells."""

from __future__ import annotations

import time
from collections.abc import Callable

LOOK_S = 0.02
"""Short beside what is waited for (a start, an end), long beside a look at it."""


def until(condition: Callable[[], bool], within_s: float) -> bool:
    """Look until the condition holds or the time is over; return whether it holds."""
    deadline = time.monotonic() + within_s
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(LOOK_S)
    return True
