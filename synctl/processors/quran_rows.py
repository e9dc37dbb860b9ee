"""How an edition of the Quran is stored: its rows, its checksums, and the way back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from hashlib import sha256
from typing import Final

from synctl.processors.quran_rules import bismillah
from synctl.processors.quran_shape import ayahs
from synctl.resource import Rows, Table
from synctl.sources.mushaf import DIVISIONS
from synctl.sources.quran import Ayah, Edition, Listed, Quran, Sajda, Surah
from synctl.store.db import Row, Transaction

BOM: Final = "\ufeff"
_EDITION: Final = Table(
    "quran_edition", ("edition",), ("language", "name", "english_name", "format", "type", "checksum")
)
_SURAH: Final = Table(
    "quran_surah",
    ("edition", "surah"),
    ("name", "english_name", "english_name_translation", "revelation_type", "ayahs", "checksum"),
)
_AYAH: Final = Table(
    "quran_ayah",
    ("edition", "surah", "ayah"),
    ("number", "text", "bom", "bismillah", *DIVISIONS, "sajda", "sajda_id"),
)
_CATALOGUE: Final = Table(
    "quran_catalogue",
    ("edition",),
    ("position", "language", "name", "english_name", "format", "type", "direction"),
)


def rows(quran: Quran) -> list[Rows]:
    """Return the rows of an edition. They take the place of all that is stored of it."""
    edition = quran.edition
    scope = {"edition": edition.identifier}
    texts = {surah.number: [_text(ayah) for ayah in ayahs(surah)] for surah in quran.surahs}
    whole = checksum([text for surah in quran.surahs for text in texts[surah.number]])
    return [
        Rows(
            _EDITION,
            [
                (
                    edition.identifier,
                    edition.language,
                    edition.name,
                    edition.english_name,
                    edition.format,
                    edition.type,
                    whole,
                )
            ],
            scope,
        ),
        Rows(_SURAH, [_surah(edition.identifier, surah, texts[surah.number]) for surah in quran.surahs], scope),
        Rows(_AYAH, [_ayah(quran, surah, ayah) for surah in quran.surahs for ayah in ayahs(surah)], scope),
    ]


def catalogue(listed: Sequence[Listed]) -> list[Rows]:
    """Return the rows of the list of editions. They take the place of all that is listed."""
    found: list[tuple[object, ...]] = [
        (one.identifier, place, one.language, one.name, one.english_name, one.format, one.type, one.direction)
        for place, one in enumerate(listed, start=1)
    ]
    return [Rows(_CATALOGUE, found, {"position": (0, 2**31 - 1)})]


def checksum(texts: Iterable[str]) -> str:
    """Return the SHA-256 of texts, joined by line feeds."""
    return sha256("\n".join(texts).encode()).hexdigest()


def stored(transaction: Transaction, edition: str) -> Quran | None:
    """Read an edition back as it was answered, U+FEFF included; None where it has no row of its own."""
    own = transaction.one("SELECT * FROM quran_edition WHERE edition = :edition", edition=edition)
    if own is None:
        return None
    within: dict[int, list[Ayah]] = defaultdict(list)
    for row in transaction.stream(
        "SELECT * FROM quran_ayah WHERE edition = :edition ORDER BY surah, ayah", edition=edition
    ):
        within[row["surah"]].append(_read_ayah(row))
    surahs = transaction.all("SELECT * FROM quran_surah WHERE edition = :edition ORDER BY surah", edition=edition)
    return Quran(
        [
            Surah(
                row["surah"], row["name"], row["english_name"], row["english_name_translation"],
                row["revelation_type"], within[row["surah"]],
            )
            for row in surahs
        ],
        Edition(edition, own["language"], own["name"], own["english_name"], own["format"], own["type"]),
    )  # fmt: skip


def _text(ayah: Ayah) -> str:
    return (ayah.text or "").lstrip(BOM)


def _surah(edition: str, surah: Surah, texts: Sequence[str]) -> tuple[object, ...]:
    return (
        edition, surah.number, surah.name, surah.english_name, surah.english_name_translation, surah.revelation_type,
        len(texts), checksum(texts),
    )  # fmt: skip


def _ayah(quran: Quran, surah: Surah, ayah: Ayah) -> tuple[object, ...]:
    text = _text(ayah)
    sajda = None if isinstance(ayah.sajda, bool) else ayah.sajda
    return (
        quran.edition.identifier, surah.number, ayah.number_in_surah, ayah.number, text,
        len(ayah.text or "") - len(text), bismillah(quran, surah, ayah),
        *(getattr(ayah, name) for name in DIVISIONS),
        0 if sajda is None else 1 + sajda.obligatory, None if sajda is None else sajda.id,
    )  # fmt: skip


def _read_ayah(row: Row) -> Ayah:
    sajda = row["sajda"] and Sajda(row["sajda_id"], recommended=row["sajda"] == 1, obligatory=row["sajda"] == 2)
    return Ayah(
        number=row["number"],
        text=BOM * row["bom"] + row["text"],
        number_in_surah=row["ayah"],
        **{name: row[name] for name in DIVISIONS},
        sajda=sajda or False,
    )
