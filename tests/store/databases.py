"""Empty databases to test on: SQLite always, PostgreSQL where SYNCTL_TEST_POSTGRES holds the URL of one."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

import pytest

from synctl.store import migrate

if TYPE_CHECKING:
    from collections.abc import Iterator

VARIABLE = "SYNCTL_TEST_POSTGRES"
DIALECTS = ("sqlite", "postgresql")


@contextmanager
def empty(dialect: str, folder: Path) -> Iterator[str]:
    """Give the URL of an empty database; skips where there is no PostgreSQL."""
    if dialect == "sqlite":
        yield f"sqlite:///{folder}/synctl.db"
        return
    server = _server()
    import psycopg  # noqa: PLC0415 - an extra

    # A schema of its own: tests run at once and leave nothing behind.
    schema = f"test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        try:
            yield f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{schema}"
        finally:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")


@contextmanager
def migrated(dialect: str, folder: Path) -> Iterator[str]:
    """Give the URL of a database with the newest schema: copied, since to migrate takes seconds under coverage."""
    if dialect == "sqlite":
        shutil.copyfile(_sqlite_template(), folder / "synctl.db")
        yield f"sqlite:///{folder}/synctl.db"
        return
    server = _server()
    name = f"test_{uuid4().hex}"
    _sql(server, f"CREATE DATABASE {name} TEMPLATE {_postgres_template(server)}")
    try:
        yield _named(server, name)
    finally:
        _sql(server, f"DROP DATABASE {name} WITH (FORCE)")


def _server() -> str:
    server = os.environ.get(VARIABLE)
    if not server:
        pytest.skip(f"{VARIABLE} holds no PostgreSQL URL")
    return server


@cache
def _sqlite_template() -> Path:
    folder = tempfile.mkdtemp(prefix="synctl-template-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    migrate.upgrade(f"sqlite:///{folder}/synctl.db")
    return Path(folder) / "synctl.db"


@cache
def _postgres_template(server: str) -> str:
    name = f"template_{uuid4().hex}"
    _sql(server, f"CREATE DATABASE {name}")
    atexit.register(_sql, server, f"DROP DATABASE {name} WITH (FORCE)")
    migrate.upgrade(_named(server, name))
    return name


def _named(server: str, name: str) -> str:
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def _sql(server: str, statement: str) -> None:
    import psycopg  # noqa: PLC0415 - an extra

    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(statement)
