"""Texts of any script on a terminal: wrapped between words, right-to-left ones kept apart from what is around them.

Terminals differ: some reorder right-to-left text, most show it from left to right in the order in which it is stored.
So nothing is reordered here. A text has lines of its own, for each of which a terminal finds the direction, and in a
line of other things it is isolated (FSI … PDI), so that numbers beside it stay where they are.

Where standard output is no terminal, a text is written as it is stored.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Final
from unicodedata import bidirectional, category

from synctl.cli.output import console, printable

FIRST_STRONG_ISOLATE: Final = "\u2068"
POP_ISOLATE: Final = "\u2069"
_JOINER: Final = "\u200d"
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL"})


def paragraph(text: str) -> str:
    """Return a text for lines of its own: on a terminal as wide as that, without what a terminal would obey."""
    return "\n".join(wrapped(printable(text).expandtabs(4), console().width)) if sys.stdout.isatty() else text


def inline(text: str) -> str:
    """Return a text for a line with others: on a terminal isolated if any of it runs from right to left."""
    if not sys.stdout.isatty():
        return text
    return isolated(printable(text))


def isolated(text: str) -> str:
    """Return a text whose direction does not reach beyond it, and the other way round."""
    if any(bidirectional(one) in _RIGHT_TO_LEFT for one in text):
        return f"{FIRST_STRONG_ISOLATE}{text}{POP_ISOLATE}"
    return text


def wrapped(text: str, width: int) -> list[str]:
    """Cut a text at spaces into lines of at most `width` columns; a longer word between characters.

    A mark never leaves the letter it stands on, nor a sign of pause the word before it. Line ends of the text stay.
    """
    return [line for part in text.split("\n") for line in _lines(part, width)]


def _lines(text: str, width: int) -> Iterator[str]:
    from rich.cells import cell_len  # noqa: PLC0415 - 40 ms of import

    line, used = "", 0
    for place, word in enumerate(_words(text)):
        size = cell_len(word)
        if place and used + 1 + size <= width:
            line, used = f"{line} {word}", used + 1 + size
            continue
        if place:
            yield line
        *whole, line = _pieces(word, width) if size > width else [word]
        yield from whole
        used = cell_len(line)
    yield line


def _words(text: str) -> list[str]:
    """Split at spaces, but not before a mark: the Quran's signs of pause stand behind a space."""
    words: list[str] = []
    for word in text.split(" "):
        if words and word and category(word[0])[0] == "M":
            words[-1] += f" {word}"
        else:
            words.append(word)
    return words


def _pieces(word: str, width: int) -> list[str]:
    from rich.cells import cell_len  # noqa: PLC0415

    pieces = [""]
    for cluster in _clusters(word):
        if pieces[-1] and cell_len(pieces[-1] + cluster) > width:
            pieces.append("")
        pieces[-1] += cluster
    return pieces


def _clusters(word: str) -> Iterator[str]:
    """Yield letters with the marks on them, and what a joiner holds together."""
    cluster = ""
    for one in word:
        if cluster and category(one)[0] != "M" and category(one) != "Cf" and cluster[-1] != _JOINER:
            yield cluster
            cluster = ""
        cluster += one
    if cluster:
        yield cluster
