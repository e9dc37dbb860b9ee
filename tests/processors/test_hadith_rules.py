"""The rules of hadith, each by what breaks it."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import cache
from typing import Any

import pytest

from synctl.processors.hadith_rules import (
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
from tests.store.conftest import database as database  # noqa: PLC0414 - a fixture
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
        (Counts(1000, 98), Counts(500, 100), True),
        (Counts(98, 1000), Counts(100, 500), True),
    ],
)
def test_a_hundredth_may_go_of_hadiths_and_of_grades(now: Counts, before: Counts, shrunk: bool) -> None:
    assert bool(list(shrinks(now, before))) is shrunk


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
]


@pytest.mark.parametrize(("names", "stored", "says"), LISTS, ids=str)
def test_a_list_names_editions_once_and_half_of_those_it_named(names: list[str], stored: list[str], says: str) -> None:
    assert [breach.message for breach in list_breaches(names, stored)] == [says] * bool(says)


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
