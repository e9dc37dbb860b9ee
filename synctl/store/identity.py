"""Which database this is, whatever it is called where: a path, a host and a port can mean two, and two can mean one."""

from __future__ import annotations

import os

from synctl.errors import DatabaseUnreachable
from synctl.store.db import Database


def identity_of(database: Database) -> str:
    """Return the name that a migration gave a database, and what tells it from its copies, which have the same.

    That is the number of the file, or of the database within PostgreSQL. Empty where it cannot be asked for: the
    database is not set up, or its user may not read the table.
    """
    try:
        # Of SQLite first: to open a file that is not there would make it.
        number = os.stat(database.location).st_ino if database.dialect == "sqlite" else None  # noqa: PTH116 - a text
        with database.read() as transaction:
            named = transaction.one("SELECT id FROM ledger_identity ORDER BY id LIMIT 1")
            if named is None:
                return ""
            if number is None:
                (row,) = transaction.all("SELECT oid FROM pg_database WHERE datname = current_database()")
                number = row["oid"]
            return f"{named['id']}.{number}"
    except (DatabaseUnreachable, OSError):
        return ""
