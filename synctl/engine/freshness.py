"""Which units of a new run need no sync: what is stored of them, or of a larger unit, is new enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import msgspec

from synctl.resource import Unit
from synctl.store.db import Transaction
from synctl.store.freshness import any_since, synced_since
from synctl.store.ledger import NewUnit

Stored = dict[str, tuple[int, str]]
"""Rows and basis of stored units, by key."""
CHUNK = 500
"""Units looked up at once: a world has 1.6 million."""


class Freshness(msgspec.Struct, frozen=True):
    """Fresh is what was synced from `source` at or after `since`, or as part of a larger unit after `covered_since`.

    Milliseconds since the epoch. None: nothing is.
    """

    resource: str
    source: str
    since: int | None
    covered_since: int | None

    def mark(self, transaction: Transaction, units: Iterable[Unit]) -> Iterator[NewUnit]:
        """Yield the units, each with the rows that are stored of it where it needs no sync."""
        rest = iter(units)
        while chunk := list(islice(rest, CHUNK)):
            own = self._stored(transaction, {unit.key for unit in chunk}, self.since)
            larger = {key for unit in chunk if unit.key not in own for key in unit.covered_by}
            covering = self._stored(transaction, larger, self.covered_since)
            for unit in chunk:
                yield NewUnit(unit.key, unit.spec, _rows(unit, own, covering))

    def count(self, transaction: Transaction, units: Iterable[Unit]) -> int:
        """Return how many of the units need no sync. They are looked at only where anything is new enough."""
        oldest = min((since for since in (self.since, self.covered_since) if since is not None), default=None)
        if oldest is None or not any_since(transaction, self.resource, oldest):
            return 0
        return sum(unit.fresh is not None for unit in self.mark(transaction, units))

    def _stored(self, transaction: Transaction, keys: set[str], since: int | None) -> Stored:
        if since is None:
            return {}
        return synced_since(transaction, self.resource, self.source, sorted(keys), since)


def _rows(unit: Unit, own: Stored, covering: Stored) -> int | None:
    """Return the rows of a unit that needs no sync; None if it does."""
    rows, basis = own.get(unit.key, (0, None))
    if basis == unit.basis:
        return rows
    covered = any(covering[key][1] == unit.basis for key in unit.covered_by if key in covering)
    return unit.rows if covered else None
