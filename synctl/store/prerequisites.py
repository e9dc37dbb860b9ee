"""What reference data lacks before prayer times may be synced, and what mends it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import msgspec

from synctl.store.cities import SHIPPED, is_timezone
from synctl.store.counts import counts
from synctl.store.methods import MADHABS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from synctl.config import Settings
    from synctl.store.db import Transaction


_MENDS: Final = {
    "geonames": "synctl seed",
    "file": "synctl seed --cities-file FILE, corrected, or synctl cities remove",
}
"""By where a city comes from."""
_MORE_CITIES: Final = (
    f"{SHIPPED:,} ship with synctl: lower prerequisites.min_cities, or synctl seed --cities-file FILE with your own"
)
MISPLACED: Final = (
    "latitude = 0 OR longitude = 0 OR latitude NOT BETWEEN -90 AND 90 OR longitude NOT BETWEEN -180 AND 180"
)
"""Cities that cannot be where they are said to be. They have an index, which SQLite takes for this text alone."""
_ZONES: Final = (
    "WITH RECURSIVE zone(name) AS (SELECT min(timezone) FROM city UNION ALL"
    " SELECT (SELECT min(timezone) FROM city WHERE timezone > zone.name) FROM zone WHERE zone.name IS NOT NULL)"
    " SELECT name FROM zone WHERE name IS NOT NULL"
)
"""Each time zone once, from one to the next by their index: DISTINCT reads the index entry of each city."""


class Missing(msgspec.Struct, frozen=True):
    """A prerequisite that is not met, and the command that mends it."""

    what: str
    mend: str


def prerequisites(transaction: Transaction, settings: Settings) -> list[Missing]:
    """Return everything that is lacking; nothing if a run may start."""
    return [*_too_few(transaction, settings), *_bad_cities(transaction)]


def _too_few(transaction: Transaction, settings: Settings) -> Iterator[Missing]:
    wanted, stored = settings.prerequisites, counts(transaction)
    if stored.named_methods < wanted.min_methods:
        yield Missing(f"{stored.named_methods} of {wanted.min_methods} calculation methods", "synctl seed")
    if stored.madhabs < len(MADHABS):
        yield Missing(f"{stored.madhabs} of {len(MADHABS)} madhabs", "synctl seed")
    if stored.cities < wanted.min_cities:
        mend = f"synctl seed --cities {wanted.min_cities}" if wanted.min_cities <= SHIPPED else _MORE_CITIES
        yield Missing(f"{stored.cities:,} of {wanted.min_cities:,} cities", mend)


def _bad_cities(transaction: Transaction) -> Iterator[Missing]:
    """Find cities that cannot be calculated for.

    The schema's constraints refuse bad coordinates, but a table that was made by hand may lack them; and a time
    zone is known or not by the machine that asks.
    """
    for zone in [row["name"] for row in transaction.all(_ZONES)]:
        if not is_timezone(zone):
            yield from _by_origin(transaction, f"time zone {zone!r} is unknown", "timezone = :zone", zone=zone)
    yield from _by_origin(
        transaction,
        "coordinates are 0 or out of range",
        MISPLACED,
    )


def _by_origin(transaction: Transaction, wrong: str, condition: str, **values: object) -> Iterator[Missing]:
    rows = transaction.all(
        "SELECT origin, count(*) AS number, min(name) AS name FROM city"
        f" WHERE {condition} GROUP BY origin ORDER BY origin",
        **values,
    )
    for row in rows:
        where = row["name"] if row["number"] == 1 else f"{row['number']:,} cities, {row['name']} is one"
        yield Missing(f"{where}: {wrong}", _MENDS[row["origin"]])
