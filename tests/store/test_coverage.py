"""Coverage: what is stored is counted by resource, and prayer times by city, month, method and madhab."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

import pytest

from synctl.processors.prayer_unit import TABLE
from synctl.store import coverage
from synctl.store.coverage import CityYear, Pair
from synctl.store.db import Database
from synctl.store.prayer_times import EPOCH
from synctl.store.reference import City, find_city, seed_reference
from synctl.store.upsert import Rows, upsert

YEAR = 2026
BOTH = frozenset({(3, 0), (3, 1)})


@pytest.fixture
def seeded(database: Database) -> Database:
    seed_reference(database, 200, None)
    return database


def _city(database: Database, name: str) -> City:
    with database.read() as transaction:
        return find_city(transaction, name)


def _store(
    database: Database,
    city: City,
    first: date,
    last: date,
    pairs: Iterable[Pair] = BOTH,
    *,
    at: int = 1000,
    source: str = "here",
) -> None:
    """Store the days of a city, from a unit for each method and madhab that was synced `at`."""
    with database.write() as transaction:
        for method, madhab in pairs:
            days = range((first - EPOCH).days, (last - EPOCH).days + 1)
            unit = transaction.one(
                "INSERT INTO stored_unit (resource, key, source, run_id, synced_at, rows)"
                " VALUES ('prayer', :key, :source, 'r', :at, :rows) RETURNING id",
                key=f"{city.id}/{method}/{madhab}/{first}..{last}",
                source=source,
                at=at,
                rows=len(days),
            )
            assert unit is not None
            rows = [(city.id, method, madhab, day, 0, *[300] * 11) for day in days]
            upsert(transaction, [(unit["id"], Rows(TABLE, rows))])


def _years(
    database: Database, cities: list[City], pairs: Iterable[Pair] = BOTH, year: int = YEAR, since: int = 0
) -> list[CityYear]:
    with database.read() as transaction:
        return list(coverage.city_years(transaction, cities, year, frozenset(pairs), since=since))


def test_an_empty_store_has_nothing(seeded: Database) -> None:
    with seeded.read() as transaction:
        assert coverage.overview(transaction) == []
        assert coverage.stored_cities(transaction) == []
        assert coverage.stored_pairs(transaction) == frozenset()


def test_the_overview_knows_any_resource_by_its_units(seeded: Database) -> None:
    london = _city(seeded, "London")
    _store(seeded, london, date(2026, 1, 1), date(2026, 1, 31), [(3, 0)], at=5000)
    _store(seeded, london, date(2025, 12, 1), date(2025, 12, 31), [(3, 0)], at=2000, source="there")
    with seeded.write() as transaction:
        transaction.execute(
            "INSERT INTO stored_unit (resource, key, source, run_id, synced_at, rows)"
            " VALUES ('tafsir', 'en.kathir', 'book', 'r', 7, 114)"
        )
    with seeded.read() as transaction:
        prayer, tafsir = coverage.overview(transaction)
    assert (prayer.units, prayer.rows, prayer.oldest, prayer.newest) == (2, 62, 2000, 5000)
    assert (prayer.first, prayer.last) == (date(2025, 12, 1), date(2026, 1, 31))
    assert prayer.sources == {"here": 1, "there": 1}
    assert tafsir.as_json() == {
        "resource": "tafsir", "units": 1, "rows": 114, "first": None, "last": None,
        "oldest": "1970-01-01T00:00:00Z", "newest": "1970-01-01T00:00:00Z", "sources": {"book": 1},
    }  # fmt: skip


def test_cities_and_pairs_are_those_that_are_stored(seeded: Database) -> None:
    london, cairo = _city(seeded, "London"), _city(seeded, "Cairo")
    _store(seeded, london, date(2020, 1, 1), date(2020, 1, 1), [(3, 0)])
    _store(seeded, cairo, date(2026, 1, 1), date(2026, 1, 2), [(5, 1)])
    with seeded.read() as transaction:
        assert {city.name for city in coverage.stored_cities(transaction)} == {"London", "Cairo"}
        assert coverage.stored_pairs(transaction) == {(3, 0), (5, 1)}


@pytest.mark.parametrize(("year", "february"), [(2026, 28), (2028, 29)])
def test_a_whole_year_is_complete(seeded: Database, year: int, february: int) -> None:
    london = _city(seeded, "London")
    _store(seeded, london, date(year, 1, 1), date(year, 12, 31))
    (one,) = _years(seeded, [london], year=year)
    assert one.stored == one.expected
    assert one.stored[1] == 2 * february
    assert (one.missing, one.rows) == ({}, 2 * (337 + february))
    assert one.as_json()["months"] == [1.0] * 12


def test_months_that_lack_days_are_missing_for_their_method_and_madhab(seeded: Database) -> None:
    london = _city(seeded, "London")
    _store(seeded, london, date(2026, 1, 1), date(2026, 12, 31), [(3, 0)])
    _store(seeded, london, date(2026, 2, 1), date(2026, 11, 29), [(3, 1)])
    (one,) = _years(seeded, [london], [*BOTH, (4, 0)])
    assert one.missing == {(3, 1): (1, 11, 12), (4, 0): tuple(range(1, 13))}
    assert one.stored[:2] == (31, 56)
    assert one.stored[10:] == (59, 31)
    assert one.expected[:2] == (93, 84)
    assert one.as_json()["months"][0] == 0.3333  # type: ignore[index]


def test_what_is_almost_complete_is_not_called_complete(seeded: Database) -> None:
    london = _city(seeded, "London")
    _store(seeded, london, date(2026, 1, 1), date(2026, 12, 30))
    (one,) = _years(seeded, [london])
    assert one.missing == dict.fromkeys(BOTH, (12,))
    assert 0.96 < one.as_json()["months"][11] < 1  # type: ignore[index]


def test_other_years_methods_and_cities_do_not_count(seeded: Database) -> None:
    london, cairo = _city(seeded, "London"), _city(seeded, "Cairo")
    _store(seeded, london, date(2025, 1, 1), date(2025, 12, 31))
    _store(seeded, london, date(2026, 1, 1), date(2026, 12, 31), [(5, 0)], at=1)
    found = _years(seeded, [london, cairo])
    assert {one.city.name: (one.rows, one.oldest) for one in found} == {"London": (0, None), "Cairo": (0, None)}
    assert all(one.as_json()["oldest"] is None for one in found)


def test_only_the_expected_pairs_count_of_their_methods_and_madhabs(seeded: Database) -> None:
    london = _city(seeded, "London")
    _store(seeded, london, date(2026, 1, 1), date(2026, 12, 31), [(3, 0), (3, 1), (5, 0), (5, 1)])
    (one,) = _years(seeded, [london], [(3, 0), (5, 1)])
    assert (one.rows, one.rows_expected, one.missing) == (730, 730, {})


def test_what_was_synced_too_long_ago_counts_as_missing_but_keeps_its_age(seeded: Database) -> None:
    london = _city(seeded, "London")
    _store(seeded, london, date(2026, 1, 1), date(2026, 6, 30), at=1000)
    _store(seeded, london, date(2026, 7, 1), date(2026, 12, 31), at=5000)
    (one,) = _years(seeded, [london], since=2000)
    assert one.stored == (0,) * 6 + one.expected[6:]
    assert one.missing == dict.fromkeys(BOTH, (1, 2, 3, 4, 5, 6))
    assert (one.oldest, one.newest) == (1000, 5000)


def test_more_cities_than_a_statement_takes_are_all_counted(seeded: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(coverage, "_CITIES_PER_STATEMENT", 2)
    cities = [_city(seeded, name) for name in ("London", "Cairo", "Karachi", "Lagos", "Jakarta")]
    for city in cities:
        _store(seeded, city, date(2026, 1, 1), date(2026, 1, 31))
    found = _years(seeded, cities)
    assert sorted(one.city.name for one in found) == ["Cairo", "Jakarta", "Karachi", "Lagos", "London"]
    assert {one.stored[0] for one in found} == {62}
