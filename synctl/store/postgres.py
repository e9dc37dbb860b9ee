"""PostgreSQL through psycopg 3: the same interface as SQLite's, a connection per thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from synctl.errors import DatabaseUnreachable, Unstorable
from synctl.redact import redacted
from synctl.store.db import Row, Transaction, pyformat

try:
    import psycopg
    from psycopg.rows import dict_row
except ImportError as error:  # pragma: no cover - CI installs the extra
    raise DatabaseUnreachable(
        "PostgreSQL needs the psycopg driver, which is not installed", hint="pip install 'psycopg[binary]'"
    ) from error

CONNECT_TIMEOUT_S = 5
ROWS_A_FETCH = 2000
"""Of a stream: psycopg's 100 would make a round trip for every city's month."""


class PostgresDatabase:
    """A PostgreSQL database. Writes are read committed: each commit's guards lock the rows they check."""

    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        self._url = url
        self.location = redacted(url)
        self._local = threading.local()
        self._guard = threading.Lock()
        self._opened: list[_PostgresConnection] = []

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a read transaction: one consistent snapshot."""
        with self._transaction(psycopg.IsolationLevel.REPEATABLE_READ) as connection:
            yield connection

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Open a write transaction: commits at the end, rolls back on an error."""
        with self._transaction() as connection:
            yield connection

    def close(self) -> None:
        """Close the connections of all threads."""
        with self._guard:
            for connection in self._opened:
                connection.raw.close()
            self._opened.clear()
        self._local = threading.local()

    @contextmanager
    def _transaction(self, isolation: psycopg.IsolationLevel | None = None) -> Iterator[_PostgresConnection]:
        try:
            connection = self._connection()
            if connection.raw.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
                yield connection
                return
            connection.raw.isolation_level = isolation  # it rides in BEGIN
            with connection.raw.transaction():
                yield connection
        except psycopg.OperationalError as error:
            raise DatabaseUnreachable(
                f"database {self.location}: {str(error).strip().splitlines()[0]}",
                hint="is the server up, and [database] url right?",
            ) from error
        except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.CardinalityViolation) as error:
            raise Unstorable(f"database {self.location}: {str(error).strip().splitlines()[0]}") from error
        except psycopg.errors.UndefinedTable as error:
            raise DatabaseUnreachable(
                f"database {self.location}: {error.diag.message_primary}",
                hint="run `synctl db upgrade` (or `synctl up`)",
            ) from error

    def _connection(self) -> _PostgresConnection:
        connection: _PostgresConnection | None = getattr(self._local, "connection", None)
        if connection is None or connection.raw.closed:
            connection = self._connect()
            self._local.connection = connection
            with self._guard:
                self._opened = [other for other in self._opened if not other.raw.closed] + [connection]
        return connection

    def _connect(self) -> _PostgresConnection:
        try:
            return _PostgresConnection(self._url)
        except psycopg.OperationalError:
            raise
        except (psycopg.Error, ValueError) as error:  # a parameter in the URL that libpq does not know
            raise DatabaseUnreachable(
                f"database {self.location}: {redacted(str(error).strip().splitlines()[0])}",
                hint="correct [database] url; docs/configuration.md has an example",
            ) from error


class _PostgresConnection:
    dialect = "postgresql"

    def __init__(self, url: str) -> None:
        self.raw: psycopg.Connection[dict[str, Any]] = psycopg.connect(
            url, autocommit=True, row_factory=dict_row, connect_timeout=CONNECT_TIMEOUT_S
        )

    def execute(self, sql: str, **parameters: object) -> int:
        return self.raw.execute(pyformat(sql), parameters).rowcount

    def one(self, sql: str, **parameters: object) -> Row | None:
        return self.raw.execute(pyformat(sql), parameters).fetchone()

    def all(self, sql: str, **parameters: object) -> list[Row]:
        return list(self.raw.execute(pyformat(sql), parameters).fetchall())

    def stream(self, sql: str, **parameters: object) -> Iterator[Row]:
        with self.raw.cursor(name="synctl") as cursor:
            cursor.itersize = ROWS_A_FETCH
            cursor.execute(pyformat(sql), parameters)
            yield from cursor

    def many(self, sql: str, parameters: Sequence[Mapping[str, object]]) -> int:
        with self.raw.cursor() as cursor:
            cursor.executemany(pyformat(sql), parameters)
            return cursor.rowcount

    def positional(self, sql: str, parameters: Sequence[object]) -> int:
        return self.raw.execute(sql, parameters).rowcount

    def serialise(self, name: str) -> None:
        self.raw.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"synctl {name}"])
