"""Empty databases to test on: SQLite always, PostgreSQL where SYNCTL_TEST_POSTGRES holds the URL of one."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING
from uuid import uuid4

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

VARIABLE = "SYNCTL_TEST_POSTGRES"
DIALECTS = ("sqlite", "postgresql")


@contextmanager
def empty(dialect: str, folder: Path) -> Iterator[str]:
    """Give the URL of an empty database; skips where there is no PostgreSQL."""
    if dialect == "sqlite":
        yield f"sqlite:///{folder}/synctl.db"
        return
    server = os.environ.get(VARIABLE)
    if not server:
        pytest.skip(f"{VARIABLE} holds no PostgreSQL URL")
    import psycopg  # noqa: PLC0415 - an extra

    # A schema of its own: tests run at once and leave nothing behind.
    schema = f"test_{uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"CREATE SCHEMA {schema}")
        try:
            yield f"{server}{'&' if '?' in server else '?'}options=-csearch_path%3D{schema}"
        finally:
            connection.execute(f"DROP SCHEMA {schema} CASCADE")
