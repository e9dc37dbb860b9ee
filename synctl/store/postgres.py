"""PostgreSQL through psycopg 3: the same interface as SQLite's, a connection per thread."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from synctl.errors import DatabaseUnreachable, Unstorable
from synctl.redact import redacted
from synctl.store.db import Row, Transaction, pyformat
from synctl.store.table import Table, UnitRows

try:
    import psycopg
    from psycopg.conninfo import conninfo_to_dict, make_conninfo
    from psycopg.rows import dict_row

    from synctl.store.staging import Stages
except ImportError as error:  # pragma: no cover - CI installs the extra
    raise DatabaseUnreachable(
        "PostgreSQL needs the psycopg driver, which is not installed", hint="pip install 'psycopg[binary]'"
    ) from error

ABANDONED_MS = 10_000
"""A write transaction that waits so long for its client is ended: a host that was cut off, or a process that was
frozen, would else hold the locks that every commit of the run needs. Its worker has lost its lease by then."""
_UNLESS_TOLD = {
    "application_name": "synctl",
    "connect_timeout": 5,
    "keepalives_idle": 5,
    "keepalives_interval": 5,
    "keepalives_count": 2,
    "tcp_user_timeout": ABANDONED_MS,
}
"""Parameters of libpq, where the URL has none of its own: by default a dead link is noticed after two hours."""
_REFUSALS = {
    psycopg.errors.UndefinedTable: "run `synctl db upgrade` (or `synctl up`)",
    psycopg.errors.InsufficientPrivilege: "give its user the rights that docs/scaling.md names",
    psycopg.errors.ReadOnlySqlTransaction: "it is a replica: name the primary, or all with"
    " ?target_session_attrs=read-write",
}
"""What a server that answers refuses, and what to do about it. A replica may become the primary: that is awaited."""
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
            try:
                with connection.raw.transaction():
                    if isolation is not None:  # a read may feed a slow reader, and locks nothing
                        connection.raw.execute("SET LOCAL idle_in_transaction_session_timeout = 0")
                    yield connection
            except BaseException:
                connection.stages.rolled_back()
                raise
            connection.stages.committed()
        except (psycopg.OperationalError, psycopg.errors.IdleInTransactionSessionTimeout) as error:
            raise DatabaseUnreachable(
                f"database {self.location}: {str(error).strip().splitlines()[0]}",
                hint="is the server up, and [database] url right?",
            ) from error
        except (psycopg.DataError, psycopg.IntegrityError, psycopg.errors.CardinalityViolation) as error:
            raise Unstorable(f"database {self.location}: {str(error).strip().splitlines()[0]}") from error
        except tuple(_REFUSALS) as error:
            hint = next(hint for kind, hint in _REFUSALS.items() if isinstance(error, kind))
            raise DatabaseUnreachable(f"database {self.location}: {error.diag.message_primary}", hint=hint) from error

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
        asked: dict[str, Any] = {**_UNLESS_TOLD, **conninfo_to_dict(url)}
        self.raw: psycopg.Connection[dict[str, Any]] = psycopg.connect(
            make_conninfo(**asked), autocommit=True, row_factory=dict_row
        )
        self.raw.execute(_session())
        self.stages = Stages(self.raw)

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

    def insert(self, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
        with (
            self.raw.cursor() as cursor,
            cursor.copy(f"COPY {table.name} ({', '.join(table.columns)}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)

    def analyze(self, table: str) -> None:
        self.raw.execute(f"ANALYZE {table}")

    def upsert(self, table: Table, rows: Sequence[tuple[object, ...]]) -> int:
        return self.stages.upsert(table, rows)

    def upsert_units(self, table: Table, units: UnitRows, *, fresh: bool = False) -> Mapping[int, int]:
        return (self.stages.insert_units(table, units) if fresh else None) or self.stages.upsert_units(table, units)

    def serialise(self, name: str) -> None:
        self.raw.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [f"synctl {name}"])


def _session() -> str:
    """The same for the server's end of the link, which also sees a client go in the middle of a COPY."""
    return (
        f"SET idle_in_transaction_session_timeout = {ABANDONED_MS}; SET tcp_user_timeout = {ABANDONED_MS};"
        " SET tcp_keepalives_idle = 5; SET tcp_keepalives_interval = 5; SET tcp_keepalives_count = 2"
    )
