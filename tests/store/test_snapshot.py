"""A read transaction is one snapshot, however long it takes and whoever writes meanwhile."""

from __future__ import annotations

import threading

from synctl.store.db import Database
from synctl.store.reference import seed_reference


def test_a_reader_sees_nothing_that_is_committed_while_it_reads(database: Database) -> None:
    seed_reference(database, 50, None)

    def write() -> None:
        with database.write() as transaction:
            transaction.execute("UPDATE method SET name = 'another'")

    with database.read() as transaction:
        before = transaction.all("SELECT id, name FROM method ORDER BY id")
        writer = threading.Thread(target=write)  # a connection of its own
        writer.start()
        writer.join()
        assert list(transaction.stream("SELECT id, name FROM method ORDER BY id")) == before
    with database.read() as transaction:
        assert {row["name"] for row in transaction.all("SELECT name FROM method")} == {"another"}


def test_a_write_after_a_read_sees_what_others_committed_meanwhile(database: Database) -> None:
    """On PostgreSQL the isolation of a read must not stay with its connection."""
    seed_reference(database, 50, None)
    with database.read() as transaction:
        transaction.one("SELECT 1 AS one")
    with database.write() as transaction:
        if transaction.dialect == "postgresql":
            assert transaction.one("SHOW transaction_isolation") == {"transaction_isolation": "read committed"}
