"""Keeps the local stack up: the embedded Valkey and the workers, respawned when they die, until told to stop.

One supervisor per home: it holds a flock on a file that also carries its pid, which is true while the lock is held.
"""

from __future__ import annotations

import logging
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

import msgspec

from synctl.engine import cores
from synctl.engine.filelock import is_locked, try_lock
from synctl.engine.wait import until
from synctl.errors import SynctlError
from synctl.words import shortened

CHECK_S = 0.25
GRACE_S = 8.0
"""How long a worker may take to checkpoint before it is killed; a second is usual."""
BACKOFF_S = (0.0, 0.5, 1.0, 2.0, 5.0)
"""Before a worker is started again, by how often it died young."""
YOUNG_S = 10.0
ASKED_S = 0.5
"""How long the lock is tried for: it may be held by somebody who only asks who has it."""

STRAY_BYTES = 1_000_000
"""Of a file for stray output, after which it begins anew."""

SUPERVISOR = "synctl.supervisor"
"""Its name in the log."""
SUPERVISOR_OUTPUT = "supervisor.err"
FAILED = re.compile(r"worker \S+ \d+ ended with [1-9]")
"""How its line begins that tells of a worker that ended with an error, not by a signal."""

log = logging.getLogger(SUPERVISOR)


class SupervisorLock:
    """Who supervises a home."""

    def __init__(self, home: Path) -> None:
        self._path = home / "supervisor.lock"
        self._descriptor: int | None = None

    def acquire(self) -> bool:
        """Take the lock for the life of this process; False if another process has it."""

        def taken() -> bool:
            self._descriptor = try_lock(self._path)
            return self._descriptor is not None

        if not until(taken, ASKED_S):
            return False
        assert self._descriptor is not None  # noqa: S101 - for the type checker
        os.ftruncate(self._descriptor, 0)
        os.pwrite(self._descriptor, f"{os.getpid()}\n".encode(), 0)
        return True

    def holder(self) -> int | None:
        """Return the pid of the supervisor, None if there is none."""
        if not is_locked(self._path):
            return None
        text = self._path.read_text().strip()
        return int(text) if text.isdigit() else None

    def require_reachable(self) -> None:
        """Raise SynctlError where the rights of files hide whether somebody supervises."""
        try:
            os.close(os.open(self._path, os.O_RDONLY | os.O_CLOEXEC))
        except FileNotFoundError:
            return
        except OSError as error:
            denied = isinstance(error, PermissionError)
            raise SynctlError(
                f"cannot tell whether anything is up: {self._path}: {error.strerror}",
                hint="run it as the user of the stack" if denied else "is SYNCTL_HOME right?",
            ) from error

    def stop_holder(self, patience: float = GRACE_S + 4) -> bool:
        """Ask the supervisor to stop and wait for it; return whether there was one."""
        pid = self.holder()
        if pid is None:
            return False
        try:
            os.kill(pid, signal.SIGTERM)
        except ProcessLookupError:  # it has just ended
            return True
        except PermissionError:
            what = f"the supervisor (pid {pid}) is another user's"
            raise SynctlError(what, hint="run it as the user of the stack") from None
        if not until(lambda: self.holder() != pid, patience):
            raise SynctlError(f"the supervisor (pid {pid}) did not stop within {patience:.0f} s")
        return True


class _Slot(msgspec.Struct):
    resource: str
    number: int
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    deaths: int = 0
    not_before: float = 0.0


