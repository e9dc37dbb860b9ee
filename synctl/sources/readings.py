"""Times of day as AlAdhan writes them, read by table."""

from __future__ import annotations

import re
from collections import defaultdict, deque
from functools import partial

from synctl.sources.columns import Column, interned

_MINUTES = {f"{minute // 60:02}:{minute % 60:02}": minute for minute in range(1440)}


class _Readings(dict[str, int]):
    """Minutes after 00:00 by what upstream writes, such as "05:37 (+03)"; the zone itself is not needed."""

    ROOM = 1440 * 16
    """A unit meets two zone suffixes at most; those of the whole world would be 200,000 texts."""
    ZONE = re.compile(r"( \([A-Za-z0-9+-]+\))?")

    def __missing__(self, text: str) -> int:
        minute = _MINUTES.get(text[:5])
        if minute is None or not self.ZONE.fullmatch(text, 5):
            raise KeyError(text)
        if len(self) >= self.ROOM:
            self.clear()
        self[text] = minute
        return minute


minute_of = _Readings()
"""Raises KeyError for what is no time."""

_recent: defaultdict[str, deque[tuple[tuple[str, ...], Column]]] = defaultdict(partial(deque, maxlen=4))


def minutes_of(name: str, texts: tuple[str, ...]) -> Column:
    """Read what is said of one time on many days. Raises KeyError for what is no time.

    Most of it was said of the unit before, too, and to compare texts is quicker than to look them up.
    """
    for known, column in tuple(_recent[name]):
        if known == texts:
            return column
    column = interned(tuple(map(minute_of.__getitem__, texts)))
    _recent[name].append((texts, column))
    return column
