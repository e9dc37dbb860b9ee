"""What is in quarantine, what is waived, what is fresh, and the audit of prayer times: on every database."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from datetime import date

import pytest

from synctl.engine.freshness import Freshness
from synctl.errors import NotFound
from synctl.processors.prayer_audit import audit
from synctl.processors.prayer_unit import TABLE
from synctl.resource import Unit
from synctl.sources.calculated import CalculatedSource
from synctl.sources.prayer import PrayerRequest
from synctl.store import quarantine
from synctl.store.db import Database
from synctl.store.ledger import NewUnit
from synctl.store.reference import find_city, seed_reference
from synctl.store.runs import Actor
from synctl.store.upsert import Rows, upsert

ACTOR = Actor("somebody", "a test")
MARCH = (date(2026, 3, 1), date(2026, 3, 31))


def refuse(database: Database, key: str, rule: str = "a.rule", resource: str = "prayer", at: int = 1) -> None:
    with database.write() as transaction:
        transaction.execute(
            "INSERT INTO quarantine (resource, key, rule, message, sample, source, run_id, found_at)"
            " VALUES (:resource, :key, :rule, 'why', '{}', 'here', 'gone', :at)",
            resource=resource,
            key=key,
            rule=rule,
            at=at,
        )


def keep(database: Database, key: str, synced_at: int, source: str = "here", rows: int = 31) -> int:
    with database.write() as transaction:
        row = transaction.one(
            "INSERT INTO stored_unit (resource, key, source, run_id, synced_at, rows, body_hash)"
            " VALUES ('prayer', :key, :source, 'r', :at, :rows, 'h') RETURNING id",
            key=key,
            source=source,
            at=synced_at,
            rows=rows,
        )
    assert row is not None
    return int(row["id"])


def test_what_is_refused_is_listed_newest_first_by_resource_and_rule(database: Database) -> None:
    refuse(database, "a", at=1)
    refuse(database, "b", "other.rule", at=2)
    refuse(database, "a", resource="quran", at=3)
    with database.read() as transaction:

        def keys(resource: str | None = None, rule: str | None = None) -> list[str]:
            return [f"{one.resource}:{one.unit}" for one in quarantine.listing(transaction, resource, rule)]

        assert keys() == ["quran:a", "prayer:b", "prayer:a"]
        assert keys("prayer") == ["prayer:b", "prayer:a"]
        assert keys(None, "other.rule") == ["prayer:b"]
        assert [one.unit for one in quarantine.listing(transaction, limit=1)] == ["a"]


@pytest.mark.parametrize(("name", "found"), [("b", "prayer"), ("prayer:a", "prayer"), ("quran:a", "quran")])
def test_a_unit_is_named_by_its_key_or_with_its_resource(database: Database, name: str, found: str) -> None:
    for resource, key in (("prayer", "a"), ("quran", "a"), ("prayer", "b")):
        refuse(database, key, resource=resource)
    with database.read() as transaction:
        assert quarantine.find(transaction, name).resource == found
        for wrong in ("a", "c", "hadith:a", ":", ""):
            with pytest.raises(NotFound):
                quarantine.find(transaction, wrong)


def test_accepting_keeps_the_finding_and_rejecting_removes_both(database: Database) -> None:
    refuse(database, "a")
    with database.write() as transaction:
        quarantine.accept(transaction, quarantine.find(transaction, "a"), ACTOR, "first")
        quarantine.accept(transaction, quarantine.find(transaction, "a"), ACTOR, "second")
        (waiver,) = quarantine.waivers(transaction, quarantine.find(transaction, "a"))
        assert (waiver["rule"], waiver["who"], waiver["reason"]) == ("a.rule", "somebody", "second")
        assert quarantine.find(transaction, "a").accepted
        quarantine.reject(transaction, quarantine.find(transaction, "a"), ACTOR, "")
        assert list(quarantine.listing(transaction)) == []
        assert transaction.all("SELECT * FROM waiver") == []


UNITS = [Unit("month", [1], covered_by=["year"], rows=31), Unit("day", [2], covered_by=["month", "year"], rows=1)]


@pytest.mark.parametrize(
    ("since", "covered_since", "kept", "fresh"),
    [
        (None, None, {"month": 100, "year": 100}, [None, None]),
        (50, None, {"month": 100}, [31, None]),
        (50, 50, {"month": 100}, [31, 1]),
        (101, 101, {"month": 100}, [None, None]),
        (None, 50, {"year": 100}, [31, 1]),
        (None, 101, {"year": 100}, [None, None]),
    ],
)
def test_fresh_is_what_was_synced_since_itself_or_as_part_of_something_larger(
    database: Database,
    since: int | None,
    covered_since: int | None,
    kept: dict[str, int],
    fresh: Sequence[int | None],
) -> None:
    for key, synced_at in kept.items():
        keep(database, key, synced_at)
    with database.read() as transaction:
        marked = list(Freshness("prayer", "here", since, covered_since).mark(transaction, UNITS))
        assert marked == [NewUnit(unit.key, unit.spec, rows) for unit, rows in zip(UNITS, fresh, strict=True)]
        elsewhere = Freshness("prayer", "elsewhere", since, covered_since).mark(transaction, UNITS)
        assert [unit.fresh for unit in elsewhere] == [None, None]


def test_units_are_looked_up_a_chunk_at_a_time(database: Database) -> None:
    taken = 0

    def units() -> Iterator[Unit]:
        nonlocal taken
        for number in range(1200):
            taken += 1
            yield Unit(f"u{number}", [])

    keep(database, "u1100", 5, rows=7)
    with database.read() as transaction:
        marked = Freshness("prayer", "here", 0, 0).mark(transaction, units())
        assert next(marked).key == "u0"
        assert taken == 500
        assert [(unit.key, unit.fresh) for unit in marked if unit.fresh is not None] == [("u1100", 7)]


@pytest.fixture
def stored(database: Database) -> Database:
    """London's March with method 3 and both madhabs, and units of Tromsø and of a month before."""
    seed_reference(database, None, None)
    source = CalculatedSource(threading.Event())
    for city, spans in {"London": (MARCH, (date(2026, 2, 1), date(2026, 2, 28))), "Tromsø": (MARCH,)}.items():
        with database.read() as transaction:
            place = find_city(transaction, city)
        for first, last in spans:
            for madhab in (0, 1):
                unit = keep(database, f"{place.id}/3/{madhab}/{first}..{last}", 1, "calculated")
                request = PrayerRequest(place.latitude, place.longitude, place.timezone, 3, madhab, first, last)
                rows = [(place.id, 3, madhab, *day) for day in source.fetch(request).days]
                with database.write() as transaction:
                    upsert(transaction, [(unit, Rows(TABLE, rows))])
    return database