class Supervisor:
    """Starts `workers[resource]` workers for each resource and starts them again when they end."""

    def __init__(
        self, workers: dict[str, int], logs: Path, ensure_server: Callable[[Callable[[], bool]], bool] | None
    ) -> None:
        self._workers = workers
        self._slots = [_Slot(resource, n + 1) for resource, count in workers.items() for n in range(count)]
        self._logs = logs
        self._ensure_server = ensure_server
        self._stop = False

    def run(self) -> None:
        """Supervise until SIGTERM or SIGINT, then stop the workers and return."""
        signal.signal(signal.SIGTERM, self._request_stop)
        signal.signal(signal.SIGINT, self._request_stop)
        self._logs.mkdir(mode=0o700, parents=True, exist_ok=True)
        log.info("supervising %d workers", len(self._slots))
        wait = threading.Event()
        while not self._stop:
            self._keep_server()
            for slot in self._slots:
                self._keep(slot)
            wait.wait(CHECK_S)
        self._stop_workers()
        log.info("stopped")

    def _request_stop(self, _signal: int, _frame: object) -> None:
        self._stop = True

    def _keep_server(self) -> None:
        if self._ensure_server is None:
            return
        try:
            started = self._ensure_server(lambda: self._stop)  # one that cannot be started must not hold up our end
            if started and not self._stop:
                log.warning("Valkey was gone and has been started")
        except SynctlError as error:
            log.error("Valkey: %s", error)

    def _keep(self, slot: _Slot) -> None:
        now = time.monotonic()
        if slot.process is not None:
            status = slot.process.poll()
            if status is None:
                return
            young = now - slot.started < YOUNG_S
            slot.deaths = slot.deaths + 1 if young else 0
            slot.not_before = now + BACKOFF_S[min(slot.deaths, len(BACKOFF_S) - 1)]
            slot.process = None
            said = last_words(self._output(slot)) if status > 0 else ""
            log.warning("worker %s %d ended with %d%s; starting another", slot.resource, slot.number, status, said)
        if now >= slot.not_before:
            self._start(slot)

    def _start(self, slot: _Slot) -> None:
        with stray_output(self._output(slot)) as log_file:
            slot.process = subprocess.Popen(
                [sys.executable, "-m", "synctl", "worker", slot.resource, "--supervised", str(os.getpid())],
                stdin=subprocess.DEVNULL,
                stdout=log_file,
                stderr=log_file,
            )
        cores.keep(slot.process.pid, slot.number, self._workers[slot.resource])
        slot.started = time.monotonic()

    def _output(self, slot: _Slot) -> Path:
        return self._logs / f"worker-{slot.resource}-{slot.number}.err"

    def _stop_workers(self) -> None:
        processes = [slot.process for slot in self._slots if slot.process is not None]
        for process in processes:
            process.terminate()
        deadline = time.monotonic() + GRACE_S
        for process in processes:
            try:
                process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                log.error(
                    "worker %d did not stop in %.0f s: killed; its shard goes on elsewhere",
                    process.pid,
                    GRACE_S,
                )
                process.kill()
                process.wait()


def spawn_detached(logs: Path) -> subprocess.Popen[bytes]:
    """Start a supervisor that outlives this command. If one runs already, the new one ends at once, with 0.

    It keeps the working directory, since settings are looked for there.
    """
    logs.mkdir(mode=0o700, parents=True, exist_ok=True)
    with stray_output(logs / SUPERVISOR_OUTPUT) as log_file:
        return subprocess.Popen(
            [sys.executable, "-m", "synctl", "up", "--foreground", "--quiet", "--detached"],
            stdin=subprocess.DEVNULL,
            stdout=log_file,
            stderr=log_file,
            start_new_session=True,
        )


def stray_output(path: Path) -> BinaryIO:
    """Open the file for what a process writes beside its log: complaints of Python or the system, as it starts or dies.

    It begins anew when it is large, so that a process that dies again and again does not fill the disk.
    """
    large = path.exists() and path.stat().st_size > STRAY_BYTES
    return path.open("wb" if large else "ab")


def last_words(path: Path) -> str:
    """Return the last line of a file for stray output, in brackets; empty where there is none."""
    with suppress(OSError):
        lines = path.read_bytes().decode(errors="replace").splitlines()
        return f" ({shortened(lines[-1])})" if lines else ""
    return ""
