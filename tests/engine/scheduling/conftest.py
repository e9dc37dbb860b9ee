"""Schedulers of several processes over one database, with a clock that tests set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace
from redis import Redis

from synctl.config import Settings
from synctl.config.schedules import Schedule
from synctl.engine import registry
from synctl.engine.scheduler import Scheduler
from synctl.store.db import Database, open_database
from synctl.store.runs import Actor
from tests.engine.fakes import FakeResource
from tests.engine.scheduling.clockwork import Clock, Make, at
from tests.store.databases import migrated


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with migrated(getattr(request, "param", "sqlite"), tmp_path) as found:
        yield found


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with closing(open_database(url)) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock(at("2026-11-02 00:00"))


@pytest.fixture
def make(
    database: Database,
    client: Redis,
    connection: Redis,
    settings: Settings,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> Make:
    """Make a process of its own by name, with these schedules."""
    monkeypatch.setattr(registry, "load", lambda _name: FakeResource())  # for turns

    def made(name: str = "one", **schedules: Schedule) -> Scheduler:
        configured = replace(settings, schedule=schedules)
        return Scheduler(
            database, client, connection, configured, Actor("somebody", f"host:{name}"),
            clock=clock, load=lambda _name: FakeResource(),
        )  # fmt: skip

    return made
