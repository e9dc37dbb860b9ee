"""The rules of hadith, each by what breaks it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from functools import cache
from typing import Any

import pytest
from msgspec.structs import replace

from synctl.processors.hadith_language import TONGUES, strangeness
from synctl.processors.hadith_rows import outline
from synctl.processors.hadith_rules import (
    LONGEST,
    Breach,
    Counts,
    Outline,
    Part,
    breaches,
    emptied,
    list_breaches,
    repeats,
    shrinks,
)
from synctl.sources.hadith_api import read
from synctl.store.hadith import Listed
from tests.store.conftest import database as database  # noqa: PLC0414 - a fixture
from tests.upstream import hadith
from tests.upstream.replay_hadith import ABSENT, recorded

OUTLINE = Outline(
    title="A Book",
    sections={0: Part("", ("0", "0")), 1: Part("One", ("1", "3")), 2: Part("Two", ("4", "6.2"))},
    hadiths=[("1", 1), ("2", 1), ("2.10", 1), ("3", 1), ("4", 2), ("5", 0), ("6", 2), ("6.2", 2)],
    texts=["some text in Latin letters"],
)


def broken(outline: Outline, direction: str = "ltr") -> list[str]:
    return [breach.rule for breach in breaches(outline, "A Book", direction)]


def test_a_whole_edition_breaks_nothing() -> None:
    assert broken(OUTLINE) == []


def test_parts_of_a_hadith_are_counted_with_it() -> None:
    assert broken(replace(OUTLINE, hadiths=[pair for pair in OUTLINE.hadiths if "." not in pair[0]])) == []


def test_a_number_is_unique_as_it_is_written() -> None:
    assert broken(replace(OUTLINE, hadiths=[*OUTLINE.hadiths, ("2.1", 1)])) == []
    assert broken(replace(OUTLINE, hadiths=[*OUTLINE.hadiths, ("2.10", 1)])) == ["hadith.unique"]


def test_what_an_endless_section_lacks_is_not_counted_one_by_one() -> None:
    sections = {**OUTLINE.sections, 2: Part("Two", ("4", "999999999"))}
    (breach,) = breaches(replace(OUTLINE, sections=sections), "A Book", "ltr")
    assert breach == Breach(
        "hadith.counts",
        "999,999,993 of 999,999,999 numbers are missing: 7, 8, 9, 10, 11 and 999,999,988 more",
        [7, 8, 9, 10, 11],
    )


def test_a_few_letters_tell_nothing_of_a_script() -> None:
    assert broken(replace(OUTLINE, texts=["few letters"]), direction="rtl") == []
    assert broken(OUTLINE, direction="rtl") == ["hadith.edition"]


@pytest.mark.parametrize(
    ("now", "before", "shrunk"),
    [
        (Counts(99), Counts(100), False),
        (Counts(98), Counts(100), True),
        (Counts(5, 5), Counts(), False),
        (Counts(), Counts(1), True),
        (Counts(98, 1000), Counts(100, 500), True),
    ],
)
def test_a_hundredth_of_the_hadiths_may_go(now: Counts, before: Counts, shrunk: bool) -> None:
    assert [breach.rule for breach in shrinks(now, before)] == ["hadith.shrink"] * shrunk


@pytest.mark.parametrize(
    ("now", "before", "says"),
    [
        (Counts(42, graded=0), Counts(42, 1, graded=1), ""),  # the only grade there was
        (Counts(42, 1), Counts(42, 6), ""),
        (Counts(42, 0), Counts(42, 6), "0 grades, 6 are stored"),
        (Counts(7000, 6930), Counts(7000, 7000), ""),
        (Counts(7000, 6929), Counts(7000, 7000), "6,929 grades, 7,000 are stored"),
        (Counts(2000, 9000, graded=1000), Counts(2000, 4000, graded=1010), ""),
        (Counts(2000, 9000, graded=999), Counts(2000, 4000, graded=1010), "999 hadiths with a grade, 1,010 are stored"),
        (Counts(2000, 0, graded=0), Counts(2000, 4000, graded=1010), "0 hadiths with a grade, 1,010 are stored"),
    ],
)
def test_grades_may_be_corrected_but_not_vanish(now: Counts, before: Counts, says: str) -> None:
    found = [(breach.rule, breach.message) for breach in shrinks(now, before)]
    assert found == ([("hadith.grades", says)] if says else [])


@pytest.mark.parametrize(
    ("now", "before", "refused"),
    [
        (Counts(100, empty_texts=3), Counts(100, empty_texts=2), False),
        (Counts(100, empty_texts=4), Counts(100, empty_texts=2), True),
        (Counts(200, empty_texts=4), Counts(100, empty_texts=2), False),
        (Counts(100, empty_texts=100), Counts(), False),
        (Counts(), Counts(100, empty_texts=2), False),
    ],
)
def test_a_hundredth_more_may_be_without_a_text(now: Counts, before: Counts, refused: bool) -> None:
    assert [breach.rule for breach in emptied(now, before)] == ["hadith.texts"] * refused


@pytest.mark.parametrize(
    ("times", "hadiths", "refused"), [(19, 40, False), (20, 40, True), (20, 400, False), (21, 400, True)]
)
def test_one_text_may_be_that_of_a_twentieth(times: int, hadiths: int, refused: bool) -> None:
    assert [breach.rule for breach in repeats("<html>", times, hadiths)] == ["hadith.texts"] * refused


LISTS: list[tuple[list[str], list[str], str]] = [
    (["a", "b"], [], ""),
    (["b", "c"], ["a", "b"], ""),
    ([], [], "0 editions; of 0 that are stored 0 are left"),
    (["c", "d", "e"], ["a", "b", "c"], "3 editions; of 3 that are stored 1 are left"),
    (["a", "b", "a"], [], "listed more than once: a"),
    (["a", ""], [], "an edition has no name"),
    (["a", "b" * 65], [], "name of 65 characters, more than 64"),
]


@pytest.mark.parametrize(("names", "stored", "says"), LISTS, ids=str)
def test_a_list_names_editions_once_and_half_of_those_it_named(names: list[str], stored: list[str], says: str) -> None:
    assert [breach.message for breach in list_breaches(listed(names), stored)] == [says] * bool(says)


def listed(names: Sequence[str], comments: str = "") -> list[Listed]:
    return [Listed(name, "book", "A Book", "Arabic", "rtl", "Unknown", "", comments) for name in names]


def test_what_a_list_says_is_as_long_as_a_title_at_most() -> None:
    assert list(list_breaches(listed(["a"], comments="c" * 1000), [])) == []
    (breach,) = list_breaches(listed(["a"], comments="c" * 1001), [])
    assert breach == Breach("hadith.list", "comments of 1,001 characters, more than 1,000")


@pytest.mark.parametrize("what", LONGEST)
def test_nothing_is_longer_than_its_bound(what: str) -> None:
    assert broken(replace(OUTLINE, longest={what: (LONGEST[what], "hadith 1")})) == []
    (breach,) = breaches(replace(OUTLINE, longest={what: (LONGEST[what] + 1, "hadith 1")}), "A Book", "ltr")
    says = f"the {what} of hadith 1 has {LONGEST[what] + 1:,} characters, more than {LONGEST[what]:,}"
    assert (breach.rule, breach.message) == ("hadith.length", says)


SAMPLES = {language: words * 60 for language, words in (
    ("Arabic", "كلمة أخرى مخترعة للتجربة "),
    ("Bengali", "পরীক্ষার জন্য একটি বাক্য "),
    ("English", "the word of a test and the next "),
    ("French", "la phrase de ce test et la suite "),
    ("Indonesian", "kalimat yang dibuat dan kata dari "),
    ("Russian", "слово для проверки и другое "),
    ("Tamil", "சோதனைக்கான ஒரு வாக்கியம் "),
    ("Turkish", "bir cümle ve bu deneme için söz "),
    ("Urdu", "آزمائش کے لیے بنایا ہوا ایک جملہ نہیں ہے "),
)}  # fmt: skip


@pytest.mark.parametrize("language", TONGUES)
def test_a_language_is_taken_for_itself_alone(language: str) -> None:
    found = {other: strangeness([text], language, "") for other, text in SAMPLES.items()}
    assert [other for other, wrong in found.items() if wrong is None] == [language]


def test_it_is_said_why_a_text_is_not_in_its_language() -> None:
    said = [
        strangeness([SAMPLES[text]], language, direction)
        for text, language, direction in (
            ("Bengali", "Tamil", "ltr"),
            ("Arabic", "Urdu", "rtl"),
            ("Urdu", "Arabic", "rtl"),
            ("French", "English", "ltr"),
            ("Arabic", "Latin", "ltr"),
            ("Bengali", "Bengali", "rtl"),  # as upstream lists one of its editions
        )
    ]
    assert said == [
        "listed as Tamil, written in Bengali letters",
        "listed as Urdu, written without the letters that Urdu has",
        "listed as Arabic, written with the letters that Urdu has",
        "listed as English, written in words of French",
        "listed as ltr, written rtl",
        None,
    ]


RECORDED = [
    f"{code}-{name}"
    for name in hadith.BOOKS
    for code in hadith.LANGUAGES
    if recorded(f"/editions/{code}-{name}.min.json")
]


@pytest.mark.skipif(not RECORDED, reason=ABSENT)
@pytest.mark.parametrize("edition", RECORDED)
def test_a_recorded_edition_is_taken_for_what_it_is_and_nothing_else(edition: str) -> None:
    language, direction = hadith.LANGUAGES[edition[:3]]
    found = outline(read(recorded(f"/editions/{edition}.min.json") or b""))
    assert list(breaches(found, found.title, direction, language)) == []
    assert [other for other in TONGUES if strangeness(found.texts, other, direction) is None] == [language]
    assert all(
        characters * 8 < LONGEST[what] for what, (characters, _) in found.longest.items() if what != "arabic number"
    )


@cache
def collections() -> dict[str, Any]:
    """What upstream's `info.json` has of nine collections: all but the texts. Numbers as they are written."""
    body = recorded("/info.min.json")
    whole: dict[str, Any] = json.loads(body, parse_int=str, parse_float=str) if body else {}
    return whole


