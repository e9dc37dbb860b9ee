"""The test's own eyes in the database: SQLite or PostgreSQL, a connection for each look."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

BUSY_S = 60.0
"""A horse that is stopped in the middle of a transaction holds SQLite's writers up."""


class Sql:
    """A database by its URL. Parameters are written `?`."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.dialect = "sqlite" if url.startswith("sqlite:") else "postgresql"

    def rows(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Return what one query finds: one consistent snapshot."""
        with self._connection() as connection:
            mark = query if self.dialect == "sqlite" else query.replace("?", "%s")
            return [tuple(row) for row in connection.execute(mark, parameters).fetchall()]

    def columns(self, table: str) -> list[str]:
        """Return the names of a table's columns, in order."""
        with self._connection() as connection:
            cursor = connection.execute(f"SELECT * FROM {table} WHERE 1 = 0")
            return [column[0] for column in cursor.description]

    def execute(self, *statements: str) -> None:
        """Run statements, each committed by itself."""
        with self._connection() as connection:
            for statement in statements:
                connection.execute(statement)

    @contextmanager
    def _connection(self) -> Iterator[Any]:
        if self.dialect == "sqlite":
            path = Path(self._url.removeprefix("sqlite:///"))
            with closing(sqlite3.connect(path, timeout=BUSY_S, isolation_level=None)) as connection:
                yield connection
            return
        import psycopg  # noqa: PLC0415 - an extra

        with psycopg.connect(self._url, autocommit=True) as connection:
            yield connection
