"""What a selection of hadith editions becomes, what is refused, and what an audit of stored editions finds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from synctl.config import Settings
from synctl.errors import ExitCode, MismatchError, NotFound, UpstreamUnavailable, UsageError
from synctl.processors.hadith import DEFAULT, RESOURCE, HadithSession
from synctl.resource import NOTHING_KNOWN, Context, Known, Plan, Selectors
from synctl.store import hadith as store
from synctl.store.db import Database, open_database
from synctl.store.packed import CHUNK, PackedRows
from synctl.store.upsert import upsert
from tests.sources.conftest import Engine
from tests.store.conftest import database as database  # noqa: PLC0414 - a fixture
from tests.store.databases import DIALECTS, migrated
from tests.upstream import hadith
from tests.upstream.server import LoopbackServer

TODAY = date(2026, 11, 24)


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


@pytest.fixture
def cdn() -> Iterator[LoopbackServer]:
    with hadith.serve() as server:
        yield server


@pytest.fixture
def settings(cdn: LoopbackServer, tmp_path: Path) -> Settings:
    plain = Settings(home=tmp_path)
    upstream = replace(plain.sources.hadith_api, base_url=cdn.url)
    return replace(plain, sources=replace(plain.sources, hadith_api=upstream))


@pytest.fixture
def plan(database: Database, settings: Settings) -> Any:
    def plan(**selected: Any) -> Plan:
        return RESOURCE.plan(Selectors(**selected), database, settings, TODAY)

    return plan


def keys(plan: Plan) -> list[str]:
    return [unit.key for unit in plan.units]


def test_without_selectors_it_is_four_english_editions(plan: Any) -> None:
    made = plan()
    assert keys(made) == list(DEFAULT)
    assert (made.total, made.source, made.label) == (4, "hadith_api", ", ".join(DEFAULT))
    assert made.params == {"editions": sorted(DEFAULT)}


@pytest.mark.parametrize(
    ("selected", "chosen"),
    [
        ({"collection": ("nawawi",)}, ["ara-nawawi", "ara-nawawi1", "eng-nawawi", "fra-nawawi"]),
        ({"collection": ("eng-nawawi",)}, ["eng-nawawi"]),
        ({"collection": (" ENG-Nawawi ",)}, ["eng-nawawi"]),
        ({"edition": ("eng-qudsi", "ara-nawawi", "eng-qudsi")}, ["eng-qudsi", "ara-nawawi"]),
        ({"edition": ("eng-bukhari",), "collection": ("eng-qudsi",)}, ["eng-qudsi", "eng-bukhari"]),
    ],
)
def test_a_collection_is_all_its_editions_and_an_edition_is_one(
    plan: Any, selected: dict[str, Any], chosen: list[str]
) -> None:
    assert keys(plan(**selected)) == chosen


def test_the_order_of_a_selection_makes_no_other_run(plan: Any) -> None:
    one, other = plan(edition=("eng-qudsi", "eng-nawawi")), plan(edition=("eng-nawawi", "eng-qudsi"))
    assert one.params == other.params


def test_many_editions_have_a_short_label(plan: Any) -> None:
    assert plan(collection=("nawawi", "qudsi")).label == "8 editions of nawawi, qudsi"
    assert plan(collection=tuple(hadith.BOOKS)).label == "40 editions"


def test_accepting_a_shrink_is_part_of_the_selection_and_of_its_units(plan: Any) -> None:
    made = plan(edition=("eng-nawawi",), accept_shrink=True)
    assert made.params == {"editions": ["eng-nawawi"], "accept_shrink": True}
    assert [unit.spec for unit in made.units] == [["eng-nawawi", "Forty Hadith of an-Nawawi", "ltr", True, "English"]]


@pytest.mark.parametrize(
    ("selected", "says"),
    [
        ({"collection": ("bukari",)}, "no hadith collection 'bukari' (did you mean bukhari?)"),
        ({"edition": ("eng-bukari",)}, "no hadith edition 'eng-bukari' (did you mean eng-bukhari?)"),
        ({"edition": ("bukhari",)}, "no hadith edition 'bukhari'"),
        ({"edition": ("../../etc/passwd",)}, "no hadith edition '../../etc/passwd'"),
        ({"edition": ("",)}, "no hadith edition ''"),
        ({"source": "aladhan"}, "no hadith source 'aladhan'"),
        ({"city": ("London",)}, "--city does not select hadiths"),
        ({"cities": 1}, "--cities does not select hadiths"),
        ({"year": 2026}, "--year does not select hadiths"),
        ({"last": TODAY}, "--to does not select hadiths"),
    ],
)
def test_what_cannot_be_synced_is_refused(plan: Any, selected: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan(**selected)
    assert str(caught.value).startswith(says)


def test_the_list_is_asked_for_once_and_again_for_a_name_it_lacks(plan: Any, cdn: LoopbackServer) -> None:
    plan()
    plan(collection=("bukhari",))
    assert [seen.path for seen in cdn.seen] == ["/editions.min.json"]
    with pytest.raises(NotFound):
        plan(edition=("tlh-bukhari",))
    assert len(cdn.seen) == 2


def test_without_its_upstream_and_a_list_nothing_can_be_planned(plan: Any, cdn: LoopbackServer) -> None:
    cdn.close()
    with pytest.raises(UpstreamUnavailable, match="the list of hadith editions cannot be had") as caught:
        plan()
    assert caught.value.exit_code is ExitCode.UPSTREAM


def test_with_a_list_that_is_known_a_plan_needs_no_network(plan: Any, cdn: LoopbackServer) -> None:
    plan()
    cdn.close()
    assert keys(plan(collection=("qudsi",))) == ["ara-qudsi", "ara-qudsi1", "eng-qudsi", "fra-qudsi"]


def test_an_edition_that_upstream_drops_is_no_longer_chosen_but_stays(plan: Any, database: Database) -> None:
    plan()
    with database.write() as transaction:
        left = [one for name, one in store.catalogue(transaction).items() if name != "fra-qudsi"]
        store.store_catalogue(transaction, left)
    assert "fra-qudsi" not in keys(plan(collection=("qudsi",)))
    with database.read() as transaction:
        row = transaction.one("SELECT listed FROM hadith_edition WHERE name = 'fra-qudsi'")
    assert row is not None
    assert row["listed"] == 0


def test_selections_overlap_where_they_share_an_edition(plan: Any) -> None:
    params = [
        msgspec.json.decode(msgspec.json.encode(plan(**selected).params))
        for selected in ({}, {"edition": ("eng-nawawi",)}, {"collection": ("malik",)})
    ]
    assert [RESOURCE.overlap(one, params[0]) for one in params] == [True, True, False]
    assert not RESOURCE.overlap(params[1], params[2])


@pytest.mark.parametrize(
    "edit",
    [
        lambda listing: listing.clear(),
        lambda listing: listing["nawawi"]["collection"].append(listing["nawawi"]["collection"][0]),
        lambda listing: listing["nawawi"]["collection"][0].update(comments="an invented\0comment"),
        lambda listing: [listing.pop(name) for name in [*listing][1:]],
    ],
)
def test_of_a_list_that_is_not_one_nothing_is_stored(
    plan: Any, cdn: LoopbackServer, database: Database, monkeypatch: pytest.MonkeyPatch, edit: Any
) -> None:
    plan()
    with database.read() as transaction:
        before = store.catalogue(transaction)
    changed = hadith.listing()
    edit(changed)
    monkeypatch.setattr(hadith, "listing", lambda: changed)
    with pytest.raises(UpstreamUnavailable, match="the list of hadith editions"):
        plan(edition=("tlh-bukhari",))
    with database.read() as transaction:
        assert store.catalogue(transaction) == before


def store_edition(database: Database, settings: Settings, edition: str) -> None:
    plan = RESOURCE.plan(Selectors(edition=(edition,)), database, settings, TODAY)
    (unit,) = plan.units
    with closing(RESOURCE.open("hadith_api", Context(settings=settings, stop=Engine().stop))) as session:
        assert isinstance(session, HadithSession)
        batch = session.process(unit.spec, NOTHING_KNOWN)
    with database.write() as transaction:
        row = transaction.one(
            "INSERT INTO stored_unit (resource, key, source, run_id, synced_at, rows, validators)"
            " VALUES ('hadith', :key, 'hadith_api', 'hadith-1', 1, :rows, :validators) RETURNING id",
            key=edition,
            validators=msgspec.json.encode(batch.validators).decode(),
            rows=batch.row_count,
        )
        assert row is not None
        for part in batch.parts:
            upsert(transaction, [(row["id"], part)])


def test_an_audit_of_what_was_just_stored_finds_nothing(database: Database, settings: Settings) -> None:
    for edition in ("eng-tirmidhi", "ara-muslim", "eng-bukhari", "ara-nasai1", "eng-ibnmajah"):
        store_edition(database, settings, edition)
    with database.read() as transaction:
        assert list(RESOURCE.audit(transaction, settings)) == []


@pytest.mark.parametrize(
    ("damage", "rules"),
    [
        ("DELETE FROM hadith WHERE number = '2'", {"hadith.counts"}),
        ("DELETE FROM hadith WHERE number IN ('2', '3', '20')", {"hadith.counts", "hadith.shrink"}),
        ("DELETE FROM hadith_section WHERE number = 1", {"hadith.sections"}),
        ("UPDATE hadith_section SET hadith_first = NULL WHERE number = 1", {"hadith.sections"}),
        ("UPDATE hadith SET section = 7 WHERE number = '2'", {"hadith.sections"}),
        ("UPDATE hadith SET number = '999' WHERE number = '2'", {"hadith.counts"}),
        ("UPDATE hadith_edition SET title = 'Another'", {"hadith.edition"}),
        ("UPDATE hadith SET text = '' WHERE number = '2'", {"hadith.texts"}),
        ("UPDATE hadith SET text = 'كلمة' WHERE position <= 20", {"hadith.texts"}),
        ("UPDATE hadith SET text = 'آزمائش کے لیے بنایا ہوا ایک جملہ نہیں ہے ' || number", {"hadith.edition"}),
        pytest.param(
            f"UPDATE hadith SET text = '{'a' * 200_001}' WHERE number = '2'", {"hadith.length"}, id="a long text"
        ),
        (f"UPDATE hadith SET arabic_number = '{'1' * 33}' WHERE number = '2'", {"hadith.length"}),
        pytest.param(
            f"UPDATE hadith_section SET name = '{'a' * 1001}' WHERE number = 1", {"hadith.length"}, id="a long name"
        ),
        ("UPDATE hadith SET text = 'only Latin letters here, and quite a few of them'", {"hadith.edition"}),
    ],
)
def test_an_audit_finds_damage_by_its_rule(
    database: Database, settings: Settings, damage: str, rules: set[str]
) -> None:
    store_edition(database, settings, "ara-nawawi")
    with database.write() as transaction:
        transaction.execute(damage)
    with database.read() as transaction:
        found = list(RESOURCE.audit(transaction, settings))
    assert {finding.rule for finding in found} >= rules
    assert {finding.subject for finding in found} == {"ara-nawawi"}


@pytest.mark.parametrize(
    ("damage", "rules"),
    [
        ("DELETE FROM hadith_grade WHERE number = '1'", set()),
        ("DELETE FROM hadith_grade WHERE position = 3", {"hadith.grades"}),
        pytest.param(
            f"UPDATE hadith_grade SET grade = '{'a' * 1001}' WHERE number = '1'", {"hadith.length"}, id="a long grade"
        ),
    ],
)
def test_an_audit_looks_at_grades(database: Database, settings: Settings, damage: str, rules: set[str]) -> None:
    store_edition(database, settings, "eng-malik")
    with database.write() as transaction:
        assert transaction.execute(damage) > 0
    with database.read() as transaction:
        assert {finding.rule for finding in RESOURCE.audit(transaction, settings)} == rules


@pytest.mark.parametrize("dialect", DIALECTS)
def test_an_edition_stored_without_counts_is_compared_with_its_rows(
    dialect: str, tmp_path: Path, settings: Settings
) -> None:
    with migrated(dialect, tmp_path) as url, closing(open_database(url)) as database:
        store_edition(database, settings, "eng-malik")
        with database.write() as transaction:
            for number in range(1001, 1004):
                transaction.execute(
                    "INSERT INTO hadith SELECT edition, :number, position, arabic_number, arabic_quoted, text, section,"
                    " section_hadith, unit_id FROM hadith WHERE number = '1'",
                    number=str(number),
                )
        (unit,) = RESOURCE.plan(Selectors(edition=("eng-malik",)), database, settings, TODAY).units
        there = replace(settings, database=replace(settings.database, url=url))
        with closing(RESOURCE.open("hadith_api", Context(settings=there, stop=Engine().stop))) as session:
            with pytest.raises(MismatchError, match=r"hadith\.shrink: 145 hadiths, 148 are stored"):
                session.process(unit.spec, Known(stored=True, rows=500))
            assert session.process(unit.spec, NOTHING_KNOWN).parts


@pytest.mark.parametrize("length", [0, 1, CHUNK, CHUNK + 1, 3 * CHUNK])
def test_packed_rows_are_the_rows(length: int) -> None:
    rows = [("eng-x", str(number), number, None, "ﷺ" * (number % 3)) for number in range(length)]
    packed = PackedRows(rows)
    assert (len(packed), list(packed), packed[:]) == (length, rows, rows)
    assert packed[5 : CHUNK + 5] == rows[5 : CHUNK + 5]
    if rows:
        assert (packed[0], packed[-1]) == (rows[0], rows[-1])
    with pytest.raises(IndexError):
        packed[length]
