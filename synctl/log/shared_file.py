"""A log file that many processes write at once, and that never grows beyond its share of the disk.

Each line is one write to the end of the file, which the kernel keeps whole. Whoever finds the file too long renames it
under a lock and begins another; the others notice by its inode, as they do when logrotate or somebody's `rm` took it.
"""

from __future__ import annotations

import fcntl
import logging
import os
from contextlib import suppress
from pathlib import Path

from synctl.log.line import encode, line_of


class SharedFile(logging.Handler):
    """Writes JSON lines to `path`; `path.1` is what was before, up to `path.{files - 1}`."""

    def __init__(self, path: Path, *, max_bytes: int, files: int) -> None:
        super().__init__()
        self._path = path
        self._max_bytes = max_bytes
        self._files = files
        self._descriptor: int | None = None
        self._inode = (0, 0)

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line. A disk that is full, or a folder that is gone, must not stop the work."""
        try:
            written = encode(line_of(record))
        except Exception:  # noqa: BLE001 - a message that cannot be formatted is told as logging tells it
            self.handleError(record)
            return
        with suppress(OSError):
            os.write(self._current(), written)

    def close(self) -> None:
        """Close the file."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        super().close()

    def _current(self) -> int:
        """Return the descriptor of the file that is written to now."""
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return self._open()
        if found.st_size >= self._max_bytes:
            self._rotate()
            return self._open()
        if self._descriptor is None or (found.st_dev, found.st_ino) != self._inode:
            return self._open()
        return self._descriptor

    def _open(self) -> int:
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
        self._descriptor = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        found = os.fstat(self._descriptor)
        self._inode = (found.st_dev, found.st_ino)
        return self._descriptor

    def _rotate(self) -> None:
        lock = os.open(f"{self._path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            with suppress(FileNotFoundError):
                if self._path.stat().st_size < self._max_bytes:  # somebody else was first
                    return
                if self._files == 1:
                    self._path.unlink()
                for number in range(self._files - 1, 0, -1):
                    before = self._numbered(number - 1)
                    if before.exists():
                        before.rename(self._numbered(number))
        finally:
            os.close(lock)  # and with it the lock

    def _numbered(self, number: int) -> Path:
        return self._path.with_name(f"{self._path.name}.{number}") if number else self._path
