"""What answers of a kind have in common, letter for letter, so that another one need not be decoded.

Two methods answer for a year in one zone with the same 200 KB of dates. What differs are the times of each day, and
the settings that each day repeats; where those lie is known from an answer that was decoded. Whether the rest is the
same is one comparison of bytes, in a quarter of the time that it takes to look for the ends of its texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import accumulate

_BEGINNING = 16
"""Bytes of a value by which it is found; whether it is all there is seen by whoever checks what is filled in."""


class Stencil:
    """An answer of many parts, each with a value of its own and behind it one like its neighbours', which are left out.

    `rest`: what is written before a part's own value and behind it, for each part in turn, and behind the last.
    `lengths`: of their own values, which are the same in all such answers.
    """

    __slots__ = ("_fixed", "_lengths", "_own_at", "_shared_at", "_written")

    def __init__(self, rest: Sequence[bytes], lengths: Sequence[int]) -> None:
        self._written = [b""] * (4 * len(lengths) + 1)
        self._written[::2] = rest
        self._lengths = lengths
        widths = [len(one) for one in self._written]
        widths[1::4] = lengths
        ends = list(accumulate(widths))
        self._own_at = [(part, ends[4 * part], ends[4 * part + 1]) for part in range(len(lengths))]
        self._shared_at, self._fixed = ends[2], ends[-1]

    def fill(self, own: Sequence[bytes], shared: Sequence[bytes]) -> bytes:
        """Return the answer that has these values, two for each part."""
        written = self._written.copy()
        written[1::4] = own
        written[3::4] = shared
        return b"".join(written)

    def read(self, answer: bytes) -> tuple[list[bytes], list[bytes]] | None:
        """Return what has to be filled in for this answer. None if there is nothing that would give it.

        They are the answer's values if each is one JSON value, as the caller has to see for himself. Shared values that
        are equal are mostly the same object.
        """
        parts = len(self._own_at)
        width, left = divmod(len(answer) - self._fixed, parts)
        if not left and width >= 0:  # they may all be the same, which is seen at once
            shared = [answer[self._shared_at : self._shared_at + width]] * parts
            own = [answer[start + part * width : end + part * width] for part, start, end in self._own_at]
            if self.fill(own, shared) == answer:
                return own, shared
        return self._read_in_turn(answer)

    def _read_in_turn(self, answer: bytes) -> tuple[list[bytes], list[bytes]] | None:
        own: list[bytes] = []
        shared: list[bytes] = []
        at, value, rest = 0, b"", self._written
        if not answer.startswith(rest[0]):
            return None
        for part, length in enumerate(self._lengths):
            start = at + len(rest[4 * part])
            end = start + length
            between, after = rest[4 * part + 2], rest[4 * part + 4]
            at = end + len(between)
            if not answer.startswith(between, end):
                return None
            if not value or not (answer.startswith(value, at) and answer.startswith(after, at + len(value))):
                stop = answer.find(after[:_BEGINNING], at)
                value = answer[at:stop]
                if stop < 0 or not answer.startswith(after, stop):
                    return None
            own.append(answer[start:end])
            shared.append(value)
            at += len(value)
        return (own, shared) if at + len(rest[-1]) == len(answer) else None


def cut(answer: bytes, own: Sequence[bytes], shared: Sequence[bytes]) -> Stencil | None:
    """Leave two values of each part out of an answer, at the first places that look like them.

    None if there are none in this order.
    """
    rest: list[bytes] = []
    at = 0
    for value, other in zip(own, shared, strict=True):
        start = answer.find(value[:_BEGINNING], at)
        end = start + len(value)
        after = answer.find(other[:_BEGINNING], end)
        if start < 0 or after < 0:
            return None
        rest += answer[at:start], answer[end:after]
        at = after + len(other)
    return Stencil([*rest, answer[at:]], [len(value) for value in own]) if own else None
