"""Prayer times to be exported: a stored day of a city, a method and a madhab each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from typing import Final

import msgspec

from synctl.cli.export.dataset import Dataset, Fields
from synctl.clock import today
from synctl.processors import prayer, prayer_cities, prayer_days
from synctl.resource import Selectors
from synctl.store import reference
from synctl.store.coverage import stored_cities
from synctl.store.db import Transaction
from synctl.store.prayer_times import TIME_NAMES, PrayerDay, days
from synctl.store.reference import City

_FIELDS: Final = (
    "city", "city_id", "country", "method", "madhab", "date", "timezone", "source", "run", "synced_at",
)  # fmt: skip


class Selection(msgspec.Struct, frozen=True):
    """What is selected; None: all that is stored."""

    cities: Sequence[City]
    methods: Sequence[int] | None
    madhabs: Sequence[int] | None
    first: date
    last: date


def selection(transaction: Transaction, selectors: Selectors) -> Selection:
    """Resolve selectors as `enqueue` does, but that what is not selected is all that is stored. Raises UsageError."""
    prayer.reject_nonsense(selectors, "export")
    chosen = selectors.year is not None or selectors.first is not None or selectors.last is not None
    first, last = prayer_days.dates(selectors, today()) if chosen else (date.min, date.max)
    named = selectors.city or selectors.country or selectors.own_cities or selectors.cities is not None
    methods = None if selectors.methods is None else reference.parse_methods(transaction, selectors.methods)
    return Selection(
        cities=prayer_cities.selected(transaction, selectors, default=0) if named else stored_cities(transaction),
        methods=None if methods is None else [method.id for method in methods],
        madhabs=None if selectors.madhab is None else reference.parse_madhabs(selectors.madhab),
        first=first,
        last=last,
    )


def dataset(transaction: Transaction, selectors: Selectors) -> Dataset:
    """Return the days of each city, the largest first, by method, day and madhab."""
    selected = selection(transaction, selectors)
    lacking: list[str] = []
    return Dataset(
        resource="prayer",
        columns=(*_FIELDS, *TIME_NAMES),
        records=_records(transaction, selected, lacking),
        flat=_flat,
        lacking=lacking,
        enqueue="synctl enqueue prayer",
    )


def _records(transaction: Transaction, selected: Selection, lacking: list[str]) -> Iterator[PrayerDay]:
    for city in selected.cities:
        one = None
        for one in days(transaction, city, selected.first, selected.last, selected.methods, selected.madhabs):
            yield one
        if one is None:
            lacking.append(f"{city.name}, {city.country}")


def _flat(fields: Fields) -> Iterable[object]:
    *plain, times = fields.values()
    return [*plain, *times.values()]
