"""The stack that is disturbed: its home, its settings, its processes, and the commands an operator would type."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from tests.chaos.processes import Process, Role, of_home, with_role
from tests.chaos.sql import Sql
from tests.chaos.witness import Witness
from tests.e2e.conftest import Home

LEASE_S = 1.0
"""The shortest that the settings allow: to sit out a lease is then cheap."""
COMMAND_S = 45.0
"""A command may wait for a writer that is stopped, for the workers of `up`, for a Redis that is frozen; not longer."""
UP_AGAIN_S = 3.0
"""An `up` whose supervisor dies waits 20 s for workers in vain: the operator types it again."""
LOG_LINES = 25


def settings(upstream: str, database: str | None, package: Path | None) -> dict[str, str]:
    """Return the environment of a stack that loses patience quickly and never gives a unit up."""
    chosen = {
        "SYNCTL_WORKERS__PRAYER": "2",
        "SYNCTL_WORKERS__QURAN": "0",
        "SYNCTL_WORKERS__HADITH": "0",
        "SYNCTL_REDIS__LEASE_TTL": str(LEASE_S),
        "SYNCTL_SOURCES__ALADHAN__BASE_URL": f"{upstream}/v1",
        "SYNCTL_SOURCES__ALADHAN__RATE": "0",
        "SYNCTL_SOURCES__ALADHAN__TIMEOUT": "3",
        "SYNCTL_SOURCES__ALADHAN__CONCURRENCY": "8",
        "SYNCTL_RETRY__ATTEMPTS": "60",
        "SYNCTL_RETRY__BACKOFF": "0.05",
        "SYNCTL_RETRY__BACKOFF_CAP": "0.3",
        "SYNCTL_RETRY__RETRY_AFTER_CAP": "0.3",
    }
    if database is not None:
        chosen["SYNCTL_DATABASE__URL"] = database
    if package is not None:
        chosen["PYTHONPATH"] = str(package)
    return chosen


class Stage:
    """A home under chaos. `wrong` collects what no command may do, `notes` what is worth a line."""

    def __init__(self, home: Home, database: str | None) -> None:
        self.home = home
        self.path = home.path
        self.socket = home.path / "redis" / "valkey.sock"
        self.database = database or f"sqlite:///{home.path}/synctl.db"
        self.sql = Sql(self.database)
        self.witness = Witness(self.sql)
        self.wrong: list[str] = []
        self.notes: Counter[str] = Counter()
        self._up_at = 0.0
        self._background: list[threading.Thread] = []

    def processes(self, role: Role) -> list[Process]:
        """Return the living processes of a kind."""
        return with_role(self.path, role)

    @contextmanager
    def redis(self, *, decode: bool = True) -> Iterator[Redis]:
        """Open an administrator's connection, which fails rather than waits."""
        client = Redis(
            unix_socket_path=str(self.socket), retry=Retry(NoBackoff(), 0), socket_timeout=1, decode_responses=decode
        )
        try:
            yield client
        finally:
            with suppress(RedisError):
                client.close()

    def command(self, *arguments: str, seconds: float = COMMAND_S) -> tuple[int, str]:
        """Run a command; return exit code and standard output. What it says on the way is judged."""
        return self._judged(self.home.start(*arguments), arguments, seconds)

    def behind(self, *arguments: str) -> None:
        """Run a command without waiting for it."""
        self.apart(lambda: self.command(*arguments))

    def apart(self, act: Callable[[], object]) -> None:
        """Do something in a thread of its own, which `join` awaits."""
        thread = threading.Thread(target=act, daemon=True)
        thread.start()
        self._background.append(thread)

    def join(self, seconds: float) -> None:
        """Wait for what was begun in the background."""
        deadline = time.monotonic() + seconds
        for thread in self._background:
            thread.join(max(0.0, deadline - time.monotonic()))
            if thread.is_alive():
                self.wrong.append(f"something in the background did not end within {seconds:.0f} s")
        self._background.clear()

    def need_up(self, after: float) -> None:
        """Have `keep_up` run `up` in so many seconds, and not before."""
        self._up_at = time.monotonic() + after

    def keep_up(self) -> None:
        """Run `up` in the background where no supervisor lives, its time has come and none was begun just now."""
        if time.monotonic() >= self._up_at and not self.processes(Role.SUPERVISOR):
            self.need_up(after=UP_AGAIN_S)
            self.behind("up")

    def stop(self) -> None:
        """Bring the stack down; what is left of it afterwards is wrong, and killed."""
        code, _ = self.command("down")
        if code:
            self.wrong.append(f"down: exit {code}")
        deadline = time.monotonic() + 5
        while (left := of_home(self.path)) and time.monotonic() < deadline:
            time.sleep(0.05)
        for process in left:
            self.wrong.append(
                f"down left {process.role} {process.pid}, child of {process.parent}: {' '.join(process.words[-4:])}"
            )
        self.kill_all()

    def kill_all(self) -> None:
        """Kill every process of the home, supervisors first, so that nothing is started again."""
        for _ in range(3):
            for process in sorted(of_home(self.path), key=lambda one: one.role is not Role.SUPERVISOR):
                process.send(signal.SIGKILL)
            time.sleep(0.05)

    def dump(self) -> str:
        """Return what tells an engineer how it came to this."""
        parts = []
        for arguments in (("status", "--json"), ("history", "--limit", "60"), ("reap", "--dry-run")):
            code, out = self.command(*arguments)
            parts.append(f"$ synctl {' '.join(arguments)}  (exit {code})\n{out.rstrip()}")
        parts.extend(f"process {one.pid} {one.role} {' '.join(one.words[-4:])}" for one in of_home(self.path))
        for log in sorted((self.path / "logs").glob("*.log")):
            lines = log.read_text(errors="replace").splitlines()[-LOG_LINES:]
            parts.append("\n".join([f"== {log.name}", *lines]))
        return "\n".join(parts)

    def _judged(self, process: subprocess.Popen[str], arguments: tuple[str, ...], seconds: float) -> tuple[int, str]:
        try:
            out, err = process.communicate(timeout=seconds)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            self.notes[f"{arguments[0]}: killed after {seconds:.0f} s"] += 1
        if "Traceback" in out + err:
            self.wrong.append(f"{' '.join(arguments)}: a traceback: {err[-1500:]}")
        if process.returncode not in {0, 10}:
            self.notes[f"{arguments[0]}: exit {process.returncode}: {err.strip()[-160:]}"] += 1
        return process.returncode, out
