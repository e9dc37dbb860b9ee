"""Writes reference data: methods, madhabs and cities. Idempotent, and never deletes."""

from __future__ import annotations

import gzip
import json
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from itertools import chain, islice
from typing import TYPE_CHECKING, Final

from synctl.errors import UsageError
from synctl.store.cities import City
from synctl.store.city_file import read_city_file
from synctl.store.counts import counts
from synctl.store.folding import fold
from synctl.store.methods import MADHABS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from synctl.store.db import Database, Transaction

ROWS_PER_STATEMENT: Final = 1000
"""Nine parameters each, below SQLite's limit of 32,766."""

_CITY: Final = (
    "id",
    "name",
    "folded",
    "country",
    "latitude",
    "longitude",
    "timezone",
    "population",
    "origin",
)


@dataclass(frozen=True, slots=True)
class SeedReport:
    """What is stored after seeding, and how many of its rows were new or different before."""

    methods: int
    madhabs: int
    cities: int
    changed: int


def seed_reference(database: Database, cities: int | None, cities_file: Path | None) -> SeedReport:
    """Store methods, madhabs and cities in one transaction.

    That is the `cities` largest ones, or a file's, or both; all that ship with synctl if neither is given.
    Raises UsageError for a number below 1 and for a file with wrong lines, before anything is stored.
    """
    if cities is not None and cities < 1:
        raise UsageError(f"{cities} cities: at least 1")
    own = read_city_file(cities_file) if cities_file else []
    with database.write() as transaction:
        changed = seed_methods(transaction) + seed_madhabs(transaction)
        if cities is not None or not own:
            changed += seed_cities(transaction, cities)
        changed += _store_own(transaction, own)
        stored = counts(transaction)
    return SeedReport(stored.methods, stored.madhabs, stored.cities, changed)


def seed_methods(transaction: Transaction) -> int:
    """Store AlAdhan's methods; return how many were new or different."""
    listed = json.loads(_data("methods.json"))
    rows = ((m["id"], m["code"], m["name"], json.dumps(m["params"], ensure_ascii=False), m["named"]) for m in listed)
    return _upsert(transaction, "method", ("id", "code", "name", "params", "named"), rows)


def seed_madhabs(transaction: Transaction) -> int:
    """Store the madhabs; return how many were new or different."""
    rows = ((madhab.id, madhab.code, madhab.name, madhab.asr_factor) for madhab in MADHABS)
    return _upsert(transaction, "madhab", ("id", "code", "name", "asr_factor"), rows)


def seed_cities(transaction: Transaction, limit: int | None) -> int:
    """Store the largest cities, all of them by default; return how many were new or different."""
    lines = islice(gzip.decompress(_data("cities.tsv.gz")).decode().splitlines(), limit)
    return _upsert(transaction, "city", _CITY, (_shipped(line) for line in lines))


def seed_city_file(transaction: Transaction, path: Path) -> int:
    """Store a user's own cities; return how many were new or different.

    Raises UsageError that names every wrong line, before anything is stored.
    """
    return _store_own(transaction, read_city_file(path))


def _store_own(transaction: Transaction, cities: Iterable[City]) -> int:
    rows = (
        (c.id, c.name, fold(c.name), c.country, c.latitude, c.longitude, c.timezone, c.population, "file")
        for c in cities
    )
    return _upsert(transaction, "city", _CITY, rows)


def _shipped(line: str) -> tuple[object, ...]:
    number, name, folded, country, latitude, longitude, timezone, population = line.split("\t")
    place = (float(latitude), float(longitude), timezone)
    return (int(number), name, folded, country, *place, int(population), "geonames")


def _data(name: str) -> bytes:
    return (files("synctl") / "data" / name).read_bytes()


def _upsert(transaction: Transaction, table: str, columns: tuple[str, ...], rows: Iterable[tuple[object, ...]]) -> int:
    changed = 0
    for chunk in _chunks(rows):
        statement = _statement(table, columns, len(chunk), transaction.dialect)
        changed += transaction.positional(statement, list(chain.from_iterable(chunk)))
    return changed


def _chunks(rows: Iterable[tuple[object, ...]]) -> Iterator[Sequence[tuple[object, ...]]]:
    remaining = iter(rows)
    while chunk := list(islice(remaining, ROWS_PER_STATEMENT)):
        yield chunk


@lru_cache(maxsize=16)
def _statement(table: str, columns: tuple[str, ...], count: int, dialect: str) -> str:
    """Insert or update by the first column; a row equal to the stored one is not written."""
    mark, differs = ("%s", "IS DISTINCT FROM") if dialect == "postgresql" else ("?", "IS NOT")
    key, *values = columns
    row = f"({', '.join([mark] * len(columns))})"
    return (
        f"INSERT INTO {table} ({', '.join(columns)}) VALUES {', '.join([row] * count)} "
        f"ON CONFLICT ({key}) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in values)} "
        f"WHERE ({', '.join(f'{table}.{name}' for name in values)}) {differs} "
        f"({', '.join(f'excluded.{name}' for name in values)})"
    )
