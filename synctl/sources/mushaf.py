"""What a whole Quran has, whoever publishes it: surahs, ayahs, divisions and sajdas, numbered as in the Hafs text."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from itertools import accumulate
from typing import Final
from unicodedata import category, normalize

import msgspec

SURAHS: Final = 114
AYAHS: Final = 6236
SAJDAS: Final = 15
DIVISIONS: Final = ("juz", "manzil", "page", "ruku", "hizb_quarter")
WITHOUT_BASMALAH: Final = frozenset({1, 9})
"""Surah 1 begins with it as its first ayah, surah 9 has none; in front of the 112 others it is no part of the ayah."""

# Letters that mean the same in the ways the basmalah is written: alef with wasla or hamza, both forms of yeh.
_LETTERS: Final = {ord(letter): plain for letters, plain in (("ٱأإآ", "ا"), ("ىی", "ي")) for letter in letters}
_BASMALAH: Final = "بسم الله الرحمن الرحيم"
# And all those that one orthography of Uthmani script writes for another.
_BARE: Final = {**_LETTERS, ord("ئ"): "ي", ord("ؤ"): "و", ord("ة"): "ه", ord("ء"): None, ord("ـ"): None}
_SEAT: Final = re.compile("[ىيی]\u0670")
"""A yeh that only carries a small alef, where others write the alef alone."""


class _Facts(msgspec.Struct):
    """synctl/data/quran.json, which see."""

    surahs: list[tuple[int, str, str]]
    juz: list[int]
    manzil: list[int]
    page: list[int]
    ruku: list[int]
    hizb_quarter: list[int]
    sajdas: list[int]
    obligatory: list[int]


class Mushaf(msgspec.Struct, frozen=True):
    """The facts. Ayahs are numbered from 1 to 6236, surahs from 1 to 114.

    `firsts` are the ayahs that begin a surah; `starts` those that begin a juz, a manzil, a page, a ruku or a quarter
    of a hizb; `sajdas` tells of each whether it is obligatory.
    """

    counts: tuple[int, ...]
    firsts: tuple[int, ...]
    revelation: tuple[str, ...]
    translations: tuple[str, ...]
    starts: Mapping[str, tuple[int, ...]]
    sajdas: Mapping[int, bool]

    def division(self, name: str, number: int) -> int:
        """Return the juz, manzil, page, ruku or hizb_quarter of an ayah."""
        return bisect_right(self.starts[name], number)


@cache
def mushaf() -> Mushaf:
    """Read the facts, once."""
    facts = msgspec.json.decode((files("synctl") / "data" / "quran.json").read_bytes(), type=_Facts)
    counts = tuple(count for count, _, _ in facts.surahs)
    return Mushaf(
        counts=counts,
        firsts=tuple(accumulate(counts[:-1], initial=1)),
        revelation=tuple(where for _, where, _ in facts.surahs),
        translations=tuple(name for _, _, name in facts.surahs),
        starts={name: tuple(getattr(facts, name)) for name in DIVISIONS},
        sajdas={number: number in facts.obligatory for number in facts.sajdas},
    )


def letters(text: str) -> str:
    """Return the bare letters of an Arabic text, the same however its orthography writes vowels, hamza and alef.

    So editions in different spellings of Uthmani script can be compared: not a letter is left over in 6,236 ayahs.
    """
    bare = _SEAT.sub("", normalize("NFD", text)).translate(_BARE)
    return "".join([one for one in bare if category(one) == "Lo"])


def basmalah_length(text: str) -> int:
    """Return how many characters of a text are the basmalah that stands in front of something, with the space behind.

    Only letters count, so every way to write it is recognised, that of surahs 95 and 97 included. 0 where there is
    none, and where nothing follows: then it is the text itself.
    """
    wanted = iter(_BASMALAH)
    for at, character in enumerate(text):
        space = character.isspace()
        if not space and category(character) != "Lo":  # vowels, marks, and the line that lengthens a word
            continue
        expected = next(wanted, None)
        if expected is None:
            rest = text[at:]
            return len(text) - len(rest.lstrip()) if space and rest.strip() else 0
        if (" " if space else character.translate(_LETTERS)) != expected:
            return 0
    return 0
