"""Reads every metric. A part that does not answer is a metric of its own, not an error."""

from __future__ import annotations

import platform
import shutil
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path

from redis.exceptions import RedisError

from synctl import __version__
from synctl.config import Settings
from synctl.engine import registry
from synctl.engine.connect import connect_cli
from synctl.engine.metrics import broker, sql
from synctl.engine.metrics.declared import Sample
from synctl.engine.server import EmbeddedServer
from synctl.errors import DatabaseUnreachable
from synctl.store import migrate
from synctl.store.db import Database, sqlite_path
from synctl.store.readonly import open_to_read


def read(settings: Settings) -> list[Sample]:
    """Return all that can be read now. Creates nothing, changes nothing; of a part that is down, only that it is."""
    resources = list(dict.fromkeys([*settings.workers, *registry.names()]))
    samples = [Sample("synctl_build_info", (__version__, platform.python_version()), 1), *_disks(settings)]
    database = _database(settings)
    if database is None:
        samples += [Sample("synctl_database_up", (), 0), Sample("synctl_database_migrated", (), 0)]
        return [*samples, *_redis(settings, None, resources)]
    with closing(database):
        of_sql, usable = _sql(settings, database, resources)
        return [*samples, *of_sql, *_redis(settings, database if usable else None, resources)]


def _database(settings: Settings) -> Database | None:
    url = settings.database_url
    if url.startswith("sqlite:") and not _is_there(sqlite_path(url)):
        return None
    with suppress(DatabaseUnreachable):  # the driver of PostgreSQL is not installed
        return open_to_read(url)
    return None


def _sql(settings: Settings, database: Database, resources: list[str]) -> tuple[list[Sample], bool]:
    """Return the samples of the database, and whether what is in it can be read."""
    url = settings.database_url
    sqlite = sqlite_path(url) if url.startswith("sqlite:") else None
    try:
        migrated = migrate.current(database) == migrate.HEAD
        with database.read() as transaction:
            samples = list(sql.size(transaction, sqlite))
            if migrated:
                samples += [*sql.runs(transaction, resources), *sql.data(transaction)]
                samples += sql.schedules(transaction, settings)
    except DatabaseUnreachable:
        return [Sample("synctl_database_up", (), 0), Sample("synctl_database_migrated", (), 0)], False
    samples += [Sample("synctl_database_up", (), 1), Sample("synctl_database_migrated", (), int(migrated))]
    return samples, migrated


def _redis(settings: Settings, database: Database | None, resources: list[str]) -> list[Sample]:
    samples: list[Sample] = []
    with closing(connect_cli(settings.redis_url or EmbeddedServer(settings.redis_dir).url)) as client:
        try:
            samples += [*broker.memory(client), *broker.work(client, resources)]
            samples += [*broker.upstreams(client, settings), *broker.scheduler(client, settings)]
            if database is not None:
                with suppress(DatabaseUnreachable), database.read() as transaction:
                    samples += broker.live(client, transaction, resources)
        except RedisError:
            return [Sample("synctl_redis_up", (), 0)]
    return [Sample("synctl_redis_up", (), 1), *samples]


def _disks(settings: Settings) -> Iterator[Sample]:
    folders = {"home": settings.home}
    if settings.database_url.startswith("sqlite:"):
        folders["database"] = sqlite_path(settings.database_url).parent
    for name, folder in folders.items():
        existing = next((one for one in (folder, *folder.parents) if _is_there(one)), None)
        if existing is not None:
            usage = shutil.disk_usage(existing)
            yield Sample("synctl_disk_free_bytes", (name,), usage.free)
            yield Sample("synctl_disk_size_bytes", (name,), usage.total)


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except OSError:  # out of reach, as another user's
        return False
