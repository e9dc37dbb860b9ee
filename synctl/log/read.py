"""Reads the log of a home: its last lines, found from the end, and those that come."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from mmap import ACCESS_READ, mmap
from pathlib import Path
from typing import BinaryIO

import msgspec

from synctl.log.line import LEVELS, Line, decode


class Wanted:
    """Which lines are asked for: of one run, from a level on. All of them hold the `needle`."""

    def __init__(self, run: str | None, level: str) -> None:
        # A quote in a message is escaped, so these are found in the fields only.
        self._levels = [f'"level":"{name}"'.encode() for name, number in LEVELS.items() if number >= LEVELS[level]]
        self.needle = b'"run":' + msgspec.json.encode(run) if run else b""
        if not run and len(self._levels) == 1:
            self.needle = self._levels[0]

    def line(self, raw: bytes) -> Line | None:
        """Return the line if it is asked for."""
        if self.needle in raw and any(one in raw for one in self._levels):
            return decode(raw)
        return None


def last_lines(path: Path, most: int, *, run: str | None = None, level: str = "debug") -> list[Line]:
    """Return the last lines of a log, the oldest first; of one run quickly, since others are not even decoded."""
    wanted = Wanted(run, level)
    found: list[Line] = []
    with closing(_files(path)) as files:
        for file in files:
            for raw in _backwards(file, wanted.needle):
                line = wanted.line(raw)
                if line is not None:
                    found.append(line)
                    if len(found) == most:
                        return found[::-1]
    return found[::-1]


class Follower:
    """Yields the lines that are written after it was made, through rotations."""

    def __init__(self, path: Path, *, run: str | None = None, level: str = "debug") -> None:
        self._path = path
        self._wanted = Wanted(run, level)
        self._file: BinaryIO | None = None
        self._begun = b""
        self._open()
        if self._file is not None:
            self._file.seek(0, os.SEEK_END)

    def new(self) -> Iterator[Line]:
        """Yield what has come since the last call."""
        yield from self._rest()
        if self._replaced():
            yield from self._rest()  # what came between
            self._open()
            yield from self._rest()

    def close(self) -> None:
        """Close the file."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _open(self) -> None:
        self.close()
        self._begun = b""  # what a process that died left of its last line
        with suppress(FileNotFoundError):  # nothing is logged yet, or just now it is renamed
            self._file = self._path.open("rb")

    def _replaced(self) -> bool:
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return False
        return self._file is None or not os.path.samestat(found, os.fstat(self._file.fileno()))

    def _rest(self) -> Iterator[Line]:
        if self._file is None:
            return
        *whole, self._begun = (self._begun + self._file.read()).split(b"\n")
        for raw in whole:
            line = self._wanted.line(raw)
            if line is not None:
                yield line


def _files(path: Path) -> Generator[BinaryIO]:
    """The file and those before it, the newest first, each once, also while they are renamed.

    Files move to higher numbers only, and so do we: one that moves is met again, never missed. A rotation leaves at
    most one number without a file at a time, so two of them are the end.
    """
    seen: set[tuple[int, int]] = set()
    number = missing = 0
    while missing <= 1:
        try:
            with (path.with_name(f"{path.name}.{number}") if number else path).open("rb") as file:
                missing = 0
                found = os.fstat(file.fileno())
                inode = (found.st_dev, found.st_ino)
                if inode not in seen:
                    seen.add(inode)
                    yield file
        except FileNotFoundError:
            missing += 1
        number += 1


def _backwards(file: BinaryIO, needle: bytes) -> Iterator[bytes]:
    """Yield the lines of a file that hold the needle, the last first."""
    if os.fstat(file.fileno()).st_size == 0:
        return
    with mmap(file.fileno(), 0, access=ACCESS_READ) as text:
        end = len(text)
        while end > 0:
            at = text.rfind(needle, 0, end) if needle else end - 1
            if at < 0:
                return
            start = text.rfind(b"\n", 0, at) + 1
            stop = text.find(b"\n", at)
            yield text[start : stop if stop >= 0 else len(text)]
            end = start
