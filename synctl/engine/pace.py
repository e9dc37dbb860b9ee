"""How soon a thread that computes lets another go on, whose answer is there."""

from __future__ import annotations

import sys
from typing import Final

FAR_S: Final = 0.03
"""A host that takes longer, on average, is waited for; from a nearer one answers come faster than they are read."""
PART: Final = 1 / 8
"""Of the average, that the newest request is."""
SOON_S: Final = 0.001
"""Python's own 5 ms, met at each step of a request, are a good part of one that takes 50.

Where nobody waits for the host, threads that take each other's turn so often cost a twentieth of the CPU.
"""


class Pace:
    """Sets Python's switch interval by how long requests take. For many threads: the worst is to set it twice."""

    def __init__(self) -> None:
        self._usual = self._set = sys.getswitchinterval()
        self._average = 0.0

    def took(self, seconds: float) -> None:
        """Take in how long a request took."""
        self._average += (seconds - self._average) * PART
        wanted = SOON_S if self._average > FAR_S else self._usual
        if wanted != self._set:
            self._set = wanted
            sys.setswitchinterval(wanted)

    def close(self) -> None:
        """Leave the interval as it was found."""
        sys.setswitchinterval(self._usual)
