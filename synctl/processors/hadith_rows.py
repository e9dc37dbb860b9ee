"""What is made of a hadith edition as it is read: its rows, and what the rules look at."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from synctl.processors.hadith_rules import SAMPLE_TEXTS, Counts, Longest, Outline, Part
from synctl.resource import Rows
from synctl.sources.hadith_api import Edition
from synctl.store import hadith as store
from synctl.store.packed import PackedRows


def rows(name: str, edition: Edition) -> list[Rows]:
    """Return the rows of an edition. They take the place of all that is stored of it."""
    hadiths = edition.hadiths
    empty = sum(not one.text for one in hadiths)
    of_edition = {"edition": name}
    return [
        Rows(store.EDITION, [(name, edition.title, len(hadiths), empty)], {"name": name}),
        Rows(
            store.SECTION,
            [
                (name, one.number, one.name or "", *(one.hadiths or (None, None)), *(one.arabic or (None, None)))
                for one in edition.sections
            ],
            of_edition,
        ),
        Rows(
            store.HADITH,
            PackedRows([
                (
                    name, one.number, position, one.arabic_number, int(one.arabic_quoted), one.text,
                    one.section, one.section_hadith,
                )
                for position, one in enumerate(hadiths, start=1)
            ]),
            of_edition,
        ),
        Rows(
            store.GRADE,
            PackedRows([
                (name, one.number, position, scholar, grade)
                for one in hadiths
                for position, (scholar, grade) in enumerate(one.grades, start=1)
            ]),
            of_edition,
        ),
    ]  # fmt: skip


def counts(parts: Sequence[Rows]) -> Counts:
    """Count in the rows of an edition what the next answer is compared with."""
    edition, _, hadiths, grades = parts
    ((_, _, _, empty_texts),) = edition.rows
    graded = {number for _, number, *_ in grades.rows}
    return Counts(len(hadiths.rows), len(grades.rows), msgspec.convert(empty_texts, int), len(graded))


def outline(edition: Edition) -> Outline:
    """Return what the rules look at."""
    texts = [one.text for one in edition.hadiths if one.text]
    return Outline(
        title=edition.title,
        sections={one.number: Part(one.name, one.hadiths) for one in edition.sections},
        hadiths=[(one.number, one.section) for one in edition.hadiths],
        texts=texts[:SAMPLE_TEXTS],
        longest=_longest(edition),
    )


def _longest(edition: Edition) -> Longest:
    found: dict[str, tuple[int, str]] = {"title": (len(edition.title), "")}
    for section in edition.sections:
        _keep(found, "section", section.name, f"section {section.number}")
    for hadith in edition.hadiths:
        place = f"hadith {hadith.number}"
        _keep(found, "text", hadith.text, place)
        _keep(found, "arabic number", hadith.arabic_number, place)
        for grade in hadith.grades:
            _keep(found, "grade", max(grade, key=len), place)
    return found


def _keep(found: dict[str, tuple[int, str]], what: str, text: str | None, place: str) -> None:
    if text and len(text) > found.get(what, (0, ""))[0]:
        found[what] = (len(text), place)
