"""A clock that tests set, and what they ask of schedules."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from synctl.clock import iso
from synctl.config.schedules import Schedule
from synctl.engine.scheduler import Scheduler
from synctl.store import runs, slots
from synctl.store.db import Database
from synctl.store.slots import Slot
from tests.store.databases import DIALECTS

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
DAILY = Schedule(cron="15 2 * * *", resource="fake", city=("a",))


def at(text: str) -> int:
    """Return a moment of `2026-11-02 02:15` in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@dataclass
class Clock:
    """What the schedulers take for the time."""

    now: int

    def __call__(self) -> int:
        return self.now


BOTH = pytest.mark.parametrize("url", DIALECTS, indirect=True)
"""For tests that between them use every statement: a database of PostgreSQL's takes half a second to make."""


Make = Callable[..., Scheduler]


def play(make: Make, clock: Clock, moments: list[str], **schedules: Schedule) -> Scheduler:
    """Have one process tick at these moments."""
    one = make(**schedules)
    for moment in moments:
        clock.now = at(moment)
        one.tick()
    return one


def recorded(database: Database, schedule: str = "daily") -> list[Slot]:
    """Every slot, oldest first."""
    with database.read() as transaction:
        return slots.listing(transaction, schedule, 10_000)[::-1]


def came_of(database: Database, schedule: str = "daily") -> list[tuple[str, str, str]]:
    return [(iso(one.slot)[5:16], str(one.state), one.why) for one in recorded(database, schedule)]


def events(database: Database, kind: str) -> int:
    with database.read() as transaction:
        return sum(event["kind"] == kind for event in runs.events(transaction, None, 10_000))
