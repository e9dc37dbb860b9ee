"""The rules of hadith, each by what breaks it."""

from __future__ import annotations

from dataclasses import replace

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
