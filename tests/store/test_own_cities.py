"""A user's own cities: found among those that ship, and removed with all that is stored of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from synctl.errors import NotFound, UsageError
from synctl.store.own_cities import own_city, remove, stored_rows, unfinished
from synctl.store.reference import City, find_city, own_cities, seed_reference

if TYPE_CHECKING:
    from pathlib import Path

    from synctl.store.db import Database, Transaction

MORE = (
    "name,country,latitude,longitude,timezone\n"
    "London,GB,51.6,-0.2,Europe/London\n"
    "Twin,GB,52,-1,Europe/London\n"
    "Twin,US,41,-81,America/New_York\n"
)
TABLES = ("city", "prayer_time", "stored_unit", "quarantine", "waiver")


@pytest.fixture
def seeded(database: Database, own_cities: Path, tmp_path: Path) -> Database:
    seed_reference(database, 100, own_cities)
    more = tmp_path / "more.csv"
    more.write_text(MORE, encoding="utf-8")
    seed_reference(database, 100, more)
    return database


def store(transaction: Transaction, city: City, days: int) -> None:
    """Store days of a city, a unit in quarantine and a waiver for it."""
    key = f"{city.id}/3/0/2026-01-01..2026-12-31"
    columns = "fajr, sunrise, dhuhr, asr, sunset, maghrib, isha, imsak, midnight, firstthird, lastthird"
    for day in range(days):
        transaction.execute(
            f"INSERT INTO prayer_time (city_id, method_id, madhab_id, day, utc_offset, {columns}, unit_id)"
            " VALUES (:city, 3, 0, :day, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 1)",
            city=city.id,
            day=day,
        )
    transaction.execute(
        "INSERT INTO stored_unit (resource, key, source, run_id, synced_at, rows)"
        " VALUES ('prayer', :key, 'here', 'r', 1, :days)",
        key=key,
        days=days,
    )
    transaction.execute(
        "INSERT INTO quarantine (resource, key, rule, message, sample, source, run_id, found_at)"
        " VALUES ('prayer', :key, 'prayer.sun', '', '', 'here', 'r', 1)",
        key=key,
    )
    transaction.execute(
        "INSERT INTO waiver (resource, key, rule, who, reason, at) VALUES ('prayer', :key, 'prayer.sun', '', '', 1)",
        key=key,
    )


def run_of(transaction: Transaction, name: str, run: str, unit: str, city: City) -> None:
    """Make a run in a state, with one unit of a city in a state."""
    row = transaction.one(
        "INSERT INTO run (id, resource, source, sync_date, params, label, state, reason, epoch, attempt, shards, total,"
        " done, failed, rows, changed, created_at)"
        " VALUES (:name, 'prayer', 'here', '2026-11-24', '', '', :state, '', 0, 0, 1, 1, 0, 0, 0, 0, 1) RETURNING seq",
        name=name,
        state=run,
    )
    assert row is not None
    transaction.execute(
        "INSERT INTO sync_unit (run_seq, ordinal, key, spec, state, epoch, attempts, rows, changed)"
        " VALUES (:run, 0, :key, '[]', :state, 0, 0, 0, 0)",
        run=row["seq"],
        key=f"{city.id}/3/0/2026-01-01..2026-12-31",
        state=unit,
    )


def test_own_cities_are_listed_by_name(seeded: Database) -> None:
    with seeded.read() as transaction:
        found = own_cities(transaction)
    assert [f"{city.name},{city.country}" for city in found] == [
        "London,GB", "Our Village,GB", "Twin,GB", "Twin,US", "قرية,PS",
    ]  # fmt: skip
    assert all(city.own for city in found)


def test_a_name_means_the_own_city_even_where_a_larger_one_has_it(seeded: Database) -> None:
    with seeded.read() as transaction:
        assert own_city(transaction, "london").latitude == 51.6
        assert own_city(transaction, "Twin,US").country == "US"
        assert own_city(transaction, str(own_city(transaction, "Twin,GB").id)).country == "GB"
        assert not find_city(transaction, "2643743").own


@pytest.mark.parametrize(
    ("name", "error", "says"),
    [
        ("Twin", UsageError, "'Twin' means several of your cities: "),
        ("Lagos", UsageError, "Lagos, NG comes with synctl: only your own cities can be removed"),
        ("2643743", UsageError, "London, GB comes with synctl"),
        ("Our Vilage", NotFound, "no city of your own 'Our Vilage' (did you mean Our Village?)"),
    ],
)
def test_what_is_no_single_city_of_ones_own_is_refused(
    seeded: Database, name: str, error: type[UsageError], says: str
) -> None:
    with seeded.read() as transaction, pytest.raises(error) as caught:
        own_city(transaction, name)
    assert str(caught.value).startswith(says)


def test_a_city_goes_with_all_that_is_stored_of_it_and_nothing_else(seeded: Database) -> None:
    with seeded.write() as transaction:
        gone, kept = own_city(transaction, "Our Village"), find_city(transaction, "2643743")
        before = {table: counted(transaction, table) for table in TABLES}
        store(transaction, gone, 3)
        store(transaction, kept, 2)
        assert (stored_rows(transaction, gone), stored_rows(transaction, kept)) == (3, 2)
        remove(transaction, gone)
        left = {table: counted(transaction, table) - before[table] for table in TABLES}
        assert left == {"city": -1, "prayer_time": 2, "stored_unit": 1, "quarantine": 1, "waiver": 1}
        assert stored_rows(transaction, kept) == 2
        with pytest.raises(NotFound):
            own_city(transaction, "Our Village")


def counted(transaction: Transaction, table: str) -> int:
    row = transaction.one(f"SELECT COUNT(*) AS number FROM {table}")
    assert row is not None
    return int(row["number"])


def test_a_run_that_has_units_of_a_city_left_is_told(seeded: Database) -> None:
    with seeded.write() as transaction:
        city, other = own_city(transaction, "Our Village"), own_city(transaction, "London")
        run_of(transaction, "queued", "queued", "pending", city)
        run_of(transaction, "cancelled", "cancelled", "pending", city)
        run_of(transaction, "partial", "partial", "failed", city)
        run_of(transaction, "partial-elsewhere", "partial", "done", city)
        run_of(transaction, "succeeded", "succeeded", "done", city)
        run_of(transaction, "of-another", "running", "leased", other)
        assert unfinished(transaction, city) == ["cancelled", "partial", "queued"]
        assert unfinished(transaction, own_city(transaction, "Twin,GB")) == []
