"""How far a long command is: rows, and on a terminal a line that is drawn over itself."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from time import monotonic
from typing import Final, TypeVar

from synctl.cli.output import count

REDRAW_S: Final = 0.2
LOOK_EVERY: Final = 1000
"""Rows between looks at the clock."""

T = TypeVar("T")


class Meter:
    """Counts what passes. It draws only where standard error is a terminal and the data does not go to one."""

    def __init__(self, *, quiet: bool, to_stdout: bool, label: str = "") -> None:
        self.rows = 0
        self._label = label
        self._began = self._drawn = monotonic()
        self._draws = not quiet and sys.stderr.isatty() and not (to_stdout and sys.stdout.isatty())

    @property
    def elapsed_s(self) -> float:
        """Seconds since it was made."""
        return monotonic() - self._began

    def counted(self, records: Iterable[T]) -> Iterator[T]:
        """Pass records on."""
        for record in records:
            self.rows += 1
            if self.rows % LOOK_EVERY == 0:
                self._look()
            yield record

    def add(self, rows: int) -> None:
        """Count what passed elsewhere."""
        self.rows += rows
        self._look()

    def wipe(self) -> None:
        """Take the line off the terminal."""
        if self._draws:
            sys.stderr.write("\r\x1b[K")
            sys.stderr.flush()

    def _look(self) -> None:
        now = monotonic()
        if self._draws and now - self._drawn >= REDRAW_S:
            self._drawn = now
            rate = self.rows / (now - self._began)
            sys.stderr.write(f"\r\x1b[K{self._label}{count(self.rows, 'row')}, {rate:,.0f} a second")
            sys.stderr.flush()
