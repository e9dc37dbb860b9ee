"""What tests of every kind need."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from synctl.config import Settings

PATIENCE_S = 60.0
"""For what happens in a second on a machine with nothing else to do."""


def until(condition: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
    """Poll until the condition gives something true, and return that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {condition}")


def unmeasured() -> dict[str, str]:
    """Return an environment without coverage, for a process whose modules are counted, or in which a signal raises.

    Coverage's lock is not released if a signal's handler raises while it is held: the process then waits for itself.
    """
    return {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")}


def chosen(settings: Settings) -> Settings:
    """Return what was chosen, but not where."""
    return replace(settings, origins={}, file=None)
