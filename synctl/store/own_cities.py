"""A user's own cities: which one a name means, what is stored of it, and how it is removed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synctl.errors import NotFound, UsageError
from synctl.store.cities import City, find_cities, own_cities
from synctl.suggest import did_you_mean
from synctl.words import shortened

if TYPE_CHECKING:
    from synctl.store.db import Transaction


def own_city(transaction: Transaction, text: str) -> City:
    """Return the city of the user's own that a name or an id means. Raises NotFound, UsageError for several."""
    own = {city.id: city for city in own_cities(transaction)}
    meant = find_cities(transaction, text)
    found = [city for city in meant if city.id in own]
    if len(found) > 1:
        ids = ", ".join(f"{city.id} ({city.name}, {city.country})" for city in found)
        raise UsageError(f"{shortened(repr(text))} means several of your cities: {ids}", hint="name one by its id")
    if not found and meant:
        raise UsageError(
            f"{meant[0].name}, {meant[0].country} comes with synctl: only your own cities can be removed",
            hint="`synctl cities list` lists them",
        )
    if not found:
        near = did_you_mean(text, [city.name for city in own.values()])
        raise NotFound(f"no city of your own {shortened(repr(text))}{near}", hint="`synctl cities list` lists them")
    return found[0]


def stored_rows(transaction: Transaction, city: City) -> int:
    """Return how many days of prayer times are stored of a city, over all methods and madhabs."""
    row = transaction.one("SELECT COUNT(*) AS rows FROM prayer_time WHERE city_id = :city", city=city.id)
    return int(row["rows"]) if row else 0


def unfinished(transaction: Transaction, city: City) -> list[str]:
    """Return the ids of runs that have units of a city left to do: active ones, and ones that could be retried."""
    rows = transaction.all(
        "SELECT DISTINCT r.id FROM run r JOIN sync_unit u ON u.run_seq = r.seq WHERE r.resource = 'prayer'"
        " AND r.state <> 'succeeded' AND u.state <> 'done' AND u.key LIKE :keys ORDER BY r.id",
        keys=_keys(city),
    )
    return [row["id"] for row in rows]


def remove(transaction: Transaction, city: City) -> None:
    """Remove a city, the prayer times of it, and all that is known of its units. The ledger of runs stays."""
    transaction.execute("DELETE FROM prayer_time WHERE city_id = :city", city=city.id)
    for table in ("stored_unit", "quarantine", "waiver"):
        transaction.execute(f"DELETE FROM {table} WHERE resource = 'prayer' AND key LIKE :keys", keys=_keys(city))
    transaction.execute("DELETE FROM city WHERE id = :city", city=city.id)


def _keys(city: City) -> str:
    """Every unit of a city, as an SQL pattern."""
    return f"{city.id}/%"
