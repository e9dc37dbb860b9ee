"""Reads the stored Quran: ayahs of any editions, in the order of the text."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

from synctl.clock import iso
from synctl.store.db import Row, Transaction

SAJDAS: Final = (None, "recommended", "obligatory")
"""What the column `sajda` means."""
_AYAHS: Final = (
    "SELECT edition, surah, ayah, number, text, bismillah, juz, manzil, page, ruku, hizb_quarter, sajda FROM quran_ayah"
)


class Edition(msgspec.Struct, frozen=True):
    """A stored edition, and the sync that verified it last. `direction` is None where no list says it."""

    edition: str
    language: str
    name: str
    english_name: str
    type: str
    direction: str | None
    source: str
    run_id: str
    synced_at: int


class Verse(msgspec.Struct, frozen=True):
    """A stored ayah. The first `bismillah` characters of `text` are the basmalah in front of its surah."""

    edition: Edition
    surah: int
    ayah: int
    number: int
    text: str
    bismillah: int
    juz: int
    manzil: int
    page: int
    ruku: int
    hizb_quarter: int
    sajda: str | None

    def as_json(self) -> dict[str, object]:
        """Return the stable fields of `show quran --json`."""
        return {
            "edition": self.edition.edition,
            "language": self.edition.language,
            "type": self.edition.type,
            "direction": self.edition.direction,
            "surah": self.surah,
            "ayah": self.ayah,
            "number": self.number,
            "text": self.text,
            "bismillah": self.bismillah,
            "juz": self.juz,
            "manzil": self.manzil,
            "page": self.page,
            "ruku": self.ruku,
            "hizb_quarter": self.hizb_quarter,
            "sajda": self.sajda,
            "source": self.edition.source,
            "run": self.edition.run_id,
            "synced_at": iso(self.edition.synced_at),
        }


def editions(transaction: Transaction) -> list[Edition]:
    """Return the stored editions: the Arabic text first, then by name."""
    rows = transaction.all(
        "SELECT e.edition, e.language, e.name, e.english_name, e.type, u.source, u.run_id, u.synced_at,"
        " COALESCE(c.direction, CASE e.language WHEN 'ar' THEN 'rtl' END) AS direction"
        " FROM quran_edition e JOIN stored_unit u ON u.id = e.unit_id"
        " LEFT JOIN quran_catalogue c ON c.edition = e.edition"
        " ORDER BY CASE e.type WHEN 'quran' THEN 0 ELSE 1 END, e.edition"
    )
    return [Edition(**dict(row)) for row in rows]


def listed(transaction: Transaction) -> dict[str, str]:
    """Return the language of each edition with a text that alquran.cloud lists; none before its list was synced."""
    rows = transaction.all("SELECT edition, language FROM quran_catalogue WHERE format = 'text' ORDER BY edition")
    return {row["edition"]: row["language"] for row in rows}


def counts(transaction: Transaction) -> dict[str, tuple[int, int]]:
    """Return how many ayahs each edition has, and how many of them without a text."""
    rows = transaction.all(
        "SELECT edition, COUNT(*) AS ayahs, SUM(CASE text WHEN '' THEN 1 ELSE 0 END) AS empty"
        " FROM quran_ayah GROUP BY edition"
    )
    return {row["edition"]: (row["ayahs"], int(row["empty"])) for row in rows}


def surah_names(transaction: Transaction, edition: str) -> dict[int, Row]:
    """Return how an edition names the surahs, by number."""
    rows = transaction.all("SELECT * FROM quran_surah WHERE edition = :edition ORDER BY surah", edition=edition)
    return {row["surah"]: row for row in rows}


def verses(transaction: Transaction, chosen: Sequence[Edition], surah: int, first: int, last: int) -> Iterator[Verse]:
    """Yield the ayahs `first` to `last` of a surah, each in all chosen editions before the next."""
    by_name = {one.edition: (place, one) for place, one in enumerate(chosen)}
    marks = ", ".join(f":edition{place}" for place, _ in by_name.values())
    rows = transaction.all(
        f"{_AYAHS} WHERE edition IN ({marks}) AND surah = :surah AND ayah BETWEEN :first AND :last",
        surah=surah,
        first=first,
        last=last,
        **{f"edition{place}": one.edition for place, one in by_name.values()},
    )
    for row in sorted(rows, key=lambda row: (row["ayah"], by_name[row["edition"]][0])):
        yield _verse(by_name[row["edition"]][1], row)


def whole(transaction: Transaction, edition: Edition) -> Iterator[Verse]:
    """Yield all ayahs of an edition in the order of the text."""
    rows = transaction.stream(f"{_AYAHS} WHERE edition = :edition ORDER BY surah, ayah", edition=edition.edition)
    return (_verse(edition, row) for row in rows)


def _verse(edition: Edition, row: Row) -> Verse:
    return Verse(**{**dict(row), "edition": edition, "sajda": SAJDAS[row["sajda"]]})
