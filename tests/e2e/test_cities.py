"""A user's own cities: added, listed, selected and removed."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from tests.e2e.conftest import Call, Home

OWN = "name,country,latitude,longitude,timezone\nOur Vilage,GB,53.1,-1.5,Europe/London\nقرية,PS,31.9,35.2,Asia/Hebron\n"


@pytest.fixture
def own(home: Home, call: Call) -> Home:
    call(home, "seed", "--cities", "100")
    assert "no cities of your own" in call(home, "cities", "list").out
    assert call(home, "cities", "list", "--json").lines == []
    (home.path / "own.csv").write_text(OWN, encoding="utf-8")
    call(home, "seed", "--cities-file", "own.csv")
    return home


def test_own_cities_can_be_selected_alone_or_with_others(own: Home, call: Call) -> None:
    def previewed(*words: str, code: int = 0) -> str:
        said = call(own, "enqueue", "prayer", "--methods", "3", "--madhab", "shafi", "--dry-run", *words, code=code)
        return said.out or said.err

    assert "2 cities × 1 method × 1 madhab" in previewed("--own-cities")
    assert "3 cities × 1 method × 1 madhab" in previewed("--own-cities", "--city", "London", "--city", "Our Vilage")
    assert "5 cities × 1 method × 1 madhab" in previewed("--own-cities", "--country", "PK", "--cities", "3")
    assert "--cities and --own-cities exclude each other" in previewed("--own-cities", "--cities", "3", code=2)
    assert "--own-cities does not select Quran" in call(own, "enqueue", "quran", "--own-cities", code=2).err
    assert "exclude each other" in call(own, "coverage", "prayer", "--own-cities", "--cities", "3", code=2).err
    gaps = call(own, "coverage", "prayer", "--own-cities", "--methods", "3", "--gaps").out
    assert "Our Vilage,GB" in gaps
    assert "قرية,PS" in gaps
    assert "London" not in gaps


def test_own_cities_that_are_none_select_nothing(home: Home, call: Call) -> None:
    call(home, "seed", "--cities", "100")
    said = call(home, "enqueue", "prayer", "--own-cities", code=2).err
    assert "no city of your own is stored" in said
    assert "--cities-file" in said


def test_a_list_has_ones_own_or_whatever_a_name_means(own: Home, call: Call) -> None:
    village, arabic = call(own, "cities", "list", "--json").lines
    assert (village["name"], village["own"], village["rows"], arabic["name"]) == ("Our Vilage", True, 0, "قرية")
    named = call(own, "cities", "list", "London", str(village["id"]), "--json").lines
    assert [(one["id"], one["own"]) for one in named] == [(2643743, False), (village["id"], True)]
    text = call(own, "cities", "list", "London").out
    assert "London, GB" in text
    assert "GeoNames" in text
    assert "no city 'Lonodn' (did you mean London?)" in call(own, "cities", "list", "Lonodn", code=2).err


def test_a_mistyped_city_is_removed_and_its_prayer_times_only_by_force(own: Home, call: Call) -> None:
    village, arabic = (one["id"] for one in call(own, "cities", "list", "--json").lines)
    with closing(sqlite3.connect(own.path / "synctl.db")) as database, database:
        for day in range(3):
            database.execute(
                f"INSERT INTO prayer_time VALUES ({village}, 3, 0, {day}, 0{', 300' * 11}, 1)"  # as a sync would
            )
    assert call(own, "cities", "remove", "London", code=2).err.startswith("synctl: London, GB comes with synctl")
    assert "remove needs a city" in call(own, "cities", "remove", code=2).err
    assert "--force is of `remove`" in call(own, "cities", "list", "--force", code=2).err
    refused = call(own, "cities", "remove", "قرية", "Our Vilage", code=2).err
    assert "Our Vilage, GB has 3 rows of prayer times" in refused
    assert "--force removes them, too" in refused
    assert len(call(own, "cities", "list", "--json").lines) == 2, "all or nothing"
    (removed,) = call(own, "cities", "remove", "Our Vilage", "Our Vilage", "--force", "--json").lines
    assert (removed["id"], removed["rows"]) == (village, 3)
    assert call(own, "cities", "remove", str(arabic)).out == "قرية, PS is removed\n"
    assert call(own, "cities", "list", "--json").lines == []
    assert own.sql("SELECT COUNT(*) FROM prayer_time") == [(0,)]


def test_a_city_that_a_run_is_about_to_sync_stays(own: Home, call: Call) -> None:
    with closing(sqlite3.connect(own.path / "synctl.db")) as database, database:
        (village,) = database.execute("SELECT id FROM city WHERE name = 'Our Vilage'").fetchone()
        database.execute(
            "INSERT INTO run (id, resource, source, sync_date, params, label, state, reason, epoch, attempt, shards,"
            " total, done, failed, rows, changed, created_at) VALUES ('prayer-1', 'prayer', 'calculated', '2026-11-24',"
            " '{}', '', 'paused', '', 0, 0, 1, 1, 0, 0, 0, 0, 1)"
        )
        database.execute(
            "INSERT INTO sync_unit (run_seq, ordinal, key, spec, state, epoch, attempts, rows, changed)"
            " SELECT seq, 0, ?, '[]', 'pending', 0, 0, 0, 0 FROM run",
            [f"{village}/3/0/2026-01-01..2026-12-31"],
        )
    said = call(own, "cities", "remove", "Our Vilage", "--force", code=8).err
    assert "Our Vilage, GB: prayer-1 has units of it left to do" in said
    assert "cancel --wait prayer-1" in said
    assert [json.loads(line)["name"] for line in call(own, "cities", "list", "--json").out.splitlines()] == [
        "Our Vilage", "قرية",
    ]  # fmt: skip
