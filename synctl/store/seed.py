"""Writes reference data: methods, madhabs and cities. Idempotent, and never deletes."""

from __future__ import annotations

import gzip
import json
from importlib.resources import files
from itertools import islice
from typing import TYPE_CHECKING, Final

import msgspec

from synctl.errors import UsageError
from synctl.store.cities import SHIPPED, City
from synctl.store.city_file import read_city_file
from synctl.store.counts import counts
from synctl.store.folding import fold
from synctl.store.methods import MADHABS
from synctl.store.upsert import Table, upsert_rows
from synctl.words import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from synctl.store.db import Database, Transaction

_METHOD: Final = Table("method", ("id",), ("code", "name", "params", "named"))
_MADHAB: Final = Table("madhab", ("id",), ("code", "name", "asr_factor"))
_CITY: Final = Table(
    "city",
    ("id",),
    ("name", "folded", "country", "latitude", "longitude", "timezone", "population", "origin"),
)


class SeedReport(msgspec.Struct, frozen=True):
    """What is stored after seeding, and how many of its rows were new or different before."""

    methods: int
    madhabs: int
    cities: int
    changed: int


def seed_reference(database: Database, cities: int | None, cities_file: Path | None) -> SeedReport:
    """Store methods, madhabs and cities in one transaction.

    That is the `cities` largest ones, or a file's, or both; all that ship with synctl if neither is given.
    Raises UsageError for a number below 1 or above what ships and for a file with wrong lines, before anything
    is stored.
    """
    if cities is not None and cities < 1:
        raise UsageError(f"{cities} cities: at least 1")
    if cities is not None and cities > SHIPPED:
        raise UsageError(
            f"{shortened(f'{cities:,}')} cities: {SHIPPED:,} ship with synctl", hint="--cities-file adds your own"
        )
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
    return upsert_rows(transaction, _METHOD, list(rows))


def seed_madhabs(transaction: Transaction) -> int:
    """Store the madhabs; return how many were new or different."""
    rows = [(madhab.id, madhab.code, madhab.name, madhab.asr_factor) for madhab in MADHABS]
    return upsert_rows(transaction, _MADHAB, rows)


def seed_cities(transaction: Transaction, limit: int | None) -> int:
    """Store the largest cities, all of them by default; return how many were new or different."""
    lines = islice(gzip.decompress(_data("cities.tsv.gz")).decode().splitlines(), limit)
    return upsert_rows(transaction, _CITY, [_shipped(line) for line in lines])


def _store_own(transaction: Transaction, cities: Iterable[City]) -> int:
    rows = [
        (c.id, c.name, fold(c.name), c.country, c.latitude, c.longitude, c.timezone, c.population, "file")
        for c in cities
    ]
    return upsert_rows(transaction, _CITY, rows)


def _shipped(line: str) -> tuple[object, ...]:
    number, name, folded, country, latitude, longitude, timezone, population = line.split("\t")
    place = (float(latitude), float(longitude), timezone)
    return (int(number), name, folded, country, *place, int(population), "geonames")


def _data(name: str) -> bytes:
    return (files("synctl") / "data" / name).read_bytes()
