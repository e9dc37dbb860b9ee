"""Reference data: what seeding stores, what look-ups find, what a run needs."""

from __future__ import annotations

import gzip
import json
from contextlib import closing
from typing import TYPE_CHECKING

import pytest

from synctl.config import PrerequisiteSettings, Settings
from synctl.errors import PrerequisitesNotMet, UsageError
from synctl.store.db import Database, open_database
from synctl.store.migrate import upgrade
from synctl.store.reference import (
    SHIPPED,
    Counts,
    Missing,
    SeedReport,
    counts,
    find_cities,
    methods,
    parse_madhabs,
    parse_methods,
    prerequisites,
    seed_cities,
    seed_methods,
    seed_reference,
)
from tools import build_cities, build_methods

if TYPE_CHECKING:
    from pathlib import Path

ALL_CITIES = 34_006


def test_the_shipped_cities_are_what_the_tool_makes() -> None:
    assert gzip.decompress(build_cities.TARGET.read_bytes()).decode() == build_cities.tsv()
    assert build_cities.compressed("x\n") == build_cities.compressed("x\n")


def test_the_number_of_cities_that_ship_is_told_right() -> None:
    assert len(gzip.decompress(build_cities.TARGET.read_bytes()).splitlines()) == ALL_CITIES == SHIPPED


def test_the_shipped_methods_are_what_the_tool_makes() -> None:
    assert build_methods.TARGET.read_text(encoding="utf-8") == build_methods.methods_json()


def test_seeding_stores_all_that_ships(world: Database) -> None:
    with world.read() as transaction:
        assert counts(transaction) == Counts(methods=24, named_methods=23, madhabs=2, cities=ALL_CITIES)
        zero = transaction.all("SELECT name FROM city WHERE abs(latitude) < 0.00002 OR abs(longitude) < 0.00002")
        assert {"Bolenge", "Stratford"} <= {row["name"] for row in zero}
        assert [method.id for method in methods(transaction)] == [*range(6), *range(7, 24), 99]
        madhabs = transaction.all("SELECT id, code, asr_factor FROM madhab ORDER BY id")
        assert [(row["id"], row["code"], row["asr_factor"]) for row in madhabs] == [(0, "shafi", 1), (1, "hanafi", 2)]
        portugal = parse_methods(transaction, "22")[0]
        assert portugal.params == {"Fajr": 18, "Maghrib": "3 min", "Isha": "77 min"}


def test_seeding_again_changes_nothing_and_deletes_nothing(database: Database, own_cities: Path) -> None:
    assert seed_reference(database, 10, None) == SeedReport(methods=24, madhabs=2, cities=10, changed=36)
    assert seed_reference(database, 10, None) == SeedReport(methods=24, madhabs=2, cities=10, changed=0)
    assert seed_reference(database, 12, own_cities) == SeedReport(methods=24, madhabs=2, cities=14, changed=4)
    assert seed_reference(database, None, own_cities).changed == 0
    assert seed_reference(database, 1, None) == SeedReport(methods=24, madhabs=2, cities=14, changed=0)


def test_seeding_mends_what_was_changed(database: Database) -> None:
    seed_reference(database, 3, None)
    with database.write() as transaction:
        transaction.execute("UPDATE city SET timezone = 'Mars/Base' WHERE name = 'Beijing'")
        assert seed_cities(transaction, 3) == 1
        assert find_cities(transaction, "beijing")[0].timezone == "Asia/Shanghai"


def test_a_corrected_coordinate_updates_the_same_city(database: Database, own_cities: Path) -> None:
    seed_reference(database, None, own_cities)
    with database.read() as transaction:
        before = find_cities(transaction, "our village")
    text = own_cities.read_text(encoding="utf-8")
    own_cities.write_text(text.replace("Our Village,GB,53.1", "ÔUR village,GB,53.2"), encoding="utf-8")
    assert seed_reference(database, None, own_cities).changed == 1
    with database.read() as transaction:
        after = find_cities(transaction, "our village")
    assert [city.id for city in after] == [city.id for city in before]
    assert (after[0].name, after[0].latitude, after[0].population) == ("ÔUR village", 53.2, 0)


def test_a_wrong_file_stores_nothing_at_all(database: Database, own_cities: Path) -> None:
    with own_cities.open("a", encoding="utf-8") as file:
        file.write("Nowhere,XX,0,0,Mars/Base\n")
    with pytest.raises(UsageError, match="line 4"):
        seed_reference(database, 5, own_cities)
    with database.read() as transaction:
        assert counts(transaction) == Counts(0, 0, 0, 0)


TOO_MANY = {34_007: "34,007 cities: 34,006 ship", 10**20: "100,000,000,000,000,000,000 cities", 10**4000: "…"}


@pytest.mark.parametrize("cities", [0, *TOO_MANY], ids=lambda number: f"{number:.0e}" if number < 1e300 else "huge")
def test_fewer_than_one_city_or_more_than_ship_are_refused(database: Database, cities: int) -> None:
    with pytest.raises(UsageError, match=TOO_MANY.get(cities, "0 cities: at least 1")):
        seed_reference(database, cities, None)


