"""Which database this is, whatever it is called where: a path, a host and a port can mean two, and two can mean one."""

from __future__ import annotations

from synctl.store.db import Transaction


def identity(transaction: Transaction) -> str:
    """Return the name that a migration gave this database. A copy of it has the same."""
    row = transaction.one("SELECT id FROM ledger_identity")
    return str(row["id"]) if row else ""
