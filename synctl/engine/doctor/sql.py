"""The database: whether it answers, its schema, and the reference data in it."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from synctl.engine import registry
from synctl.engine.doctor.finding import Finding, ok, size, warning, wrong
from synctl.engine.doctor.patient import Patient
from synctl.errors import ExitCode
from synctl.store import migrate
from synctl.store.db import Transaction, sqlite_path
from synctl.store.readonly import open_to_read
from synctl.store.reference import counts


def database(patient: Patient) -> Iterator[Finding]:
    """See whether it answers, of what kind it is and how large."""
    url = patient.settings.database_url
    sqlite = sqlite_path(url) if url.startswith("sqlite:") else None
    if sqlite is not None and not sqlite.exists():
        yield wrong("database", f"{sqlite} does not exist", "synctl up", ExitCode.PREREQUISITES)
        return
    opened = open_to_read(url)
    patient.opened.callback(opened.close)
    with opened.read() as transaction:
        message = _sqlite(transaction, sqlite) if sqlite else f"{_postgres(transaction)} at {opened.location}"
    patient.database = opened
    if sqlite and not os.access(sqlite, os.W_OK):
        yield warning("database", f"{message}, which you may not write", "correct the rights of the file")
    else:
        yield ok("database", message)


def migrations(patient: Patient) -> Iterator[Finding]:
    """See whether the schema is the one this version works with."""
    assert patient.database is not None  # noqa: S101 - for the type checker
    revision = migrate.current(patient.database)
    if revision == migrate.HEAD:
        patient.migrated = patient.database
        yield ok("migrations", f"revision {revision}, the newest")
    elif revision is None:
        yield wrong("migrations", "the database is empty", "synctl up", ExitCode.PREREQUISITES)
    elif revision > migrate.HEAD:
        message = f"revision {revision} is newer than this synctl, which knows {migrate.HEAD}"
        yield wrong("migrations", message, "install the synctl that migrated it", ExitCode.PREREQUISITES)
    else:
        message = f"revision {revision}, but this synctl works with {migrate.HEAD}"
        yield wrong("migrations", message, "synctl db upgrade", ExitCode.PREREQUISITES)


def prerequisites(patient: Patient) -> Iterator[Finding]:
    """See what the installed resources lack before a run of theirs may start."""
    assert patient.migrated is not None  # noqa: S101 - for the type checker
    lacking = dict.fromkeys(
        missing
        for name in registry.names()
        for missing in registry.load(name).prerequisites(patient.migrated, patient.settings)
    )
    for missing in lacking:
        yield wrong("prerequisites", missing.what, missing.mend, ExitCode.PREREQUISITES)
    if not lacking:
        with patient.migrated.read() as transaction:
            stored = counts(transaction)
        yield ok(
            "prerequisites",
            f"{stored.named_methods} named methods, {stored.cities:,} cities, {stored.madhabs} madhabs",
        )


def _sqlite(transaction: Transaction, path: Path) -> str:
    transaction.one("SELECT count(*) FROM sqlite_master")  # a file that is no database is told now
    parts = (Path(f"{path}{suffix}") for suffix in ("", "-wal"))
    return f"SQLite at {path}, {size(sum(part.stat().st_size for part in parts if part.exists()))}"


def _postgres(transaction: Transaction) -> str:
    row = transaction.one(
        "SELECT current_setting('server_version') AS version, pg_database_size(current_database()) AS size"
    )
    return f"PostgreSQL {row['version'].split()[0]}, {size(row['size'])}" if row else "PostgreSQL"
