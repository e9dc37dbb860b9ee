"""Small words for people: numbers with their nouns, and values short enough for a line."""

from __future__ import annotations

from typing import Final
from unicodedata import category

LONGEST: Final = 60
"""Characters of somebody's value that a message shows."""
LONGEST_PATH: Final = 110
"""Characters of a path that a message shows: more than people's paths have, since they look for the end of it."""


def count(number: int, noun: str) -> str:
    """`1 unit`, `4,600 units`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def shortfall(failed: int, total: int) -> str:
    """`2 of 4 units failed`; nothing where none did."""
    return f"{failed:,} of {total:,} units failed" if failed else ""


def shortened(text: str, most: int = LONGEST) -> str:
    """Return a text as it is, or its beginning where it has more than `most` characters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def printable(text: str) -> str:
    """Return a text as it is, but for control characters: a terminal would obey them."""
    if text.isprintable():  # most are, and this is quick
        return text
    return "".join("\ufffd" if category(one) == "Cc" and one not in "\n\t" else one for one in text)
