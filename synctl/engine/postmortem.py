"""What a work horse died of: of its own doing, as a crash in a library or too much memory, or by another's hand."""

from __future__ import annotations

import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

VMSTAT: Final = Path("/proc/vmstat")
CRASHES: Final = frozenset(
    {signal.SIGABRT, signal.SIGBUS, signal.SIGFPE, signal.SIGILL, signal.SIGSEGV, signal.SIGSYS, signal.SIGTRAP}
)
"""What the kernel sends to a process for what it did, or what a library that gives up sends to itself."""


def oom_kills() -> int:
    """How many processes the kernel has killed for their memory since it was started; 0 where it does not tell."""
    with suppress(OSError, ValueError):
        for line in VMSTAT.read_text().splitlines():
            name, _, count = line.partition(" ")
            if name == "oom_kill":
                return int(count)
    return 0


def crashed(wait_status: int, *, out_of_memory: bool) -> bool:
    """Whether it was its own doing. `out_of_memory`: the kernel killed processes for their memory while it lived.

    `kill -9` alone proves nothing: an operator, a supervisor or the shutdown of a machine does that. Nor does an exit
    code, which RQ uses where it loses Redis.
    """
    if not os.WIFSIGNALED(wait_status):
        return False
    number = os.WTERMSIG(wait_status)
    return number in CRASHES or (number == signal.SIGKILL and out_of_memory)
