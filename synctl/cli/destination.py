"""Where a command's output goes: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

import errno
import os
import secrets
import signal
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final

from synctl.errors import SynctlError, UsageError
from synctl.words import LONGEST_PATH, shortened

STDOUT: Final = "-"
_NO_SUCH_PLACE: Final = frozenset(
    {errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.EACCES, errno.EPERM, errno.ENAMETOOLONG}
)
"""What the command line is to blame for."""


class Output:
    """Takes bytes and counts them. A reader that went away is a BrokenPipeError, anything else one clear line."""

    def __init__(self, name: str, raw: BinaryIO) -> None:
        self.name = name
        self.size = 0
        self._raw = raw

    def write(self, chunk: bytes) -> None:
        """Write it all. Raises SynctlError, for a full disk too."""
        with told(self.name):
            self._raw.write(chunk)
        self.size += len(chunk)

    def flush(self) -> None:
        """Hand over what is buffered."""
        with told(self.name):
            self._raw.flush()

    def sync(self) -> None:
        """Have it on the disk."""
        self.flush()
        with told(self.name):
            os.fsync(self._raw.fileno())


def refuse_existing(name: str, *, force: bool) -> None:
    """Raise UsageError where a file is in the way, before any work is done."""
    with told(name):
        exists = name != STDOUT and Path(name).is_file()
    if exists and not force:
        raise UsageError(f"{name} exists already", hint="--force overwrites it")


@contextmanager
def destination(name: str) -> Iterator[Output]:
    """Open standard output for `-`, else a file; a device or a pipe is written to as it is."""
    if name == STDOUT:
        sys.stdout.flush()
        output = Output("standard output", sys.stdout.buffer)
        yield output
        output.flush()
        return
    path = Path(name)
    with told(name):
        special = path.exists() and not stat.S_ISREG(path.stat().st_mode)
    if not special:
        with replaced(path) as output:
            yield output
        return
    with told(name):
        raw = path.open("wb")
    try:
        output = Output(name, raw)
        yield output
        output.flush()
    finally:
        with suppress(OSError):
            raw.close()


@contextmanager
def replaced(path: Path) -> Iterator[Output]:
    """Open a file that appears under its name, in place of an older one, when all is written.

    It is written in the same folder under a hidden name, which is removed if anything goes wrong. A link is followed.
    """
    with told(str(path)):
        target = path.resolve()
        mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else None
        # Not the process id: in a container it is the same each time, and what a killed one left would be in the way.
        temporary = target.with_name(f".{target.name}.{secrets.token_hex(4)}.part")
    with _ended_in_order():
        try:
            with told(str(path)):
                raw = os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666), "wb")
            try:
                output = Output(str(path), raw)
                yield output
                output.sync()
            finally:
                with suppress(OSError):  # what could not be written, it would try to write again
                    raw.close()
            with told(str(path)):
                if mode is not None:
                    temporary.chmod(mode)
                temporary.replace(target)
        finally:
            with suppress(OSError):
                temporary.unlink()


@contextmanager
def _ended_in_order() -> Iterator[None]:
    """Have SIGTERM and SIGHUP raise, so that what was begun is removed; not what nohup ignores."""

    def end(number: int, _frame: object) -> None:
        sys.exit(128 + number)

    heeded = [one for one in (signal.SIGTERM, signal.SIGHUP) if signal.getsignal(one) is not signal.SIG_IGN]
    before = {number: signal.signal(number, end) for number in heeded}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def told(name: str) -> Iterator[None]:
    """Turn what the system says of a file into one line."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        what = f"{shortened(name, LONGEST_PATH)} cannot be written: {error.strerror}"
        if error.errno in _NO_SUCH_PLACE:
            raise UsageError(what, hint="name a file in a folder you may write") from error
        raise SynctlError(what, hint="is there room, and may it be written?") from error
