"""How much reference data is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    from synctl.store.db import Transaction


class Counts(msgspec.Struct, frozen=True):
    """Rows of reference data. CUSTOM is one of the `methods`, not of the `named_methods`."""

    methods: int
    named_methods: int
    madhabs: int
    cities: int


def counts(transaction: Transaction) -> Counts:
    """Count what is stored."""
    row = transaction.one(
        "SELECT (SELECT count(*) FROM method) AS methods,"
        " (SELECT count(*) FROM method WHERE named) AS named_methods,"
        " (SELECT count(*) FROM madhab) AS madhabs,"
        " (SELECT count(*) FROM city) AS cities"
    )
    return Counts(**dict(row)) if row else Counts(0, 0, 0, 0)
