"""Times of day as AlAdhan writes them: `"Fajr":"05:37 (+03)"`, eleven in an object for each day.

The objects of a year differ in nothing but their digits, and between two clock changes in the name of the zone's time.
So they are not read one by one, which would make 4,000 texts to be looked up and thrown away: laid end to end, the
digits of a column lie a fixed distance apart.
"""

from __future__ import annotations

import re
import sys
from functools import lru_cache
from itertools import groupby, pairwise
from typing import TYPE_CHECKING

from synctl.sources.columns import Column, interned
from synctl.sources.prayer import TIME_NAMES

if TYPE_CHECKING:
    from collections.abc import Sequence

    import msgspec

_ZONE = r"(?: \([A-Za-z0-9+-]+\))?"
"""It need not be read: which zone was answered is said elsewhere."""
_TEXT = re.compile(rf"([01]\d|2[0-3]):([0-5]\d){_ZONE}", re.ASCII)
_TIME = rb'\s*"(\w+)"\s*:\s*"(00:00)' + _ZONE.encode() + rb'"\s*'
_EACH_TIME = re.compile(_TIME)
_ALL_TIMES = re.compile(rb"\{" + _TIME + rb"(?:," + _TIME + rb")*\}")
_BLANK = bytes.maketrans(b"123456789", b"000000000")
_WIDEST = 2000
"""Bytes of a day's times. They take 260; the shapes of longer ones are not worth being remembered."""
_DIGITS = (0, 1, 3, 4)
"""Where in "05:37" they are."""
_MINUTES = {
    int.from_bytes(f"{minute // 60:02}{minute % 60:02}".encode(), sys.byteorder): minute for minute in range(1440)
}
"""Minutes after 00:00, by the four digits as one number of 32 bits."""


def minute_of(text: str) -> int:
    """Read one time of day, in minutes after 00:00. Raises ValueError for what is none."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"{text!r} is no time of day")
    return int(found[1]) * 60 + int(found[2])


def readings(timings: Sequence[msgspec.Raw] | Sequence[bytes], offsets: tuple[int, ...]) -> list[Column] | None:
    """Read the objects of days with these UTC offsets: a column for each of TIME_NAMES, in minutes after 00:00.

    None where they are not of the usual shape, or a time is none: then they are to be looked at one by one.
    """
    parts: list[list[list[bytes]]] = []
    for width, stretches in groupby(_stretches(offsets), lambda stretch: len(timings[stretch[0]])):
        digits = _digits(timings, list(stretches), width)
        if digits is None:
            return None
        parts.append(digits)
    try:
        return [_minutes(*map(b"".join, zip(*column, strict=True))) for column in zip(*parts, strict=True)]
    except KeyError:
        return None


def _digits(
    timings: Sequence[msgspec.Raw] | Sequence[bytes], stretches: Sequence[tuple[int, int]], width: int
) -> list[list[bytes]] | None:
    """Return what lies where digits should, four columns for each time, if all else is the same on days of a stretch.

    The stretches follow each other, and an object has `width` bytes in each of them.
    """
    first, last = stretches[0][0], stretches[-1][1]
    count = last - first
    packed = b"".join(timings[first:last])
    if width > _WIDEST or len(packed) != count * width:
        return None
    beginnings = [(start - first) * width for start, _ in stretches]
    places = {_places(packed[at : at + width].translate(_BLANK)) for at in beginnings}
    times = places.pop()
    if places or times is None:
        return None
    digits = [[packed[at + digit :: width] for digit in _DIGITS] for at in times]
    rest, zeros = bytearray(packed), bytes(count)
    for at in times:
        for digit in _DIGITS:
            rest[at + digit :: width] = zeros
    same = [rest[at : at + width] * (end - start) for at, (start, end) in zip(beginnings, stretches, strict=True)]
    return digits if rest == b"".join(same) else None


@lru_cache(maxsize=64)
def _stretches(offsets: tuple[int, ...]) -> list[tuple[int, int]]:
    """Cut the days where clocks are changed."""
    cuts = [at for at, (before, after) in enumerate(pairwise(offsets), 1) if before != after]
    return list(pairwise([0, *cuts, len(offsets)]))


@lru_cache(maxsize=64)
def _places(shape: bytes) -> tuple[int, ...] | None:
    """Say where in an object of this shape the times of TIME_NAMES begin; None if it has other things than times."""
    if not _ALL_TIMES.fullmatch(shape):
        return None
    places = {found[1].decode(): found.start(2) for found in _EACH_TIME.finditer(shape)}
    return tuple([places[name] for name in TIME_NAMES]) if places.keys() >= set(TIME_NAMES) else None


@lru_cache(maxsize=256)  # 5 KB each: of the units of a city most have most of their columns in common
def _minutes(*digits: bytes) -> Column:
    times = bytearray(4 * len(digits[0]))
    for at, one in enumerate(digits):
        times[at::4] = one
    return interned(tuple(map(_MINUTES.__getitem__, memoryview(times).cast("I"))))
