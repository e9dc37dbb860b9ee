"""Commands that only look, run all the time with rights to do nothing else."""

from __future__ import annotations

import re
import subprocess
import threading
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Self
from urllib.parse import quote

from redis.exceptions import RedisError

from tests.chaos.stage import Stage

PASSWORD = "only-looks"
RIGHTS = (
    "on", f">{PASSWORD}", "~*", "&*", "-@all", "+@read", "+ping", "+info", "+time",
    "+hello", "+auth", "+select", "+client|setinfo", "+client|setname",
)  # fmt: skip
"""What redis-py says when it connects, and what reads."""
DENIED = re.compile(r"NOPERM|no permissions|not authorized|read-only transaction|readonly database|Traceback")
NOTHING_YET = "nothing is stored of what is selected"
"""An export says so, with exit code 2."""
WATCH_S = 2.0
LONGEST_S = 30.0
PAUSE_S = 0.5
"""Between two commands: each costs a third of a second of CPU, which the workers need too."""

# Python imports it at start, before synctl. Reads and pragmas pass; everything that writes is refused by SQLite itself.
SITECUSTOMIZE = """
import sqlite3
import sqlite3.dbapi2

_READS = {
    sqlite3.SQLITE_SELECT, sqlite3.SQLITE_READ, sqlite3.SQLITE_FUNCTION, sqlite3.SQLITE_PRAGMA,
    sqlite3.SQLITE_TRANSACTION, sqlite3.SQLITE_SAVEPOINT, sqlite3.SQLITE_RECURSIVE,
}
_connect = sqlite3.connect


def connect(*arguments, **options):
    connection = _connect(*arguments, **options)
    connection.set_authorizer(lambda action, *_: sqlite3.SQLITE_OK if action in _READS else sqlite3.SQLITE_DENY)
    return connection


sqlite3.connect = sqlite3.dbapi2.connect = connect
"""


class Observers:
    """A thread that runs one command after another; use it as a context manager."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)
        self._environment = _environment(stage)
        self.exits: Counter[str] = Counter()

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join(2 * LONGEST_S)

    def _look(self) -> None:
        known = set(re.findall(r"^  (\w+)  ", self._stage.home.run("--help").stdout, re.MULTILINE))
        while not self._ended.is_set():
            for arguments in self._commands(known):
                self._admit()
                self._run(arguments)
                if self._ended.wait(PAUSE_S):
                    return

    def _commands(self, known: set[str]) -> list[tuple[str, ...]]:
        runs = [run for _, run, _ in self._stage.witness.runs()]
        general: list[tuple[str, ...]] = [("status",), ("status", "--json"), ("watch", "--json"), ("history",)]
        general.append(("reap", "--dry-run"))
        general.extend((name,) for name in ("coverage", "doctor", "locks", "logs", "metrics") if name in known)
        general.extend([("watch",), ("watch", "--json", "--after", "0"), ("metrics", "--json"), ("cities", "list")])
        general.extend([("schedule", "list"), ("config", "show"), ("completion", "bash"), ("coverage", "quran")])
        if runs:
            general.extend([("status", runs[-1]), ("units", runs[-1], "--limit", "50"), ("errors", runs[-1])])
            general.extend([("logs", runs[-1], "--json"), ("coverage", "prayer"), ("export", "prayer", "-f", "csv")])
        return general

    def _admit(self) -> None:
        """Name the user again: a Valkey that was started anew does not know it."""
        with suppress(RedisError, OSError), self._stage.redis() as client:
            client.execute_command("ACL", "SETUSER", "observer", *RIGHTS)  # type: ignore[no-untyped-call]

    def _run(self, arguments: tuple[str, ...]) -> None:
        process = self._stage.home.start(*arguments, **self._environment)
        endless = arguments[0] == "watch"
        out, err, late = "", "", False
        try:
            out, err = process.communicate(timeout=WATCH_S if endless else LONGEST_S)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            late = not endless
        self.exits[f"{arguments[0]}:{process.returncode}"] += 1
        shown = f"observer: {' '.join(arguments)}: exit {process.returncode}"
        if found := DENIED.search(out + err):
            self._stage.wrong.append(f"{shown}: {(out + err)[max(0, found.start() - 500) : found.end() + 2500]}")
        elif late:
            self._stage.wrong.append(f"{shown}: it did not end within {LONGEST_S:.0f} s")
        elif process.returncode in {1, 2} and NOTHING_YET not in err:
            self._stage.wrong.append(f"{shown}: {err[-600:]}")


def _environment(stage: Stage) -> dict[str, str]:
    chosen = {"SYNCTL_REDIS__URL": f"unix://observer:{PASSWORD}@{stage.socket}"}
    if stage.sql.dialect == "sqlite":
        folder = stage.path / "observer"
        folder.mkdir()
        (folder / "sitecustomize.py").write_text(SITECUSTOMIZE)
        package = stage.home.environment.get("PYTHONPATH")
        chosen["PYTHONPATH"] = f"{folder}:{package}" if package else str(folder)
    else:
        option = quote(" -cdefault_transaction_read_only=on", safe="")
        head, mark, options = stage.database.partition("options=")
        joint = "" if mark else ("&options=" if "?" in head else "?options=")
        chosen["SYNCTL_DATABASE__URL"] = f"{head}{mark}{joint}{options}{option}"
    return chosen


def sitecustomize_works(python: str, folder: Path) -> bool:
    """Whether the authorizer refuses a write and allows a read in a process of its own."""
    code = (
        "import sqlite3\nc = sqlite3.connect(':memory:')\nassert c.execute('SELECT 1').fetchone()\n"
        "try:\n    c.execute('CREATE TABLE t (x)')\nexcept sqlite3.DatabaseError as e:\n    print(e)"
    )
    done = subprocess.run(
        [python, "-c", code], env={"PYTHONPATH": str(folder)}, capture_output=True, text=True, check=False
    )
    return "not authorized" in done.stdout
