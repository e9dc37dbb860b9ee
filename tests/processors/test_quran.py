"""What a selection of the Quran becomes, and what is found when what is stored is verified again."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from synctl.config import QuranSettings, Settings
from synctl.errors import UsageError
from synctl.processors.quran import LIST, RESOURCE, QuranSession
from synctl.processors.quran_rows import catalogue, rows, stored
from synctl.processors.quran_rules import RULES, broken_list
from synctl.processors.quran_shape import LONGEST_TEXT, lengths
from synctl.resource import NOTHING_KNOWN, Finding, Plan, Rows, Selectors
from synctl.sources.packaged import EDITION, PackagedSource
from synctl.sources.quran import Ayah, Listed, Quran
from synctl.store import changes
from synctl.store.db import Database, open_database
from synctl.store.upsert import upsert
from tests.store.conftest import database as database  # noqa: PLC0414 - a fixture
from tests.store.databases import migrated

TODAY = date(2026, 11, 24)
LISTED = [
    Listed("ar.recited", "ar", "قارئ", "A Reciter", "audio", "versebyverse"),
    Listed("en.sahih", "en", "Sahih", "An Invented Namesake", "text", "translation", "ltr"),
    Listed(EDITION, "ar", "نص", "Uthmani", "text", "quran", "rtl"),
]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory, quran: Quran) -> Path:
    """A database that has the Arabic text; tests that damage it take a copy."""
    folder = tmp_path_factory.mktemp("whole")
    with migrated("sqlite", folder) as url, closing(open_database(url)) as database:
        store(database, rows(quran))
    return folder / "synctl.db"


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    return Settings(home=tmp_path)


@pytest.fixture
def plan(tmp_path: Path, settings: Settings) -> Iterator[Any]:
    with migrated("sqlite", tmp_path) as url, closing(open_database(url)) as database:

        def plan(listed: list[Listed] | None = None, changed: Settings | None = None, **selected: Any) -> Plan:
            if listed:
                store(database, catalogue(listed))
            return RESOURCE.plan(Selectors(**selected), database, changed or settings, TODAY)

        yield plan


@pytest.fixture(scope="module")
def quran() -> Quran:
    found = PackagedSource().fetch(EDITION).value
    assert found is not None
    return found


def store(database: Database, parts: list[Rows]) -> int:
    with database.write() as transaction:
        return upsert(transaction, [(1, part) for part in parts])[1]


def execute(database: Database, statement: str) -> None:
    with database.write() as transaction:
        transaction.execute(statement)


def audit(database: Database, settings: Settings) -> list[Finding]:
    with database.read() as transaction:
        return list(RESOURCE.audit(transaction, settings))


def keys(plan: Plan) -> list[str]:
    return [unit.key for unit in plan.units]


def test_without_selectors_it_is_the_arabic_text_as_installed(plan: Any) -> None:
    found = plan()
    assert (found.source, keys(found), found.total, found.label) == ("packaged", [EDITION], 1, EDITION)


def test_other_editions_come_from_alquran_with_their_list(plan: Any) -> None:
    found = plan(edition=("en.sahih", EDITION, "en.sahih"))
    assert (found.source, keys(found), found.total) == ("alquran", ["en.sahih", EDITION, LIST], 3)
    assert found.label == "2 editions: en.sahih, quran-uthmani"
    assert found.params == plan(edition=(EDITION, "en.sahih")).params


def test_a_label_names_three_editions(plan: Any) -> None:
    assert plan(edition=("a.a", "b.b", "c.c", "d.d")).label == "4 editions: a.a, b.b, c.c and 1 more"


def test_the_source_can_be_chosen_for_a_run_and_for_all(plan: Any, settings: Settings) -> None:
    assert plan(source="alquran").source == "alquran"
    configured = replace(settings, quran=QuranSettings(source="alquran"))
    assert plan(changed=configured).source == "alquran"
    assert plan(changed=configured, source="packaged").source == "packaged"


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"cities": 3}, "--cities does not select"),
    ({"city": ("London",)}, "--city does not select"),
    ({"country": ("GB",)}, "--country does not select"),
    ({"own_cities": True}, "--own-cities does not select"),
    ({"methods": "3"}, "--methods does not select"),
    ({"madhab": "both"}, "--madhab does not select"),
    ({"year": 2026}, "--year does not select"),
    ({"first": TODAY}, "--from does not select"),
    ({"last": TODAY}, "--to does not select"),
    ({"accept_shrink": True}, "--accept-shrink does not select"),
    ({"cities": 0}, "--cities does not select"),
    ({"collection": ("bukhari",)}, "--collection does not select"),
    ({"source": "alqurn"}, "no quran source 'alqurn' (did you mean alquran?)"),
    ({"source": "packaged", "edition": ("en.sahih",)}, "packaged has quran-uthmani only, not en.sahih"),
    ({"edition": ("",)}, "--edition '' is no edition"),
    ({"edition": ("../en.sahih",)}, "--edition '../en.sahih' is no edition"),
    ({"edition": ("en.sahih?x",)}, "--edition 'en.sahih?x' is no edition"),
    ({"edition": ("EN.Sahih",)}, "--edition 'EN.Sahih' is no edition"),
    ({"edition": ("e" * 65,)}, "--edition 'eeeeee"),
    ({"edition": (LIST,)}, "--edition 'editions' is no edition"),
]


@pytest.mark.parametrize(("selected", "says"), REFUSED, ids=str)
def test_what_cannot_be_synced_is_refused(plan: Any, selected: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan(**selected)
    assert str(caught.value).startswith(says)


def test_all_editions_can_be_chosen_once_the_list_is_stored(plan: Any) -> None:
    with pytest.raises(UsageError, match="the list of editions is not stored yet"):
        plan(edition=("all",))


def test_where_the_list_is_stored_what_it_lacks_is_refused(plan: Any) -> None:
    assert plan(listed=LISTED, edition=("en.sahih",)).total == 2
    with pytest.raises(UsageError, match=r"lists no edition 'en\.sahi' \(did you mean en\.sahih\?\)"):
        plan(edition=("en.sahi",))
    with pytest.raises(UsageError, match=r"ar\.recited is audio"):
        plan(edition=("ar.recited",))


def test_where_the_list_is_stored_a_unit_says_what_it_must_be(plan: Any) -> None:
    assert [unit.spec for unit in plan(edition=("en.sahih",)).units] == [["en.sahih"], []]
    made = plan(listed=LISTED, edition=("en.sahih",))
    assert [unit.spec for unit in made.units] == [["en.sahih", "en", "translation"], []]


def broken_by(*listed: Listed) -> list[str]:
    return [one.rule for one in broken_list(list(listed))]


def test_a_list_names_editions_each_once_without_nul() -> None:
    assert broken_by(*LISTED) == []
    assert broken_by() == ["quran.list"]
    assert broken_by(*LISTED, LISTED[0]) == ["quran.list"]
    assert broken_by(msgspec.structs.replace(LISTED[0], name="\0")) == ["quran.shape"]
    assert broken_by(msgspec.structs.replace(LISTED[0], name="n" * 1001)) == ["quran.length"]
    assert broken_by(msgspec.structs.replace(LISTED[0], identifier="i" * 65)) == ["quran.length"]


@pytest.mark.parametrize(("kind", "most"), [*LONGEST_TEXT.items(), ("another", 1_000_000)])
def test_an_ayah_is_as_long_as_its_type_allows(quran: Quran, kind: str, most: int) -> None:
    (first, *_) = quran.surahs
    ayahs = [ayah for ayah in first.ayahs if isinstance(ayah, Ayah)]
    edition = msgspec.structs.replace(quran.edition, type=kind)

    def found(length: int) -> list[str]:
        text = msgspec.structs.replace(ayahs[1], text="a" * length)
        surah = msgspec.structs.replace(first, ayahs=[ayahs[0], text, *ayahs[2:]])
        return [one.place for one in lengths(Quran([surah], edition))]

    assert (found(most), found(most + 1)) == ([], ["1:2"])


def test_selections_overlap_by_edition_and_by_the_list(plan: Any) -> None:
    arabic, sahih, both = (
        plan(**selected).params
        for selected in ({}, {"edition": ("en.sahih",)}, {"edition": (EDITION,), "source": "alquran"})
    )
    assert RESOURCE.overlap(arabic, both)
    assert RESOURCE.overlap(sahih, both)
    assert not RESOURCE.overlap(arabic, sahih)


def test_it_needs_no_reference_data(database: Database, settings: Settings) -> None:
    assert RESOURCE.prerequisites(database, settings) == ()


def test_a_unit_read_back_from_the_ledger_is_processed(plan: Any) -> None:
    (unit,) = plan().units
    batch = QuranSession(PackagedSource()).process(msgspec.json.decode(msgspec.json.encode(unit.spec)), NOTHING_KNOWN)
    assert [len(part.rows) for part in batch.parts] == [1, 114, 6236]


def test_an_edition_is_read_back_as_it_was_stored(database: Database, quran: Quran) -> None:
    assert store(database, rows(quran)) == 6351
    with database.read() as transaction:
        assert stored(transaction, EDITION) == quran
    assert store(database, rows(quran)) == 0


def test_what_is_stored_is_in_order(database: Database, quran: Quran, settings: Settings) -> None:
    assert audit(database, settings) == []
    store(database, rows(quran) + catalogue(LISTED))
    assert audit(database, settings) == []


DAMAGE: list[tuple[str, str, str]] = [
    ("UPDATE quran_ayah SET text = text || ' ' WHERE surah = 2 AND ayah = 255", "quran.checksum", "quran-uthmani 2"),
    ("UPDATE quran_ayah SET text = '\ufeff' || text WHERE surah = 2", "quran.checksum", "quran-uthmani 2"),
    ("UPDATE quran_ayah SET text = '' WHERE surah = 2 AND ayah = 255", "quran.empty-ayah", "quran-uthmani 2:255"),
    (
        f"UPDATE quran_ayah SET text = '{'a' * 50_001}' WHERE surah = 1 AND ayah = 2",
        "quran.length",
        "quran-uthmani 1:2",
    ),
    ("UPDATE quran_surah SET name = hex(zeroblob(501)) WHERE surah = 3", "quran.length", "quran-uthmani 3"),
    ("UPDATE quran_ayah SET text = 'An error' WHERE number <= 63", "quran.text", "quran-uthmani"),
    ("UPDATE quran_ayah SET sajda_id = NULL WHERE surah = 32 AND ayah = 15", "quran.shape", "quran-uthmani 32:15"),
    ("UPDATE quran_surah SET checksum = '' WHERE surah = 3", "quran.checksum", "quran-uthmani 3"),
    ("UPDATE quran_edition SET checksum = ''", "quran.checksum", "quran-uthmani"),
    ("DELETE FROM quran_ayah WHERE surah = 114 AND ayah = 6", "quran.surah-counts", "quran-uthmani 114"),
    ("DELETE FROM quran_ayah WHERE surah = 114 AND ayah = 6", "quran.ayahs", "quran-uthmani"),
    ("DELETE FROM quran_surah WHERE surah = 5", "quran.surahs", "quran-uthmani"),
    ("DELETE FROM quran_edition", "quran.edition", "quran-uthmani"),
    ("UPDATE quran_edition SET format = 'audio'", "quran.edition", "quran-uthmani"),
    ("UPDATE quran_ayah SET number = 7 WHERE surah = 2 AND ayah = 1", "quran.numbering", "quran-uthmani 2:1"),
    ("UPDATE quran_surah SET revelation_type = 'Medinan' WHERE surah = 1", "quran.revelation", "quran-uthmani 1"),
    ("UPDATE quran_ayah SET juz = 2 WHERE surah = 2 AND ayah = 141", "quran.structure", "quran-uthmani 2:141"),
    ("UPDATE quran_ayah SET sajda = 1 WHERE surah = 32 AND ayah = 15", "quran.sajdas", "quran-uthmani 32:15"),
    ("UPDATE quran_ayah SET bismillah = 4 WHERE surah = 2 AND ayah = 1", "quran.basmalah", "quran-uthmani 2:1"),
]


@pytest.mark.parametrize(("damage", "rule", "subject"), DAMAGE, ids=str)
def test_damage_to_what_is_stored_is_found_by_rule(
    whole: Path, tmp_path: Path, settings: Settings, damage: str, rule: str, subject: str
) -> None:
    shutil.copy(whole, tmp_path)
    with closing(open_database(f"sqlite:///{tmp_path}/{whole.name}")) as database:
        execute(database, damage)
        found = audit(database, settings)
    assert (rule, subject) in [(one.rule, one.subject) for one in found]
    assert {one.rule for one in found} <= RULES.keys()


def test_a_letter_that_is_not_that_of_the_mushaf_is_told_where_that_is_set(
    whole: Path, tmp_path: Path, settings: Settings, quran: Quran
) -> None:
    shutil.copy(whole, tmp_path)
    surahs = list(quran.surahs)
    (first, *others) = [ayah for ayah in surahs[111].ayahs if isinstance(ayah, Ayah)]
    changed = msgspec.structs.replace(first, text=(first.text or "").replace("ق", "ف"))
    surahs[111] = msgspec.structs.replace(surahs[111], ayahs=[changed, *others])
    reporting = replace(settings, quran=QuranSettings(agreement="report"))
    with closing(open_database(f"sqlite:///{tmp_path}/{whole.name}")) as database:
        assert audit(database, reporting) == []
        store(database, rows(msgspec.structs.replace(quran, surahs=surahs)))
        assert audit(database, settings) == []
        (found,) = audit(database, reporting)
    assert (found.rule, found.subject) == ("quran.agreement", "quran-uthmani 112:1")


def test_what_a_new_body_changes_is_known_to_the_row(database: Database, quran: Quran) -> None:
    store(database, rows(quran))
    surahs = list(quran.surahs)
    ayahs = [ayah for ayah in surahs[111].ayahs if isinstance(ayah, Ayah)]
    ayahs[0] = msgspec.structs.replace(ayahs[0], text="otherwise")
    surahs[111] = msgspec.structs.replace(surahs[111], ayahs=ayahs[:3])
    other = msgspec.structs.replace(quran, surahs=surahs)
    with database.read() as transaction:
        found = [one for part in rows(other) for one in changes.differences(transaction, part)]
    assert [(one.table.name, one.key, one.new is None) for one in found] == [
        ("quran_edition", (EDITION,), False),
        ("quran_surah", (EDITION, 112), False),
        ("quran_ayah", (EDITION, 112, 1), False),
        ("quran_ayah", (EDITION, 112, 4), True),
    ]


def test_every_rule_is_documented_as_it_is() -> None:
    page = (Path(__file__).parents[2] / "docs" / "quran.md").read_text(encoding="utf-8")
    rows = dict(re.findall(r"^\| `(quran\.[a-z-]+)` \| (.+) \|$", page, re.MULTILINE))
    assert list(rows) == list(RULES)
    assert {name for name in RULES if rows[name] != RULES[name]} == {"quran.agreement"}  # whose setting has a page
