"""The form of an edition of the Quran: what a database can take, and how long what is written in it may be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec

from synctl.sources.mushaf import DIVISIONS, SAJDAS
from synctl.sources.quran import Ayah, Edition, Listed, Quran, Surah

LARGEST: Final = 2**15 - 1
"""Of a SMALLINT, which most columns are."""
LONGEST_TEXT: Final[Mapping[str, int]] = {
    "quran": 50_000, "transliteration": 50_000, "translation": 100_000, "tafsir": 1_000_000,
}  # fmt: skip
"""Characters of an ayah, by the type of its edition; of another type as many as in a tafsir. The longest ayah, 2:282,
has 1,213 in Uthmani script, 1,062 in Latin letters, 1,334 in English, and some 37,000 in the tafsir of al-Qurtubi."""
LONGEST_NAME: Final = 1_000
"""Characters. The longest name of an edition has 106."""
LONGEST_CODE: Final = 64
"""Characters of what is no name: identifier, language, format, type, direction. The longest has 27."""
_CODES: Final = frozenset({"identifier", "language", "format", "type", "direction"})


class Broken(msgspec.Struct, frozen=True):
    """A rule that does not hold. `place` is empty for all of an edition, else a surah, or an ayah as `2:255`."""

    rule: str
    message: str
    place: str = ""
    sample: object = None


def each(quran: Quran) -> Iterator[tuple[Surah, Ayah]]:
    """Yield every ayah with its surah."""
    for surah in quran.surahs:
        for ayah in ayahs(surah):
            yield surah, ayah


def ayahs(surah: Surah) -> list[Ayah]:
    """Return the ayahs of a surah; none where there is an excuse."""
    return [] if isinstance(surah.ayahs, str) else surah.ayahs


def misshapes(quran: Quran) -> Iterator[Broken]:
    """Yield what not every database can store."""
    if has_nul(quran.edition):
        yield Broken("quran.shape", "what it is has a NUL character", sample=quran.edition)
    for surah in quran.surahs:
        if has_nul(surah) or not 0 <= surah.number <= LARGEST:
            yield Broken("quran.shape", "a name with a NUL character, or a number too large", str(surah.number))
    for surah, ayah in each(quran):
        wrong = next(_misshapen(ayah), None)
        if wrong is not None:
            yield Broken("quran.shape", wrong, f"{surah.number}:{ayah.number_in_surah}", ayah)


def _misshapen(ayah: Ayah) -> Iterator[str]:
    if has_nul(ayah):
        yield "a text with a NUL character"
    for name in ("number", "number_in_surah", *DIVISIONS):
        if not 0 <= getattr(ayah, name) <= LARGEST:
            yield f"{name} is too large, or below 0"
    if not isinstance(ayah.sajda, bool) and ayah.sajda.id not in range(1, SAJDAS + 1):
        yield f"a sajda of another number than 1 to {SAJDAS}"


def has_nul(one: Edition | Surah | Ayah) -> bool:
    """Whether a text in it has a NUL character."""
    return any("\0" in value for name in one.__struct_fields__ if isinstance(value := getattr(one, name), str))


def lengths(quran: Quran) -> Iterator[Broken]:
    """Yield every text, name and code that is longer than any can be."""
    for name, characters, most in _too_long(quran.edition):
        yield Broken("quran.length", f"its {name} has {characters:,} characters, more than {most:,}")
    for surah in quran.surahs:
        for name, characters, most in _too_long(surah):
            message = f"its {name} has {characters:,} characters, more than {most:,}"
            yield Broken("quran.length", message, str(surah.number))
    most = LONGEST_TEXT.get(quran.edition.type, max(LONGEST_TEXT.values()))
    for surah, ayah in each(quran):
        if len(ayah.text or "") > most:
            message = f"has {len(ayah.text or ''):,} characters, more than {most:,}"
            yield Broken("quran.length", message, f"{surah.number}:{ayah.number_in_surah}")


def listed_lengths(listed: Listed) -> Iterator[Broken]:
    """Yield what is too long of an edition in a list."""
    for name, characters, most in _too_long(listed):
        yield Broken("quran.length", f"{name} of {characters:,} characters, more than {most:,}")


def _too_long(one: Edition | Surah) -> Iterator[tuple[str, int, int]]:
    """Yield name, length and bound of what is too long; the `ayahs` of a surah are looked at one by one."""
    for name in one.__struct_fields__:
        value, most = getattr(one, name), LONGEST_CODE if name in _CODES else LONGEST_NAME
        if name != "ayahs" and isinstance(value, str) and len(value) > most:
            yield name, len(value), most