REAL = {
    "muslim": (7563, 0, 344, 344),
    "nasai": (5765, 7, 82, 0),
    "abudawud": (5274, 0, 0, 0),
    "ibnmajah": (4343, 2, 266, 0),
    "tirmidhi": (3998, 42, 0, 0),
    "malik": (1858, 0, 18, 0),
    "nawawi": (42, 0, 0, 0),
    "qudsi": (40, 0, 0, 0),
    "dehlawi": (40, 0, 0, 0),
}
"""Entries, fractional numbers, section 0, without an arabic number."""


@pytest.mark.skipif(not collections(), reason=ABSENT)
@pytest.mark.parametrize("name", REAL)
def test_no_collection_of_upstream_breaks_a_rule_of_numbers_and_sections(name: str) -> None:
    metadata, hadiths = collections()[name]["metadata"], collections()[name]["hadiths"]
    details = metadata["section_details"]
    parts = {
        int(number): Part(title, (details[number]["hadithnumber_first"], details[number]["hadithnumber_last"]))
        for number, title in metadata["sections"].items()
    }
    pairs = [(one["hadithnumber"], int(one["reference"]["book"])) for one in hadiths]
    assert REAL[name] == (
        len(pairs),
        sum("." in number for number, _ in pairs),
        sum(section == 0 for _, section in pairs),
        sum("arabicnumber" not in one for one in hadiths),
    )
    assert list(breaches(Outline(metadata["name"], parts, pairs, []), metadata["name"], "ltr")) == []