def test_what_is_stored_passes_the_audit(stored: Database) -> None:
    with stored.read() as transaction:
        assert list(audit(transaction, 5)) == []


def test_the_audit_names_place_method_madhab_and_day(stored: Database) -> None:
    with stored.write() as transaction:
        transaction.execute("UPDATE prayer_time SET isha = isha + 20 WHERE city_id = 2643743 AND day = 20520")
        transaction.execute("DELETE FROM prayer_time WHERE city_id = 3133895 AND madhab_id = 1")
        found = sorted((one.rule, one.subject) for one in audit(transaction, 5))
    assert found == [
        ("prayer.agreement", "London, GB, method 3, Hanafi, 2026-03-08"),
        ("prayer.agreement", "London, GB, method 3, Shafi, 2026-03-08"),
        ("prayer.dates", "Tromsø, NO, method 3, Hanafi"),
        ("prayer.jump", "London, GB, method 3, Hanafi, 2026-03-08"),
        ("prayer.jump", "London, GB, method 3, Shafi, 2026-03-08"),
    ]


def test_the_audit_leaves_alone_what_was_accepted(stored: Database) -> None:
    key = "2643743/3/0/2026-03-01..2026-03-31"
    with stored.write() as transaction:
        transaction.execute(
            "UPDATE prayer_time SET isha = isha + 20 WHERE city_id = 2643743 AND madhab_id = 0 AND day = 20520"
        )
        transaction.execute("DELETE FROM prayer_time WHERE city_id = 2643743 AND madhab_id = 0 AND day = 20530")
        assert {one.rule for one in audit(transaction, 5)} == {"prayer.dates", "prayer.jump", "prayer.agreement"}
        for rule in ("prayer.dates", "prayer.jump"):
            refused = quarantine.Refused("prayer", key, rule, "", "", "", "", 0, accepted=False)
            quarantine.accept(transaction, refused, ACTOR, "")
        assert list(audit(transaction, 5)) == []


def test_rows_without_a_unit_and_units_without_rows_are_found(stored: Database) -> None:
    with stored.write() as transaction:
        transaction.execute("DELETE FROM stored_unit WHERE key LIKE '2643743/%'")
        transaction.execute("DELETE FROM prayer_time WHERE city_id = 3133895")
        found = {(one.rule, one.subject.partition(",")[0]) for one in audit(transaction, 5)}
    assert found == {("prayer.origin", "London"), ("prayer.dates", "Tromsø")}


def test_a_city_that_moved_no_longer_has_the_right_times(stored: Database) -> None:
    with stored.write() as transaction:
        transaction.execute("UPDATE city SET longitude = 10.5 WHERE id = 2643743")
        assert "prayer.sun" in {one.rule for one in audit(transaction, 5)}
        transaction.execute("UPDATE city SET timezone = 'Nowhere/Town' WHERE id = 2643743")
        assert {one.rule for one in audit(transaction, 5)} == {"prayer.timezone"}
        transaction.execute("DELETE FROM city WHERE id = 2643743")
        assert {one.rule for one in audit(transaction, 5)} == {"prayer.city"}
