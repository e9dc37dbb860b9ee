"""The terminal: its size, its keys, and frames of which only lines that changed are written.

Whatever ends the view, the terminal is as it was: lines, cursor, echo.
"""

from __future__ import annotations

import os
import select
import signal
import sys
import termios
import time
import tty
from collections.abc import Sequence
from contextlib import suppress
from types import FrameType
from typing import Final, Self

ENTER: Final = "\x1b[?1049h\x1b[?25l\x1b[2J"
"""Another screen, no cursor, nothing on it."""
LEAVE: Final = "\x1b[0m\x1b[?25h\x1b[?1049l"
KEYS: Final = {
    b"\x1b[A": "up", b"\x1b[B": "down", b"\x1b[D": "left", b"\x1bOA": "up", b"\x1bOB": "down", b"\x1bOD": "left",
    b"\x1b[5~": "page-up", b"\x1b[6~": "page-down", b"\x1b[H": "home", b"\x1b[F": "end", b"\x1bOH": "home",
    b"\x1bOF": "end", b"\x1b[1~": "home", b"\x1b[4~": "end",
    b"\r": "enter", b"\n": "enter", b"\x1b": "esc", b"\x7f": "backspace", b"\x04": "ctrl-d",
}  # fmt: skip
SLICE_S: Final = 0.1
"""A signal ends no select(): so often it is looked whether one came, or the window has another size."""
SMALLEST: Final = (20, 5)
"""Columns and lines that a frame is made for at least; less is cut."""


class Ended(Exception):
    """SIGTERM or SIGHUP came: `number` of it."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


class Terminal:
    """A context manager. Signals are noted and raised by `keys`, never in the middle of a frame."""

    def __init__(self) -> None:
        self._out = sys.stdout.fileno()
        self._in = sys.stdin.fileno() if sys.stdin.isatty() else _controlling()
        self._before: list[object] | None = None
        self._shown: list[str] = []
        self._size = (0, 0)
        self._signal = 0
        self._handlers: dict[signal.Signals, object] = {}

    def __enter__(self) -> Self:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            self._handlers[number] = signal.signal(number, self._note)
        self._handlers[signal.SIGTSTP] = signal.signal(signal.SIGTSTP, self._suspend)
        self._open()
        return self

    def __exit__(self, *exc: object) -> None:
        self._close()
        for number, handler in self._handlers.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal() itself returned

    @property
    def size(self) -> tuple[int, int]:
        """Columns and lines, now; the last ones of a terminal that went away."""
        try:
            columns, lines = os.get_terminal_size(self._out)
        except OSError:
            columns, lines = self._size
            self._gone()
        return max(columns or 80, SMALLEST[0]), max(lines or 24, SMALLEST[1])

    def draw(self, lines: Sequence[str]) -> None:
        """Show a frame: one write, of the lines that are not there already. A line is as long as the screen at most."""
        size = self.size
        if size != self._size:
            self._size, self._shown = size, []
        written = [] if self._shown else ["\x1b[2J"]
        height = size[1]
        for at in range(height):
            new = lines[at] if at < len(lines) else ""
            if at >= len(self._shown) or self._shown[at] != new:
                written.append(f"\x1b[{at + 1};1H{new}\x1b[0m\x1b[K")
        if written:
            self._write("".join(written))
        self._shown = [*lines[:height], *[""] * (height - len(lines))]

    def keys(self, seconds: float) -> list[str]:
        """Return the keys pressed within so long; sooner where there are some, or the size has changed.

        Raises KeyboardInterrupt and Ended.
        """
        until = time.monotonic() + seconds
        while True:
            ready = select.select([] if self._in is None else [self._in], [], [], SLICE_S)[0]
            if self._signal:
                number, self._signal = self._signal, 0
                raise KeyboardInterrupt if number == signal.SIGINT else Ended(number)
            if ready:
                pressed = self._read()
                if not pressed:
                    raise Ended(signal.SIGHUP)
                return parsed(pressed)
            if self.size != self._size or time.monotonic() > until:
                return []

    def _open(self) -> None:
        if self._in is not None:
            self._before = termios.tcgetattr(self._in)
            tty.setcbreak(self._in)
        self._shown = []
        self._write(ENTER)

    def _close(self) -> None:
        self._write(LEAVE)
        if self._in is not None and self._before is not None:
            with suppress(termios.error):  # it went away
                termios.tcsetattr(self._in, termios.TCSADRAIN, self._before)  # type: ignore[arg-type]  # its own list

    def _note(self, number: int, _frame: FrameType | None) -> None:
        self._signal = number

    def _suspend(self, _number: int, _frame: FrameType | None) -> None:
        """Ctrl-Z: give the terminal back, stop, and take it again when we go on."""
        self._close()
        signal.signal(signal.SIGTSTP, signal.SIG_DFL)
        os.kill(os.getpid(), signal.SIGTSTP)
        signal.signal(signal.SIGTSTP, self._suspend)
        self._open()

    def _write(self, text: str) -> None:
        data = text.encode(sys.stdout.encoding or "utf-8", "replace")
        try:
            while data:
                data = data[os.write(self._out, data) :]
        except OSError:
            self._gone()

    def _read(self) -> bytes:
        """Return what was pressed; nothing where the terminal went away."""
        try:
            return os.read(self._in or 0, 1024)
        except OSError:
            return b""

    def _gone(self) -> None:
        """Note that the terminal went away, as its SIGHUP does, which may come later than an error or be ignored."""
        self._signal = self._signal or signal.SIGHUP


def _controlling() -> int | None:
    """Open the terminal of this session, if there is one: standard input may be a pipe, as below xargs."""
    try:
        return os.open("/dev/tty", os.O_RDONLY | os.O_NOCTTY | os.O_CLOEXEC)
    except OSError:
        return None


def parsed(pressed: bytes) -> list[str]:
    """Return the names of keys: `up`, `enter`, `esc` or the letter itself."""
    found = []
    while pressed:
        known = next((code for code in sorted(KEYS, key=len, reverse=True) if pressed.startswith(code)), None)
        if known == b"\x1b" and len(pressed) > 1 and pressed[1:2] in (b"[", b"O"):
            end = next((at for at in range(2, len(pressed)) if 0x40 <= pressed[at] <= 0x7E), len(pressed) - 1)
            pressed = pressed[end + 1 :]  # a key that means nothing here
        elif known is not None:
            found.append(KEYS[known])
            pressed = pressed[len(known) :]
        else:
            letter = _letter(pressed)
            found += [letter] if letter else []
            pressed = pressed[len(letter.encode()) or 1 :]
    return found


def _letter(pressed: bytes) -> str:
    for length in range(1, 5):
        with suppress(UnicodeDecodeError):
            return pressed[:length].decode()
    return ""
