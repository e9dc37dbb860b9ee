"""SQLite for an onlooker: nothing is created or written, not even a log or a lock beside the file."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn
from urllib.parse import quote

from synctl.errors import DatabaseUnreachable
from synctl.store.db import Database, Row, Transaction, open_database, sqlite_path
from synctl.store.sqlite import sqlite_hint
from synctl.store.table import Table, UnitRows

PATIENCE_S = 5.0
"""Readers wait for nobody in WAL mode; a file that is being restored may be locked for longer than this."""


def open_to_read(url: str) -> Database:
    """Open a database for reading. Of PostgreSQL only SELECTs are asked, which a read-only session takes."""
    return ReadOnlySqlite(sqlite_path(url)) if url.startswith("sqlite:") else open_database(url)


class ReadOnlySqlite:
    """One file; a connection, opened at first use, for one thread."""

    dialect = "sqlite"

    def __init__(self, path: Path) -> None:
        self._path = path
        self.location = str(path)
        self._raw: sqlite3.Connection | None = None

    @contextmanager
    def read(self) -> Iterator[Transaction]:
        """Open a read transaction: one consistent snapshot."""
        try:
            raw = self._raw = self._raw or _connect(self._path)
            raw.execute("BEGIN")
            try:
                yield _Reading(raw)
            finally:
                raw.execute("ROLLBACK")
        except sqlite3.OperationalError as error:
            raise DatabaseUnreachable(f"database {self.location}: {error}", hint=sqlite_hint(str(error))) from error
        except sqlite3.DatabaseError as error:
            raise DatabaseUnreachable(
                f"database {self.location}: {error}",
                hint="restore it from a backup, or move it away and run `synctl up`",
            ) from error

    @contextmanager
    def write(self) -> Iterator[Transaction]:
        """Refuse."""
        raise TypeError("opened to read only")
        yield  # a context manager needs one

    def close(self) -> None:
        """Close the connection."""
        if self._raw is not None:
            self._raw.close()


class _Reading:
    dialect = "sqlite"

    def __init__(self, raw: sqlite3.Connection) -> None:
        self._raw = raw

    def one(self, sql: str, **parameters: object) -> Row | None:
        return self._raw.execute(sql, parameters).fetchone()  # type: ignore[no-any-return]

    def all(self, sql: str, **parameters: object) -> list[Row]:
        return self._raw.execute(sql, parameters).fetchall()

    def stream(self, sql: str, **parameters: object) -> Iterator[Row]:
        yield from self._raw.execute(sql, parameters)

    def execute(self, sql: str, **parameters: object) -> NoReturn:
        raise TypeError("opened to read only")

    def many(self, sql: str, parameters: Sequence[Mapping[str, object]]) -> NoReturn:
        raise TypeError("opened to read only")

    def positional(self, sql: str, parameters: Sequence[object]) -> NoReturn:
        raise TypeError("opened to read only")

    def insert(self, table: Table, rows: Sequence[tuple[object, ...]]) -> NoReturn:
        raise TypeError("opened to read only")

    def analyze(self, table: str) -> NoReturn:
        raise TypeError("opened to read only")

    def upsert(self, table: Table, rows: Sequence[tuple[object, ...]]) -> NoReturn:
        raise TypeError("opened to read only")

    def upsert_units(self, table: Table, units: UnitRows, *, fresh: bool = False) -> NoReturn:
        raise TypeError("opened to read only")

    def serialise(self, name: str) -> NoReturn:
        raise TypeError("opened to read only")


def _connect(path: Path) -> sqlite3.Connection:
    # Without a log beside it nobody has the file open, and SQLite would have to create one to read it (and
    # fail in a folder that cannot be written), unless it is told that the file does not change.
    in_use = any(Path(f"{path}{suffix}").exists() for suffix in ("-wal", "-journal"))
    mode = "mode=ro" if in_use else "mode=ro&immutable=1"
    raw = sqlite3.connect(f"file:{quote(str(path))}?{mode}", uri=True, timeout=PATIENCE_S, isolation_level=None)
    raw.row_factory = sqlite3.Row
    return raw
