"""Connections and transactions of SQLite and PostgreSQL behind one small interface.

Statements are SQL text with `:name` parameters. SQLAlchemy is kept out of this path on purpose: its import
alone costs more than a whole `synctl status` may take, and the hot path runs driver SQL anyway. The schema
itself is declared once with SQLModel (`models.py`) and migrated by alembic.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

from synctl.errors import DatabaseUnreachable
from synctl.store.table import Table, UnitRows

Row = Mapping[str, Any]

ROWS_PER_STATEMENT = 366
"""A year: measured fastest on SQLite, and the usual unit is one statement."""


class Transaction(Protocol):
    """One open transaction. `:name` parameters in the text take their value from the keyword."""

    dialect: str

    def execute(self, sql: str, **parameters: object) -> int:
        """Run a statement; the number of rows it changed."""

    def one(self, sql: str, **parameters: object) -> Row | None:
        """Return the first row, or None."""

    def all(self, sql: str, **parameters: object) -> list[Row]:
        """Return every row."""

    def stream(self, sql: str, **parameters: object) -> Iterator[Row]:
        """Yield rows without holding them all."""

    def many(self, sql: str, parameters: Sequence[Mapping[str, object]]) -> int:
        """Run a statement once for each mapping."""

    def positional(self, sql: str, parameters: Sequence[object]) -> int:
        """Run driver SQL with positional parameters; the number of rows it changed."""

    def insert(self, table: Table, rows: Sequence[tuple[object, ...]]) -> None:
        """Add rows that are new."""

    def analyze(self, table: str) -> None:
        """Tell the planner of many rows that this transaction has added, where it plans by what it counted before."""

    def upsert(self, table: Table, rows: Sequence[tuple[object, ...]]) -> int:
        """Insert or update rows by their key; the number of those that were new or different."""

    def upsert_units(self, table: Table, units: UnitRows, *, fresh: bool = False) -> Mapping[int, int]:
        """Do it with rows of units, which lack their last column: the id of the unit. The number by unit.

        `fresh`: none of them is stored, as far as anybody knows. That saves work, and need not be true.
        """

    def serialise(self, name: str) -> None:
        """Let no other write transaction that names the same pass this line until this one has ended."""


class Database(Protocol):
    """A database that hands out transactions. Safe to share between threads, never across a fork."""

    dialect: str
    location: str

    def read(self) -> AbstractContextManager[Transaction]:
        """Open a read transaction: one consistent snapshot."""

    def write(self) -> AbstractContextManager[Transaction]:
        """Open a write transaction: commits at the end, rolls back on an error."""

    def close(self) -> None:
        """Close the connections of all threads."""


def open_database(url: str) -> Database:
    """Open `sqlite:///PATH` or `postgresql://…`. Connects lazily, so a wrong URL fails at first use."""
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        from synctl.store.sqlite import SqliteDatabase  # noqa: PLC0415 - the driver of the database in use

        return SqliteDatabase(sqlite_path(url))
    if scheme in {"postgresql", "postgres"}:
        from synctl.store.postgres import PostgresDatabase  # noqa: PLC0415 - the extra is optional

        return PostgresDatabase(url)
    raise DatabaseUnreachable(
        f"database URL {scheme or url!r}: neither sqlite nor postgresql",
        hint="set [database] url to sqlite:///PATH or postgresql://USER@HOST/NAME",
    )


def sqlite_path(url: str) -> Path:
    """Return the file of a `sqlite:///…` URL."""
    return Path(unquote(url.removeprefix("sqlite:///"))).expanduser()


def by_index(transaction: Transaction, name: str) -> str:
    """Return what makes SQLite use an index of the ledger: put it behind the table's name.

    Without statistics it takes the primary key for every query of a run, and so reads all units for the few of a
    state. PostgreSQL knows better by itself.
    """
    return f" INDEXED BY {name}" if transaction.dialect == "sqlite" else ""


@lru_cache(maxsize=512)
def pyformat(sql: str) -> str:
    """Translate `:name` parameters to psycopg's `%(name)s`; `::type` casts stay."""
    return re.sub(r"(?<!:):([a-z_]\w*)", r"%(\1)s", sql.replace("%", "%%"))