NAMED = [*range(6), *range(7, 24)]
METHODS = {
    "all": NAMED,
    "ALL": NAMED,
    "4,3": [3, 4],
    "3,all": NAMED,
    "MWL, makkah": [3, 4],
    "3,MWL,03": [3],
    "6": "method '6': there is none; valid are all, 0-5, 7-23 and their codes",
    "makah": "method 'makah': there is none (did you mean MAKKAH?); valid are all, 0-5, 7-23 and their codes",
    "3,,4": "'3,,4': a method is missing",
    "": "'': a method is missing",
    "-1": "method '-1': there is none; valid are all, 0-5, 7-23 and their codes",
    "custom": "method 'custom': CUSTOM has no parameters, so there is nothing to calculate with",
    "99": "method '99': CUSTOM has no parameters, so there is nothing to calculate with",
}


@pytest.mark.parametrize("text", METHODS)
def test_methods_are_chosen_by_id_or_code(world: Database, text: str) -> None:
    with world.read() as transaction:
        try:
            found: object = [method.id for method in parse_methods(transaction, text)]
        except UsageError as error:
            found = str(error)
    assert found == METHODS[text]


def test_no_method_can_be_chosen_before_seeding(database: Database) -> None:
    with database.read() as transaction, pytest.raises(PrerequisitesNotMet) as caught:
        parse_methods(transaction, "all")
    assert caught.value.hint == "synctl seed"


MADHABS = {
    "both": (0, 1),
    "shafi": (0,),
    "Hanafi": (1,),
    "0": (0,),
    "1,0": (0, 1),
    "hanfi": "madhab 'hanfi': none of both, shafi (0), hanafi (1) (did you mean hanafi?)",
    "2": "madhab '2': none of both, shafi (0), hanafi (1)",
    "": "'': a madhab is missing",
}


@pytest.mark.parametrize("text", MADHABS)
def test_madhabs_are_chosen_by_id_or_code(text: str) -> None:
    try:
        found: object = parse_madhabs(text)
    except UsageError as error:
        found = str(error)
    assert found == MADHABS[text]


def test_nothing_is_missing_after_seeding(world: Database, tmp_path: Path) -> None:
    with world.read() as transaction:
        assert prerequisites(transaction, Settings(home=tmp_path)) == []


def test_each_lack_is_told_with_the_command_that_mends_it(database: Database, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path)
    with database.write() as transaction:
        assert prerequisites(transaction, settings) == [
            Missing("0 of 15 calculation methods", "synctl seed"),
            Missing("0 of 2 madhabs", "synctl seed"),
            Missing("0 of 100 cities", "synctl seed --cities 100"),
        ]
        more = Settings(home=tmp_path, prerequisites=PrerequisiteSettings(min_cities=99_999))
        assert "34,006 ship with synctl" in prerequisites(transaction, more)[2].mend
        seed_methods(transaction)
        seed_cities(transaction, 99)
        assert [lack.what for lack in prerequisites(transaction, settings)] == ["0 of 2 madhabs", "99 of 100 cities"]


def test_fifteen_methods_do_not_count_custom(database: Database, tmp_path: Path) -> None:
    settings = Settings(home=tmp_path, prerequisites=PrerequisiteSettings(min_methods=15, min_cities=1))
    seed_reference(database, 1, None)
    with database.write() as transaction:
        transaction.execute("DELETE FROM method WHERE id BETWEEN 2 AND 10")
        assert [lack.what for lack in prerequisites(transaction, settings)] == []
        transaction.execute("DELETE FROM method WHERE id = 0")
        assert [lack.what for lack in prerequisites(transaction, settings)] == ["14 of 15 calculation methods"]


def test_cities_with_an_unknown_time_zone_are_told(database: Database, own_cities: Path, tmp_path: Path) -> None:
    seed_reference(database, 100, own_cities)
    with database.write() as transaction:
        transaction.execute("UPDATE city SET timezone = 'Mars/Base' WHERE country IN ('CN', 'GB')")
        lacks = prerequisites(transaction, Settings(home=tmp_path))
    assert [lack.mend for lack in lacks] == [
        "synctl seed --cities-file FILE, corrected, or synctl cities remove",
        "synctl seed",
    ]
    assert lacks[0].what == "Our Village: time zone 'Mars/Base' is unknown"


def test_cities_with_bad_coordinates_are_told(tmp_path: Path) -> None:
    """The constraints forbid them, so the table is one that somebody made by hand."""
    url = f"sqlite:///{tmp_path}/synctl.db"
    upgrade(url)
    with closing(open_database(url)) as database:
        seed_reference(database, 100, None)
        with database.write() as transaction:
            transaction.execute("PRAGMA ignore_check_constraints = ON")
            transaction.execute("UPDATE city SET latitude = 0 WHERE name = 'Beijing'")
            transaction.execute("UPDATE city SET longitude = 200 WHERE name = 'Shanghai'")
            assert prerequisites(transaction, Settings(home=tmp_path)) == [
                Missing("2 cities, Beijing is one: coordinates are 0 or out of range", "synctl seed")
            ]


def test_shipped_params_are_stored_as_json(world: Database) -> None:
    with world.read() as transaction:
        row = transaction.one("SELECT params FROM method WHERE code = 'MAKKAH'")
    assert row is not None
    assert json.loads(row["params"]) == {"Fajr": 18.5, "Isha": "90 min"}
