"""What the processes of a home cost: CPU seconds and memory, those that ended meanwhile included. Linux only."""

from __future__ import annotations

import os
import resource
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

PERIOD_S = 0.1
MOMENT_S = 0.005
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(slots=True)
class Cost:
    """CPU seconds of all processes; the largest one's peak in MB, and the sum of all peaks."""

    cpu: float = 0.0
    peaks: dict[int, float] = field(default_factory=dict)

    @property
    def largest(self) -> float:
        """The peak of the process with the most memory."""
        return max(self.peaks.values(), default=0.0)


@contextmanager
def metered(home: Path) -> Iterator[Cost]:
    """Measure the processes whose SYNCTL_HOME this is, the servers they started and commands that ended included."""
    cost, ended = Cost(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(home, cost, ended), daemon=True)
    before = _spent(home) + _commands()
    watcher.start()
    try:
        yield cost
    finally:
        ended.set()
        watcher.join()
        cost.cpu = _spent(home) + _commands() - before


def _watch(home: Path, cost: Cost, ended: threading.Event) -> None:
    while not ended.wait(PERIOD_S):
        for pid in _processes(home):
            with suppress(OSError, StopIteration):
                status = Path(f"/proc/{pid}/status").read_text().splitlines()
                peak = next(line for line in status if line.startswith("VmHWM"))
                cost.peaks[pid] = max(cost.peaks.get(pid, 0.0), int(peak.split()[1]) / 1024)


def _spent(home: Path) -> float:
    """CPU of the processes that are there and of their children that were reaped.

    One that has ended and was not reaped yet would be in neither: it is waited for, before anything is added up, since
    it may be reaped meanwhile.
    """
    while True:
        there = set(_processes(home))
        if not _unreaped(there):
            with suppress(OSError):  # one ended meanwhile
                spent = sum(map(processor_seconds, there))
                if there == set(_processes(home)):
                    return spent
        time.sleep(MOMENT_S)


def _unreaped(known: set[int]) -> bool:
    """Whether a child of these is about to end: it has no environment any more, from which it would be known."""
    for one in Path("/proc").iterdir():
        with suppress(OSError):
            if one.name.isdecimal() and int(one.name) not in known and not _has_environment(one):
                parent = (one / "stat").read_text().rpartition(")")[2].split()[1]
                if int(parent) in known:
                    return True
    return False


def _has_environment(process: Path) -> bool:
    """Newer kernels refuse to read what is none, as if there were no such process; `stat` tells whether there is."""
    try:
        return bool((process / "environ").read_bytes())
    except ProcessLookupError:
        return False


def _commands() -> float:
    """CPU of our own children that ended: commands that were run and waited for."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def processor_seconds(pid: int) -> float:
    """CPU of a process and of its children that were reaped. Raises OSError where there is none."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / TICKS  # utime, stime, cutime, cstime


def _processes(home: Path) -> Iterator[int]:
    mark = f"SYNCTL_HOME={home}".encode()
    for one in Path("/proc").iterdir():
        with suppress(OSError):
            if one.name.isdecimal() and mark in (one / "environ").read_bytes().split(b"\0"):
                yield int(one.name)
