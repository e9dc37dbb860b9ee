"""How names are made comparable: what somebody types finds what is stored."""

from __future__ import annotations

import unicodedata
from typing import Final

_PLAIN: Final = str.maketrans(
    # Letters that Unicode does not take apart, as English spells the names that have them.
    dict(zip("ıłđøðħə", "ildodha", strict=True))
    | {"æ": "ae", "œ": "oe", "þ": "th"}
    # Nobody types them alike, and many not at all: Saint John’s, Ala Moana - Kakaʻako.
    | dict.fromkeys("'’‘ʻʼʾʿ`´")
)


def fold(name: str) -> str:
    """Return a name as lower-case ASCII words: `São Tomé` is `sao tome`, `St. John’s` is `st johns`.

    Letters of other scripts have no such form and stay, without their marks: they are found by themselves.
    """
    plain = name.casefold().translate(_PLAIN)
    letters = (mark for mark in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(mark))
    return " ".join("".join(letter if _is_word(letter) else " " for letter in letters).split())


def _is_word(letter: str) -> bool:
    # M: the vowel signs of Indic scripts are marks that stand for themselves.
    return unicodedata.category(letter)[0] in "LNM"
