"""Hadith collections in the database: which editions upstream lists, and what is stored of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from operator import itemgetter
from typing import Final

import msgspec

from synctl.clock import iso
from synctl.store.db import Row, Transaction
from synctl.store.upsert import Table, upsert_rows

EDITION: Final = Table("hadith_edition", key=("name",), values=("title", "hadiths", "empty_texts"))
"""What a sync stores of an edition. The list of editions fills the other columns."""
SECTION: Final = Table(
    "hadith_section",
    key=("edition", "number"),
    values=("name", "hadith_first", "hadith_last", "arabic_first", "arabic_last"),
)
HADITH: Final = Table(
    "hadith",
    key=("edition", "number"),
    values=("position", "arabic_number", "arabic_quoted", "text", "section", "section_hadith"),
)
GRADE: Final = Table("hadith_grade", key=("edition", "number", "position"), values=("name", "grade"))

_COLLECTION: Final = Table("hadith_collection", key=("name",), values=("title",))
_LISTED: Final = Table(
    "hadith_edition",
    key=("name",),
    values=("collection", "language", "direction", "author", "origin", "comments", "listed"),
)
_TEXTS: Final = (
    ("text", "hadith", "hadith", "text"),
    ("arabic number", "hadith", "hadith", "arabic_number"),
    ("section", "hadith_section", "section", "name"),
    ("grade", "hadith_grade", "hadith", "name"),
    ("grade", "hadith_grade", "hadith", "grade"),
)
"""What is written there, as rules call it; its table, what a row of it is called, and its column."""


class Listed(msgspec.Struct, frozen=True):
    """An edition as upstream lists it. `title` is that of its collection."""

    name: str
    collection: str
    title: str
    language: str
    direction: str
    author: str
    origin: str
    comments: str


class StoredEdition(msgspec.Struct, frozen=True):
    """An edition of which something is stored, and where it comes from."""

    name: str
    collection: str
    language: str
    direction: str
    author: str
    comments: str
    title: str
    hadiths: int
    empty_texts: int
    source: str
    run: str
    synced_at: int


class StoredHadith(msgspec.Struct, frozen=True):
    """A hadith with the name of its section and its grades, pairs of name and grade."""

    row: Row
    grades: tuple[tuple[str, str], ...]

    def as_json(self, edition: StoredEdition) -> dict[str, object]:
        """Return the stable fields of `show hadith --json`."""
        row = self.row
        return {
            "edition": edition.name,
            "collection": edition.collection,
            "language": edition.language,
            "number": row["number"],
            "arabic_number": row["arabic_number"],
            "position": row["position"],
            "section": row["section"],
            "section_name": row["section_name"],
            "section_hadith": row["section_hadith"],
            "text": row["text"],
            "grades": [{"name": name, "grade": grade} for name, grade in self.grades],
            "source": edition.source,
            "run": edition.run,
            "synced_at": iso(edition.synced_at),
        }


def catalogue(transaction: Transaction) -> dict[str, Listed]:
    """Return the editions that upstream lists, by name; none before they were asked for."""
    rows = transaction.all(
        "SELECT e.name, e.collection, c.title, e.language, e.direction, e.author, e.origin, e.comments"
        " FROM hadith_edition e JOIN hadith_collection c ON c.name = e.collection WHERE e.listed = 1 ORDER BY e.name"
    )
    return {row["name"]: Listed(**dict(row)) for row in rows}


def store_catalogue(transaction: Transaction, editions: Sequence[Listed]) -> None:
    """Keep the list as it is now. An edition that is stored stays, marked as no longer listed."""
    transaction.serialise("hadith_catalogue")
    gone = set(catalogue(transaction)) - {one.name for one in editions}
    upsert_rows(transaction, _COLLECTION, sorted({(one.collection, one.title) for one in editions}))
    upsert_rows(
        transaction,
        _LISTED,
        [
            (one.name, one.collection, one.language, one.direction, one.author, one.origin, one.comments, 1)
            for one in editions
        ],
    )
    for name in gone:
        transaction.execute("UPDATE hadith_edition SET listed = 0 WHERE name = :name", name=name)


def editions(transaction: Transaction) -> list[StoredEdition]:
    """Return every edition that is stored, by name."""
    rows = transaction.all(
        "SELECT e.name, e.collection, e.language, e.direction, e.author, e.comments, e.title, e.hadiths,"
        " e.empty_texts, u.source, u.run_id AS run, u.synced_at FROM hadith_edition e"
        " JOIN stored_unit u ON u.id = e.unit_id ORDER BY e.name"
    )
    return [StoredEdition(**dict(row)) for row in rows]


def stored(transaction: Transaction) -> dict[str, int]:
    """Return how many hadiths are stored of each edition."""
    rows = transaction.all("SELECT edition, COUNT(*) AS hadiths FROM hadith GROUP BY edition")
    return {row["edition"]: row["hadiths"] for row in rows}


def sections(transaction: Transaction, edition: str) -> list[Row]:
    """Return the sections of an edition in order, each with how many hadiths it has."""
    return transaction.all(
        "SELECT s.*, (SELECT COUNT(*) FROM hadith h WHERE h.edition = s.edition AND h.section = s.number) AS hadiths"
        " FROM hadith_section s WHERE s.edition = :edition ORDER BY s.number",
        edition=edition,
    )


def hadiths(
    transaction: Transaction, edition: str, *, number: str | None = None, section: int | None = None
) -> Iterator[StoredHadith]:
    """Yield hadiths in the order of the edition: one by its number, those of a section, or all."""
    rows = transaction.stream(
        "SELECT h.*, s.name AS section_name, g.name AS graded_by, g.grade FROM hadith h LEFT JOIN hadith_section s"
        " ON s.edition = h.edition AND s.number = h.section"
        " LEFT JOIN hadith_grade g ON g.edition = h.edition AND g.number = h.number WHERE h.edition = :edition"
        f"{'' if number is None else ' AND h.number = :number'}"
        f"{'' if section is None else ' AND h.section = :section'} ORDER BY h.position, h.number, g.position",
        edition=edition,
        **({} if number is None else {"number": number}),
        **({} if section is None else {"section": section}),
    )
    for _, group in groupby(rows, key=itemgetter("number")):
        same = list(group)
        grades = tuple((row["graded_by"], row["grade"]) for row in same if row["graded_by"] is not None)
        yield StoredHadith(same[0], grades)


def outline(transaction: Transaction, edition: str) -> list[tuple[str, int]]:
    """Return number and section of every hadith of an edition, in order."""
    rows = transaction.stream(
        "SELECT number, section FROM hadith WHERE edition = :edition ORDER BY position", edition=edition
    )
    return [(row["number"], row["section"]) for row in rows]


def counts(transaction: Transaction, edition: str) -> tuple[int, int, int, int]:
    """Return how many hadiths, grades, hadiths without a text and hadiths with a grade are stored of an edition."""
    row = transaction.one(
        "SELECT (SELECT COUNT(*) FROM hadith WHERE edition = :edition) AS hadiths,"
        " (SELECT COUNT(*) FROM hadith WHERE edition = :edition AND text = '') AS empty_texts,"
        " COUNT(*) AS grades, COUNT(DISTINCT number) AS graded FROM hadith_grade WHERE edition = :edition",
        edition=edition,
    )
    return (0, 0, 0, 0) if row is None else (row["hadiths"], row["grades"], row["empty_texts"], row["graded"])


def longest(transaction: Transaction, edition: str) -> dict[str, tuple[int, str]]:
    """Return the most characters that a text, an arabic number, a section's name and a grade have, and where."""
    found: dict[str, tuple[int, str]] = {}
    for what, table, place, column in _TEXTS:
        row = transaction.one(
            f"SELECT number, length({column}) AS characters FROM {table} WHERE edition = :edition"
            f" AND {column} IS NOT NULL ORDER BY length({column}) DESC LIMIT 1",
            edition=edition,
        )
        if row is not None and row["characters"] > found.get(what, (0, ""))[0]:
            found[what] = (row["characters"], f"{place} {row['number']}")
    return found


def validators(transaction: Transaction, edition: str) -> dict[str, str]:
    """Return what was kept of the answer that is stored."""
    row = transaction.one(
        "SELECT u.validators FROM hadith_edition e JOIN stored_unit u ON u.id = e.unit_id WHERE e.name = :edition",
        edition=edition,
    )
    found = None if row is None else row["validators"]
    return msgspec.json.decode(found, type=dict[str, str]) if found else {}


def repeated(transaction: Transaction, edition: str) -> tuple[str, int]:
    """Return the text that most hadiths of an edition have, but the empty one, and how many have it."""
    row = transaction.one(
        "SELECT text, COUNT(*) AS times FROM hadith WHERE edition = :edition AND text <> ''"
        " GROUP BY text ORDER BY times DESC LIMIT 1",
        edition=edition,
    )
    return ("", 0) if row is None else (row["text"], row["times"])


def texts(transaction: Transaction, edition: str, limit: int) -> list[str]:
    """Return some texts of an edition that are not empty."""
    rows = transaction.all(
        "SELECT text FROM hadith WHERE edition = :edition AND text <> '' ORDER BY position LIMIT :limit",
        edition=edition,
        limit=limit,
    )
    return [row["text"] for row in rows]
