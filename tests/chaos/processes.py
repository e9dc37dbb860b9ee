"""The processes of one home, found in /proc, and signals that can hit nobody else."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

PROC = Path("/proc")


class Role(StrEnum):
    """What a process of the stack is. A command that an operator would type has none."""

    HORSE = "horse"
    WORKER = "worker"
    SUPERVISOR = "supervisor"
    VALKEY = "valkey"
    COMMAND = "command"


@dataclass(frozen=True, slots=True)
class Process:
    """A process as it was seen. `born` tells it from a later one of the same pid."""

    pid: int
    parent: int
    born: int
    words: tuple[str, ...]
    role: Role = Role.COMMAND

    def send(self, number: signal.Signals) -> bool:
        """Send a signal to this very process; False if it has ended."""
        try:
            handle = os.pidfd_open(self.pid)
        except OSError:
            return False
        try:
            now = _look(self.pid)  # while the handle is open, the pid cannot become another's unnoticed
            if now is None or now.born != self.born:
                return False
            signal.pidfd_send_signal(handle, number)
        except ProcessLookupError:
            return False
        finally:
            os.close(handle)
        return True


def of_home(home: Path) -> list[Process]:
    """Return the living processes of a home with their roles."""
    mark = f"SYNCTL_HOME={home}".encode()
    found = {one.pid: one for one in _all() if _belongs(one, home, mark)}
    return [
        Process(one.pid, one.parent, one.born, one.words, _role(one, found.get(one.parent))) for one in found.values()
    ]


def with_role(home: Path, role: Role) -> list[Process]:
    """Return the processes of a home that are one thing, in the order of their pids."""
    return sorted((one for one in of_home(home) if one.role is role), key=lambda one: one.pid)


def _belongs(process: Process, home: Path, mark: bytes) -> bool:
    if _is_valkey(process) and str(home) in " ".join(process.words):
        return True  # its title overwrites its arguments and its environment
    if "synctl" not in process.words:
        return False
    with suppress(OSError):
        return mark in (PROC / str(process.pid) / "environ").read_bytes().split(b"\0")
    return False


def _role(process: Process, parent: Process | None) -> Role:
    words = process.words
    if _is_valkey(process):
        return Role.VALKEY
    command = words[words.index("synctl") + 1 :]
    if command[:1] == ("worker",):
        return Role.HORSE if parent is not None and parent.words == words else Role.WORKER
    if command[:1] == ("up",) and "--foreground" in command:
        # Between fork and exec a child of the supervisor still looks like it.
        return Role.COMMAND if parent is not None and parent.words == words else Role.SUPERVISOR
    return Role.COMMAND


def _is_valkey(process: Process) -> bool:
    return Path(process.words[0].split(" ")[0]).name in {"valkey-server", "redis-server"}


def _all() -> Iterator[Process]:
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            process = _look(int(entry.name))
            if process is not None:
                yield process


def _look(pid: int) -> Process | None:
    folder = PROC / str(pid)
    try:
        # The name, in brackets, may hold blanks and brackets itself.
        state, parent, *rest = (folder / "stat").read_text().rpartition(")")[2].split()
        words = tuple(word.decode(errors="replace") for word in (folder / "cmdline").read_bytes().split(b"\0") if word)
    except (OSError, ValueError):
        return None
    if state in {"Z", "X"} or not words:
        return None
    return Process(pid, int(parent), int(rest[17]), words)
