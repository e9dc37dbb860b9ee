"""A home whose database holds a little of everything, stored without a run: for what reads it."""

from __future__ import annotations

import threading
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from synctl.config import Settings
from synctl.processors import prayer, quran
from synctl.resource import NOTHING_KNOWN, Batch, Context, Resource, Rows, Selectors, Table
from synctl.store import hadith
from synctl.store.db import Database
from synctl.store.hadith import Listed
from synctl.store.reference import seed_reference
from synctl.store.upsert import upsert

SYNCED_AT = 1_795_512_252_000
"""2026-11-24 10:44:12 UTC."""
EDITION = "ara-invented"


def store(database: Database, resource: str, key: str, parts: Iterable[Rows], *, source: str = "here") -> None:
    """Store the rows of a unit."""
    with database.write() as transaction:
        unit = transaction.one(
            "INSERT INTO stored_unit (resource, key, source, run_id, synced_at, rows)"
            " VALUES (:resource, :key, :source, 'a-run', :at, 1) RETURNING id",
            resource=resource, key=key, source=source, at=SYNCED_AT,
        )  # fmt: skip
        assert unit is not None
        for part in parts:
            upsert(transaction, [(unit["id"], part)])


def process(resource: Resource, source: str, database: Database, selectors: Selectors, home: Path) -> None:
    """Store what a source without an upstream gives for a selection."""
    settings = Settings(home=home)
    session = resource.open(source, Context(settings, threading.Event()))
    for unit in resource.plan(selectors, database, settings, date(2026, 11, 24)).units:
        batch: Batch = session.process(unit.spec, NOTHING_KNOWN)
        store(database, resource.name, unit.key, batch.parts, source=source)


def little_of_everything(database: Database, home: Path) -> None:
    """Store March of two cities, the Arabic Quran, and two hadiths."""
    seed_reference(database, 300, None)
    cities = Selectors(
        city=("London", "Karachi"), methods="3,4", first=date(2026, 3, 1), last=date(2026, 3, 31), source="calculated"
    )
    process(prayer.RESOURCE, "calculated", database, cities, home)
    process(quran.RESOURCE, "packaged", database, Selectors(), home)
    with database.write() as transaction:
        hadith.store_catalogue(
            transaction, [Listed(EDITION, "invented", "Invented", "Arabic", "rtl", "Nobody", "", "")]
        )
    store(
        database,
        "hadith",
        EDITION,
        [
            Rows(hadith.EDITION, [(EDITION, "Invented", 3, 1)]),
            Rows(hadith.SECTION, [(EDITION, 1, 'كتاب, "الإيمان"', "1", "2.1", "1", "2")]),
            _rows(
                hadith.HADITH,
                ("1", 1, "1", 0, 'قال: "نعم",\nثم\r\nسكت ', 1, 1),
                ("2.1", 2, None, 0, "", 1, 2),
                ("10", 3, "10", 0, "=1+1; 'x'\ttab", 0, 1),
            ),
            _rows(hadith.GRADE, ("1", 1, "Somebody", "Sahih"), ("1", 2, "فلان", "حسن"), ("10", 1, "Somebody", "")),
        ],
        source="hadith_api",
    )


def _rows(table: Table, *rows: tuple[object, ...]) -> Rows:
    return Rows(table, [(EDITION, *row) for row in rows])
