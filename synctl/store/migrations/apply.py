"""Runs the migrations with alembic: all of them in one transaction, without an alembic.ini."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import TYPE_CHECKING, Final

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.util import CommandError
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from synctl.errors import DatabaseUnreachable
from synctl.store.db import sqlite_path
from synctl.store.sqlite import BUSY_TIMEOUT_MS, PAGE_BYTES

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

ADVISORY_KEY: Final = 0x73796E63746C
"""Names our lock among the advisory locks of a PostgreSQL database: the bytes of `synctl`."""


def apply(url: str, target: str, location: str) -> bool:
    """Migrate to the revision `target`; whether there was anything to do. `location` is for messages.

    The caller holds the lock of an SQLite file. Raises DatabaseUnreachable.
    """
    engine = engine_for(url)
    try:
        with engine.begin() as connection:
            if connection.dialect.name == "postgresql":
                # Held until the commit, so whoever waits for it sees the schema.
                connection.execute(sa.text("SELECT pg_advisory_xact_lock(:key)"), {"key": ADVISORY_KEY})
            if MigrationContext.configure(connection).get_current_revision() == target:
                return False
            command.upgrade(config(connection), target)
    except CommandError as error:
        raise DatabaseUnreachable(
            f"database {location}: {error}", hint="a newer synctl has made it: upgrade synctl"
        ) from error
    except DBAPIError as error:
        reason = str(error.orig).strip().partition("\n")[0]
        raise DatabaseUnreachable(f"database {location}: cannot be migrated: {reason}") from error
    return True


def config(connection: Connection | None = None) -> Config:
    """Return alembic's configuration; `env.py` runs on the connection given here."""
    made = Config(attributes={"connection": connection})
    made.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    return made


def engine_for(url: str) -> Engine:
    """Return an engine that connects as `store.db` does, with DDL inside transactions on SQLite, too."""
    if not url.startswith("sqlite:"):
        import psycopg  # noqa: PLC0415 - the extra is optional

        # psycopg reads the URL, not SQLAlchemy: so it means the same server as everywhere else.
        return sa.create_engine("postgresql+psycopg://", creator=lambda: psycopg.connect(url), poolclass=NullPool)
    path = sqlite_path(url)

    def connect() -> sqlite3.Connection:
        raw = sqlite3.connect(path, timeout=BUSY_TIMEOUT_MS / 1000, isolation_level=None)
        raw.execute(f"PRAGMA page_size={PAGE_BYTES}")  # of a file that is made now, by what comes next
        # Here, under the lock: processes that all switch a new file to WAL at once find it locked.
        raw.execute("PRAGMA journal_mode=WAL")
        return raw

    engine = sa.create_engine("sqlite://", creator=connect, poolclass=NullPool)
    # By itself Python's sqlite3 commits before DDL; isolation_level None makes the transactions ours.
    sa.event.listen(engine, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    return engine
