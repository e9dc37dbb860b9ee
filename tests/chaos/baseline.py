"""The same selections synced without any disturbance: what the database must hold in the end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.chaos.sql import Sql
from tests.e2e.conftest import Home, made_home
from tests.upstream.aladhan import serve

Selection = tuple[str, ...]

FIRST_YEAR = 2020
SELECTIONS = 40


def selection(number: int) -> Selection:
    """Return one of the selections, none of which shares a unit with another: 216 units of a month each."""
    year = FIRST_YEAR + number
    return (
        "--cities",
        "6",
        "--methods",
        "1,3,5",
        "--madhab",
        "both",
        "--from",
        f"{year}-01-01",
        "--to",
        f"{year}-06-30",
    )


@dataclass(frozen=True, slots=True)
class Expected:
    """The rows of a selection (without `unit_id`, which depends on the order) and its ledger."""

    rows: list[tuple[Any, ...]]
    ledger: list[tuple[Any, ...]]


class Baseline:
    """Syncs a selection when it is first asked for."""

    def __init__(self, home: Home) -> None:
        self._home = home
        self._known: dict[int, Expected] = {}

    def expect(self, number: int) -> Expected:
        """Return what a run of a selection leaves."""
        if number not in self._known:
            self._known[number] = self._sync(number)
        return self._known[number]

    def _sync(self, number: int) -> Expected:
        run = self._home.json("enqueue", "prayer", *selection(number), "--source", "aladhan")["run"]
        self._home.run("watch", run, "--exit")
        sql = Sql(f"sqlite:///{self._home.path}/synctl.db")
        names = [f"t.{name}" for name in sql.columns("prayer_time") if name != "unit_id"]
        rows = sql.rows(
            f"SELECT {', '.join(names)} FROM prayer_time t JOIN stored_unit u ON u.id = t.unit_id WHERE u.run_id = ?",
            run,
        )
        ledger = sql.rows(
            "SELECT u.key, u.state, u.rows FROM sync_unit u JOIN run r ON r.seq = u.run_seq WHERE r.id = ?", run
        )
        return Expected(rows, ledger)


@contextmanager
def made_baseline(package: Path | None = None) -> Iterator[Baseline]:
    """Make a home of its own whose upstream never fails, and stop it at the end.

    `package` is a folder that holds another `synctl`.
    """
    with serve() as upstream, made_home() as home:
        home.environment = {
            "SYNCTL_SOURCES__ALADHAN__BASE_URL": f"{upstream.url}/v1",
            "SYNCTL_SOURCES__ALADHAN__RATE": "0",
            "SYNCTL_WORKERS__PRAYER": "1",
            "SYNCTL_WORKERS__QURAN": "0",
            "SYNCTL_WORKERS__HADITH": "0",
            **({"PYTHONPATH": str(package)} if package else {}),
        }
        home.run("up")
        yield Baseline(home)
