"""How cities are found: by name in any spelling, by country, by id, by size."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from synctl.store.aliases import ALIASES
from synctl.store.folding import fold
from synctl.store.reference import (
    SHIPPED,
    city_names_like,
    country_cities,
    find_cities,
    is_timezone,
    largest_cities,
    seed_reference,
)

if TYPE_CHECKING:
    from pathlib import Path

    from synctl.store.db import Database

FOLDED = {
    "São Tomé": "sao tome",
    "Saint John’s": "saint johns",
    "St. John's": "st johns",
    "Neufchâtel-Est–Lebourgneuf": "neufchatel est lebourgneuf",
    "ISTANBUL": "istanbul",
    "İstanbul": "istanbul",
    "Əhmədbəyli": "ahmadbayli",
    "Vandœuvre": "vandoeuvre",
    "Łódź": "lodz",
    "Großräschen": "grossraschen",
    " Ala  Moana - Kakaʻako ": "ala moana kakaako",
    "مَكَّة": "مكة",
    "!": "",
}


@pytest.mark.parametrize("name", FOLDED)
def test_names_are_folded_to_what_people_type(name: str) -> None:
    assert fold(name) == FOLDED[name]
    assert fold(fold(name)) == fold(name)


FOUND = {
    "London": [2643743, 6058560],
    " LONDON ": [2643743, 6058560],
    "London,CA": [6058560],
    "london , ca": [6058560],
    "London,XX": [],
    "2643743": [2643743],
    "6": [],
    "9" * 30: [],
    "sao paulo": [3448439],
    "São Paulo,br": [3448439],
    "Mecca": [104515],
    "mecca,SA": [104515],
    "Medina": [109223, 5162512, 3457358],
    "Medina,US": [5162512],
    "New York,US": [5128581],
    "Lndon": [],
    "": [],
    "'; DROP TABLE city": [],
}


@pytest.mark.parametrize("text", FOUND)
def test_cities_are_found_by_name_country_or_id_largest_first(world: Database, text: str) -> None:
    with world.read() as transaction:
        assert [city.id for city in find_cities(transaction, text)][:3] == FOUND[text]


def test_an_alias_leads_to_a_city_that_ships_and_hides_none_that_is_larger(world: Database) -> None:
    with world.read() as transaction:
        for alias, name in ALIASES.items():
            (first, *_) = find_cities(transaction, alias)
            assert fold(first.name) == name


def test_a_name_in_another_script_is_found_by_itself(database: Database, own_cities: Path) -> None:
    seed_reference(database, None, own_cities)
    with database.read() as transaction:
        assert [city.country for city in find_cities(transaction, "قَرْيَة,ps")] == ["PS"]


def test_the_largest_cities_come_first(world: Database) -> None:
    with world.read() as transaction:
        assert [city.name for city in largest_cities(transaction, 3)] == ["Shanghai", "Beijing", "Shenzhen"]
        assert len(largest_cities(transaction, 10**30)) == SHIPPED
        pakistan = country_cities(transaction, "pk")
        assert (len(pakistan), pakistan[0].name) == (370, "Lahore")
        assert country_cities(transaction, "XX") == []


LIKE = {"Lodon": "London", "Karchi,PK": "Karachi", "new yor": "New York City", "istambul": "Istanbul"}


@pytest.mark.parametrize("text", LIKE)
def test_names_like_a_mistyped_one_are_suggested(world: Database, text: str) -> None:
    with world.read() as transaction:
        assert LIKE[text] in city_names_like(transaction, text)


def test_nothing_is_suggested_for_what_is_like_nothing(world: Database) -> None:
    with world.read() as transaction:
        assert city_names_like(transaction, "") == []
        assert city_names_like(transaction, "zzzzzzzzzzzzzz") == []


@pytest.mark.parametrize(
    "name", ["", "Europe", "/etc/localtime", "../UTC", "posix/UTC", "right/UTC", "Mars/Base", "a\0"]
)
def test_what_is_no_iana_name_is_no_time_zone(name: str) -> None:
    assert not is_timezone(name)
