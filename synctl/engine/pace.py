"""How soon a thread that computes lets another go on, whose answer is there."""

from __future__ import annotations

import sys
from collections import deque
from typing import Final

FAR_S: Final = 0.02
"""A host that never answers sooner is waited for; from a nearer one answers come faster than they are read."""
RECENT: Final = 32
"""Requests that are looked at."""
SOON_S: Final = 0.001
"""Python's own 5 ms, met at each step of a request, are a good part of one that takes 50.

Where nobody waits for the host, threads that take each other's turn so often cost a twentieth of the CPU.
"""


class Pace:
    """Sets Python's switch interval by the quickest of the latest requests.

    Most of them also waited for their own thread's turn, or for a time-out, which says nothing of the host. Until the
    first has ended it may be far.
    """

    def __init__(self) -> None:
        self._usual = sys.getswitchinterval()
        self._latest: deque[float] = deque(maxlen=RECENT)
        self._closed = False
        sys.setswitchinterval(SOON_S)

    def took(self, seconds: float) -> None:
        """Take in how long a request took. For many threads: what one sets too late, the next sets right."""
        self._latest.append(seconds)
        if not self._closed:
            sys.setswitchinterval(SOON_S if min(list(self._latest)) > FAR_S else self._usual)

    def close(self) -> None:
        """Leave the interval as it was found, whoever still comes with an answer."""
        self._closed = True
        sys.setswitchinterval(self._usual)
