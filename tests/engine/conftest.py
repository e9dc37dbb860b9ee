"""A real Valkey for the session, emptied for each test, and a migrated database for each test."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import pytest
from msgspec.structs import replace
from redis import Redis

from synctl.config import RedisSettings, Settings
from synctl.engine.connect import connect_cli
from synctl.engine.control import Control
from synctl.engine.enqueue import Enqueuer
from synctl.engine.reaper import Reaper
from synctl.engine.server import EmbeddedServer
from synctl.errors import RedisUnreachable
from synctl.store import migrate
from synctl.store.db import Database, open_database
from synctl.store.reference import seed_reference
from tests.engine.fakes import ACTOR


@pytest.fixture
def short() -> Iterator[Path]:
    """A folder whose path is short enough for a socket."""
    folder = Path(tempfile.mkdtemp(prefix="synctl-", dir="/tmp"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def _made_server() -> Iterator[EmbeddedServer]:
    folder = Path(tempfile.mkdtemp(prefix="synctl-", dir="/tmp"))
    made = EmbeddedServer(folder / "redis")
    made.ensure()
    try:
        yield made
    finally:
        with suppress(RedisUnreachable):
            made.stop()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def valkey() -> Iterator[EmbeddedServer]:
    with _made_server() as made:
        yield made


@pytest.fixture
def own_server() -> Iterator[EmbeddedServer]:
    """For a test that stops or freezes it."""
    with _made_server() as made:
        yield made


@pytest.fixture
def client(valkey: EmbeddedServer) -> Iterator[Redis]:
    with closing(connect_cli(valkey.url)) as made:
        made.flushall()
        yield made


@pytest.fixture
def connection(valkey: EmbeddedServer) -> Iterator[Redis]:
    with closing(connect_cli(valkey.url, decode=False)) as made:
        yield made


@pytest.fixture(scope="session")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("migrated") / "synctl.db"
    migrate.upgrade(f"sqlite:///{path}")
    return path


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path, workers={"fake": 2, "prayer": 2})


@pytest.fixture
def database(migrated: Path, settings: Settings) -> Iterator[Database]:
    with closing(sqlite3.connect(migrated)) as source:
        source.execute("VACUUM INTO ?", (str(settings.home / "synctl.db"),))
    with closing(open_database(settings.database_url)) as made:
        yield made


@pytest.fixture
def enqueuer(database: Database, client: Redis, connection: Redis, settings: Settings) -> Enqueuer:
    return Enqueuer(database, client, connection, settings, ACTOR)


@pytest.fixture
def control(database: Database, client: Redis, connection: Redis) -> Control:
    return Control(database, client, connection, ACTOR)


@pytest.fixture
def reaper(database: Database, client: Redis, connection: Redis) -> Reaper:
    return Reaper(database, client, connection, ACTOR)


@pytest.fixture
def whole(settings: Settings, database: Database, client: Redis, valkey: EmbeddedServer) -> Settings:
    """Settings with which nothing is wrong but that nobody works."""
    seed_reference(database, 100, None)
    return replace(settings, redis=RedisSettings(url=valkey.url))
