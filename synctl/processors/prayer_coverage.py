"""The coverage of prayer times: what is asked of it (a year, its cities, what is expected of each), and the answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import msgspec

from synctl.clock import now_ms, today
from synctl.errors import UsageError
from synctl.processors import prayer_cities
from synctl.processors.prayer_days import FIRST_YEAR, LAST_YEAR
from synctl.store import reference
from synctl.store.coverage import CityYear, Pair, city_years, stored_cities, stored_pairs
from synctl.store.db import Transaction
from synctl.store.methods import MADHABS
from synctl.store.reference import City

DAY_S: Final = 86_400


class Question(msgspec.Struct, frozen=True):
    """What was asked about prayer times; None and empty mean: whatever is stored."""

    year: int
    city: Sequence[str]
    country: Sequence[str]
    own_cities: bool
    cities: int | None
    methods: str | None
    madhab: str | None
    limit: int | None
    older_than: str | None
    max_age_s: int | None

    def __post_init__(self) -> None:
        prayer_cities.reject_impossible(self)


def parse_year(year: int | None) -> int:
    """Return the year, this one for None. Raises UsageError for one that cannot be synced."""
    if year is not None and not FIRST_YEAR <= year <= LAST_YEAR:
        raise UsageError(f"--year {year}: years {FIRST_YEAR} to {LAST_YEAR} can be synced")
    return year or today().year


def found(transaction: Transaction, question: Question, expected: frozenset[Pair]) -> list[CityYear]:
    """Return the cities' years, the one that lacks most first, of equals the largest city."""
    since = 0 if question.max_age_s is None else now_ms() - question.max_age_s * 1000
    years = city_years(transaction, cities(transaction, question), question.year, expected, since=since)
    return sorted(years, key=lambda one: (one.rows / one.rows_expected, -one.city.population, one.city.id))


def cities(transaction: Transaction, question: Question) -> list[City]:
    """Return the selected cities, else those that have prayer times of any day. Raises NotFound, UsageError."""
    if question.cities is None and not prayer_cities.named(question):
        return stored_cities(transaction)
    return prayer_cities.selected(transaction, question, default=0)


def pairs(transaction: Transaction, question: Question) -> frozenset[Pair]:
    """Return what is expected: the selected, else what any city has stored, else what `enqueue` would sync."""
    held = stored_pairs(transaction)
    if held and question.methods is None and question.madhab is None:
        return held
    methods = {method for method, _ in held}
    madhabs = {madhab for _, madhab in held} or {madhab.id for madhab in MADHABS}
    if question.methods is not None or not held:
        text = "all" if question.methods is None else question.methods
        methods = {method.id for method in reference.parse_methods(transaction, text)}
    if question.madhab is not None:
        madhabs = set(reference.parse_madhabs(question.madhab))
    return frozenset((method, madhab) for method in methods for madhab in madhabs)
