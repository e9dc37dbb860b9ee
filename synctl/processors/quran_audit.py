"""Everything stored of the Quran, verified again by the rules of a sync, and by its checksums."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from synctl.processors.quran_rows import checksum, stored
from synctl.processors.quran_rules import bismillah, broken, disagreements
from synctl.processors.quran_shape import ayahs
from synctl.resource import Finding
from synctl.sources.quran import Quran
from synctl.store.db import Transaction

_EDITIONS = (
    "SELECT edition FROM quran_edition UNION SELECT edition FROM quran_surah UNION SELECT edition FROM quran_ayah"
    " UNION SELECT key FROM stored_unit WHERE resource = 'quran' AND key <> :catalogue ORDER BY 1"
)


def audit(transaction: Transaction, catalogue: str, measure: Quran | None) -> Iterator[Finding]:
    """Yield what is wrong with each stored edition; `catalogue` is the key of the unit that stores their list.

    `measure`, where it is given, is what the stored edition of the same name must agree with to the letter.
    """
    for row in transaction.all(_EDITIONS, catalogue=catalogue):
        edition = row["edition"]
        quran = stored(transaction, edition)
        if quran is None:
            yield Finding("quran.edition", edition, "rows of it are stored, but not what it is")
            continue
        for fault in broken(edition, quran):
            yield Finding(fault.rule, f"{edition} {fault.place}".rstrip(), fault.message)
        yield from _checksums(transaction, edition)
        yield from _basmalahs(transaction, quran)
        if measure is not None and measure.edition.identifier == edition:
            for surah, ayah in disagreements(quran, measure):
                place = f"{edition} {surah.number}:{ayah.number_in_surah}"
                yield Finding("quran.agreement", place, "its letters are not those of the mushaf")


def _checksums(transaction: Transaction, edition: str) -> Iterator[Finding]:
    texts: dict[int, list[str]] = defaultdict(list)
    for row in transaction.stream(
        "SELECT surah, text FROM quran_ayah WHERE edition = :edition ORDER BY surah, ayah", edition=edition
    ):
        texts[row["surah"]].append(row["text"])
    noted = transaction.all(
        "SELECT surah, checksum FROM quran_surah WHERE edition = :edition ORDER BY surah", edition=edition
    )
    for row in noted:
        if checksum(texts[row["surah"]]) != row["checksum"]:
            yield Finding("quran.checksum", f"{edition} {row['surah']}", "the text is not what was stored")
    whole = transaction.one("SELECT checksum FROM quran_edition WHERE edition = :edition", edition=edition)
    if whole is None or checksum(text for surah in sorted(texts) for text in texts[surah]) != whole["checksum"]:
        yield Finding("quran.checksum", edition, "the text is not what was stored")


def _basmalahs(transaction: Transaction, quran: Quran) -> Iterator[Finding]:
    """See whether what is noted as the basmalah still is it."""
    edition = quran.edition.identifier
    expected = {
        (surah.number, ayah.number_in_surah): length
        for surah in quran.surahs
        for ayah in ayahs(surah)
        if (length := bismillah(quran, surah, ayah))
    }
    noted = {
        (row["surah"], row["ayah"]): row["bismillah"]
        for row in transaction.all(
            "SELECT surah, ayah, bismillah FROM quran_ayah WHERE edition = :edition AND bismillah > 0", edition=edition
        )
    }
    for surah, ayah in sorted(expected.items() ^ noted.items()):
        yield Finding(
            "quran.basmalah", f"{edition} {surah[0]}:{surah[1]}", f"its length is noted otherwise than {ayah}"
        )
