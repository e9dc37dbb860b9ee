"""Brings a database's schema up to date, whoever else tries at the same time."""

from __future__ import annotations

import fcntl
import os
from contextlib import closing, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Final

from synctl.errors import DatabaseUnreachable
from synctl.store.db import Database, open_database, sqlite_path

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD: Final = "r0010"
"""The newest revision in migrations/versions."""


def current(database: Database) -> str | None:
    """Return the revision of a database's schema; None if it has none. Creates nothing."""
    if database.dialect == "sqlite":
        if not _exists(database.location):
            return None
        exists = "SELECT 1 AS found FROM sqlite_master WHERE name = 'alembic_version'"
    else:
        exists = "SELECT 1 AS found WHERE to_regclass('alembic_version') IS NOT NULL"
    with database.read() as transaction:
        if transaction.one(exists) is None:
            return None
        row = transaction.one("SELECT version_num FROM alembic_version")
    return None if row is None else str(row["version_num"])


def _exists(path: str) -> bool:
    try:
        Path(path).stat()
    except (FileNotFoundError, NotADirectoryError):
        return False
    except OSError as error:
        raise DatabaseUnreachable(
            f"database {path}: {error.strerror}", hint="is it another user's, or SYNCTL_HOME wrong?"
        ) from error
    return True


def upgrade(url: str) -> bool:
    """Migrate to HEAD, creating an SQLite file and its folder; return whether there was anything to do.

    All or nothing: a process that dies on the way leaves the schema as it was. Raises DatabaseUnreachable.
    """
    with closing(open_database(url)) as database:
        if current(database) == HEAD:
            return False
        if database.dialect == "postgresql":
            return _apply(url, database)
        with _file_lock(sqlite_path(url)):
            return current(database) != HEAD and _apply(url, database)


def _apply(url: str, database: Database) -> bool:
    # Importing alembic and SQLAlchemy takes longer than most commands do.
    from synctl.store.migrations.apply import apply  # noqa: PLC0415

    return apply(url, HEAD, database.location)


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        lock = os.open(f"{path}.migrate", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise DatabaseUnreachable(
            f"database {path}: {error.strerror}", hint="check its folder's rights, or set SYNCTL_HOME"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)  # and with it the lock
