"""The Arabic text as installed, and the facts by which every edition is measured."""

from __future__ import annotations

import threading
from itertools import pairwise

import pytest
from quran_text import Mushaf as Printed

from synctl.errors import RejectedError
from synctl.processors.quran_rules import broken
from synctl.sources.mushaf import (
    AYAHS,
    DIVISIONS,
    SAJDAS,
    SURAHS,
    basmalah_length,
    mushaf,
)
from synctl.sources.packaged import EDITION, PackagedSource
from synctl.sources.quran import Quran


@pytest.fixture(scope="module")
def quran() -> Quran:
    found = PackagedSource().fetch(EDITION).value
    assert found is not None
    return found


def test_it_breaks_no_rule(quran: Quran) -> None:
    assert list(broken(EDITION, quran)) == []


def test_its_text_is_what_the_mushaf_prints(quran: Quran) -> None:
    texts = [ayah.text for surah in quran.surahs for ayah in surah.ayahs if not isinstance(ayah, str)]
    assert texts == [ayah.render(marks=True) for ayah in Printed.hafs().ayahs]
    assert not any("  " in text or text != text.strip() for text in texts if text)


def test_its_sajdas_are_where_the_mushaf_prints_them() -> None:
    assert list(mushaf().sajdas) == [ayah.index + 1 for ayah in Printed.hafs().sajdat()]
    assert len(mushaf().sajdas) == SAJDAS
    assert sum(mushaf().sajdas.values()) == 4


def test_its_ayahs_are_counted_as_the_mushaf_counts_them() -> None:
    assert mushaf().counts == tuple(surah.ayah_count for surah in Printed.hafs().surahs)
    assert (len(mushaf().counts), sum(mushaf().counts)) == (SURAHS, AYAHS)


def test_86_surahs_are_meccan_and_28_medinan() -> None:
    counted = mushaf().revelation
    assert (counted.count("Meccan"), counted.count("Medinan")) == (86, 28)
    printed = Printed.hafs().surahs
    others = {
        surah.number for surah in printed if (surah.revelation == "makki") != (counted[surah.number - 1] == "Meccan")
    }
    assert others == {22, 55, 76}  # the package counts these as Meccan: why `mushaf` tells, not the package


@pytest.mark.parametrize(
    ("name", "length"), [("juz", 30), ("manzil", 7), ("page", 604), ("ruku", 556), ("hizb_quarter", 240)]
)
def test_divisions_begin_with_the_first_ayah_and_follow_each_other(name: str, length: int) -> None:
    starts = mushaf().starts[name]
    assert len(starts) == length
    assert starts[0] == 1
    assert all(one < other for one, other in pairwise((*starts, AYAHS + 1)))
    assert [mushaf().division(name, number) for number in (1, AYAHS)] == [1, length]
    assert set(mushaf().starts) == set(DIVISIONS)


def test_a_juz_is_eight_quarters_and_a_surah_begins_a_ruku() -> None:
    facts = mushaf()
    assert facts.starts["juz"] == facts.starts["hizb_quarter"][::8]
    assert set(facts.firsts) <= set(facts.starts["ruku"])
    assert set(facts.starts["manzil"]) <= set(facts.firsts)


BASMALAH = "بِسۡمِ ٱللَّهِ ٱلرَّحۡمَٰنِ ٱلرَّحِيمِ"


@pytest.mark.parametrize(
    ("text", "length"),
    [
        (f"{BASMALAH} الٓمٓ", len(BASMALAH) + 1),
        ("بِّسۡمِ ٱللَّهِ ٱلرَّحۡمَٰنِ ٱلرَّحِيمِ وَٱلتِّينِ", len(BASMALAH) + 2),
        ("بسم الله الرحمن الرحيم الم", 23),
        ("بِسْمِ اللَّهِ الرَّحْمَـٰنِ الرَّحِیمِ الم", 40),
        (BASMALAH, 0),
        (f"{BASMALAH} ", 0),
        (f"{BASMALAH}ا", 0),
        ("ٱلۡحَمۡدُ لِلَّهِ", 0),
        ("بِسۡمِ ٱللَّهِ", 0),
        (f"إِنَّهُۥ مِن سُلَيۡمَٰنَ وَإِنَّهُۥ {BASMALAH} أَلَّا", 0),
        ("In the name of God", 0),
        ("", 0),
    ],
)
def test_the_basmalah_is_recognised_however_it_is_written(text: str, length: int) -> None:
    assert basmalah_length(text) == length


def test_it_has_one_edition() -> None:
    source = PackagedSource()
    with pytest.raises(RejectedError, match=r"no edition 'en\.sahih'"):
        source.fetch("en.sahih")
    listed = source.listed().value
    assert listed is not None
    assert [(one.identifier, one.direction) for one in listed] == [(EDITION, "rtl")]


def test_what_is_known_is_not_returned_again() -> None:
    source = PackagedSource()
    assert source.fetch(EDITION, source.fetch(EDITION).body_hash).value is None
    assert source.listed(source.listed().body_hash).value is None


def test_threads_may_ask_at_once() -> None:
    found: list[object] = []
    threads = [
        threading.Thread(target=lambda: found.append(PackagedSource().fetch(EDITION).body_hash)) for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 4
    assert len(set(found)) == 1
