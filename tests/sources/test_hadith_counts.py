"""Editions as large and as odd as upstream's, with invented texts: nothing is refused, lost or doubled."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import pytest

from synctl.processors.hadith import HadithSession
from synctl.processors.hadith_rules import Counts
from synctl.resource import NOTHING_KNOWN
from synctl.sources.hadith_api import HadithApiSource
from tests.sources.conftest import OpenFetcher
from tests.upstream import hadith
from tests.upstream.hadith import Book


class Odd(NamedTuple):
    """What docs say of an edition: entries, of them without text, with a point in the number, in section 0."""

    entries: int
    empty: int
    fractional: int
    unplaced: int


EDITIONS = {
    "muslim": Odd(7563, 203, 0, 344),
    "nasai": Odd(5765, 86, 7, 82),
    "abudawud": Odd(5274, 2, 0, 0),
    "ibnmajah": Odd(4343, 3, 2, 266),
    "tirmidhi": Odd(3998, 72, 42, 0),
    "malik": Odd(1858, 40, 0, 18),
    "nawawi": Odd(42, 0, 0, 0),
    "qudsi": Odd(40, 0, 0, 0),
    "dehlawi": Odd(40, 0, 0, 0),
}


def book(title: str, odd: Odd, *, own_arabic: bool) -> Book:
    """A collection in sections of 97, with what is odd spread over it."""
    whole = odd.entries - odd.fractional
    unplaced = tuple(range(50, 50 + 3 * odd.unplaced, 3))
    return Book(
        title,
        tuple((first, min(first + 96, whole)) for first in range(1, whole + 1, 97)),
        unplaced=unplaced,
        extra=tuple(f"{whole // 2}.{part}" for part in range(1, odd.fractional + 1)),
        empty=tuple(str(number) for number in range(7, 7 + 5 * odd.empty, 5)),
        own_arabic=own_arabic,
        languages=("eng",),
    )


@pytest.fixture
def session(monkeypatch: pytest.MonkeyPatch, open_fetcher: OpenFetcher) -> Iterator[HadithSession]:
    titles = {name: one.title for name, one in hadith.BOOKS.items()}
    shaped = {name: book(titles[name], odd, own_arabic=name == "muslim") for name, odd in EDITIONS.items()}
    monkeypatch.setattr(hadith, "BOOKS", shaped)
    hadith.contents.cache_clear()
    with hadith.serve() as cdn:
        yield HadithSession(HadithApiSource(open_fetcher(cdn.url)), lambda _edition: Counts())
    hadith.contents.cache_clear()


@pytest.mark.parametrize("name", EDITIONS)
def test_an_edition_of_upstreams_size_and_oddities_is_stored_to_the_last_hadith(
    session: HadithSession, name: str
) -> None:
    batch = session.process([f"eng-{name}", hadith.BOOKS[name].title, "ltr", False, "English"], NOTHING_KNOWN)
    rows: list[dict[str, Any]] = [
        dict(zip((*part.table.key, *part.table.values), row, strict=True))
        for part in batch.parts
        if part.table.name == "hadith"
        for row in part.rows
    ]
    assert len({row["number"] for row in rows}) == len(rows)
    assert EDITIONS[name] == Odd(
        len(rows),
        sum(row["text"] == "" for row in rows),
        sum("." in row["number"] for row in rows),
        sum(row["section"] == 0 for row in rows),
    )
    without_arabic = EDITIONS[name].unplaced if name == "muslim" else 0
    assert sum(row["arabic_number"] is None for row in rows) == without_arabic
