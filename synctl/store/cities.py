"""The cities that are stored, and how they are found."""

from __future__ import annotations

import os
import zoneinfo
from collections.abc import Sequence
from difflib import get_close_matches
from functools import lru_cache
from typing import TYPE_CHECKING, Final

import msgspec

from synctl.errors import NotFound
from synctl.store.aliases import ALIASES
from synctl.store.folding import fold
from synctl.words import shortened

if TYPE_CHECKING:
    from synctl.store.db import Row, Transaction

_COLUMNS: Final = "id, name, country, latitude, longitude, timezone, population"
_LARGEST_FIRST: Final = "ORDER BY population DESC, id"
_OWN_FIRST: Final = "ORDER BY CASE origin WHEN 'file' THEN 0 ELSE 1 END, population DESC, id"

OWN_IDS: Final = 2**40
"""Ids of a user's cities lie from here to twice as far; GeoNames' are far below."""
SHIPPED: Final = 34_006
"""Cities that come with synctl."""
MOST: Final = 2**31
"""More than there are, and few enough for an SQL LIMIT."""
MAX_DIGITS: Final = 19
"""From here on a number may be more than an SQL BIGINT."""

_FOREIGN_ZONES: Final = ("posix/", "right/", "localtime", "posixrules", "Factory")
"""What lies in the system's folder of time zones but is none of IANA's: `right/` counts leap seconds."""


class City(msgspec.Struct, frozen=True):
    """A place to calculate for. `population` is 0 where nobody said."""

    id: int
    name: str
    country: str
    latitude: float
    longitude: float
    timezone: str
    population: int = 0

    @property
    def own(self) -> bool:
        """Whether it is of the user's own list."""
        return self.id >= OWN_IDS


def largest_cities(transaction: Transaction, count: int) -> list[City]:
    """Return the `count` largest cities, or all if there are fewer."""
    return _cities(transaction, "TRUE", limit=min(count, MOST))


def country_cities(transaction: Transaction, code: str) -> list[City]:
    """Return every city of a country (`PK`, in either case), largest first."""
    return _cities(transaction, "country = :country", country=code.strip().upper())


def own_cities(transaction: Transaction) -> list[City]:
    """Return every city of the user's own, by name."""
    return _cities(transaction, "origin = 'file'", order="ORDER BY folded, country, id")


def find_cities(transaction: Transaction, text: str) -> list[City]:
    """Return the cities that `2643743` (an id), `London` or `London,CA` means: own first, then the largest."""
    text = text.strip()
    if text.isascii() and text.isdigit():
        return _cities(transaction, "id = :id", id=int(text)) if len(text) < MAX_DIGITS else []
    name, country = _split(text)
    if country:
        named = _named(transaction, name, country)
        if named:
            return named
    return _named(transaction, text)


def find_city(transaction: Transaction, text: str) -> City:
    """Return the city that `text` means: one of the user's own if there is one, else the largest.

    Raises NotFound with the names that are near.
    """
    found = find_cities(transaction, text)
    if found:
        return found[0]
    near = city_names_like(transaction, text)
    meant = f" (did you mean {' or '.join(near)}?)" if near else ""
    raise NotFound(f"no city {shortened(repr(text))}{meant}", hint=_where_from(transaction))


def city_names_like(transaction: Transaction, text: str, limit: int = 3) -> list[str]:
    """Return the names of stored cities that are most like `text`: for a message that it names none."""
    wanted = fold(_split(text.strip())[0])
    rows = transaction.all(
        "SELECT folded, name FROM city WHERE substr(folded, 1, 1) = :first"
        " AND length(folded) BETWEEN :shortest AND :longest OR substr(folded, 1, :length) = :wanted"
        f" {_LARGEST_FIRST}",
        first=wanted[:1],
        shortest=len(wanted) - 2,
        longest=len(wanted) + 2,
        length=max(len(wanted), 3),
        wanted=wanted,
    )
    names: dict[str, str] = {}
    for row in rows:
        names.setdefault(row["folded"], row["name"])
    near = get_close_matches(wanted, names, n=limit, cutoff=0.6)
    longer = (folded for folded in names if folded.startswith(wanted))
    return [names[folded] for folded in dict.fromkeys((*near, *longer))][:limit]


def named_cities(
    transaction: Transaction, names: Sequence[str], countries: Sequence[str], most: int | None
) -> list[City]:
    """Return the cities of these names, and of these countries `most` each, the largest; each city once.

    Raises NotFound.
    """
    chosen = [find_city(transaction, name) for name in names]
    for code in countries:
        found = country_cities(transaction, code)
        if not found:
            raise NotFound(
                f"no city in country {shortened(repr(code))}",
                hint="use a two-letter code such as PK, and `synctl seed`",
            )
        chosen.extend(found[:most])
    return list({one.id: one for one in chosen}.values())


@lru_cache(maxsize=1024)  # the world has some 400
def is_timezone(name: str) -> bool:
    """Whether IANA has a time zone of this name, and this machine knows it."""
    if name.startswith(_FOREIGN_ZONES):
        return False
    if any(_is_zone_file(folder, name) for folder in zoneinfo.TZPATH):
        return True
    try:
        zoneinfo.ZoneInfo(name)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):  # unknown; a path; a folder
        return False
    return True


def _is_zone_file(folder: str, name: str) -> bool:
    """Whether a file of the system is a time zone by its first bytes: to read all of 400 takes 20 ms."""
    if os.path.normpath(name) != name or name.startswith((".", "/")):
        return False
    try:
        with open(os.path.join(folder, name), "rb", buffering=0) as file:  # noqa: PTH118, PTH123 - paths take half the time
            return file.read(4) == b"TZif"
    except (OSError, ValueError):
        return False


def _where_from(transaction: Transaction) -> str:
    """Say how a city that is not stored gets there."""
    row = transaction.one("SELECT COUNT(*) AS n FROM city WHERE origin <> 'file'")
    if row is not None and row["n"] >= SHIPPED:
        return "`synctl seed --cities-file FILE` adds your own"
    return "seed more with `synctl seed` or `synctl seed --cities-file FILE`"


def _split(text: str) -> tuple[str, str]:
    """Split `London,CA` into name and country; without a country it is all name."""
    name, _, country = text.rpartition(",")
    country = country.strip().upper()
    return (name, country) if name and len(country) == 2 and country.isascii() else (text, "")


def _named(transaction: Transaction, name: str, country: str = "") -> list[City]:
    folded = fold(name)
    return _cities(
        transaction,
        f"folded IN (:folded, :alias){' AND country = :country' if country else ''}",
        order=_OWN_FIRST,
        folded=folded,
        alias=ALIASES.get(folded, folded),
        country=country,
    )


def _cities(
    transaction: Transaction,
    condition: str,
    *,
    limit: int | None = None,
    order: str = _LARGEST_FIRST,
    **values: object,
) -> list[City]:
    sql = f"SELECT {_COLUMNS} FROM city WHERE {condition} {order}"
    if limit is not None:
        sql, values = f"{sql} LIMIT :limit", {**values, "limit": limit}
    return [_city(row) for row in transaction.all(sql, **values)]


def _city(row: Row) -> City:
    return City(
        row["id"],
        row["name"],
        row["country"],
        row["latitude"],
        row["longitude"],
        row["timezone"],
        row["population"],
    )
