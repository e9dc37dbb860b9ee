"""A line of the log: its fields, as JSON and as text for people. No secret gets into one."""

from __future__ import annotations

import logging
import socket
from datetime import UTC, datetime
from typing import Final

import msgspec

from synctl.log.context import bound_fields
from synctl.redact import redacted
from synctl.words import printable

LEVELS: Final = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}
"""The names of levels, the least first."""
HOST: Final = socket.gethostname()
LONGEST: Final = 32_768
"""Characters of a message or a traceback: more helps nobody, and must not fill the file."""


class Line(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """One line. `at` is ISO 8601 in UTC; what is not known is left out of the JSON."""

    at: str
    level: str
    host: str
    pid: int
    logger: str
    run: str | None = None
    shard: int | None = None
    unit: str | None = None
    message: str
    traceback: str | None = None

    def text(self, *, without: str | None = None) -> str:
        """Return the line for people; `without` is a run that need not be named, since it is the only one."""
        fields = {"run": None if self.run == without else self.run, "shard": self.shard, "unit": self.unit}
        named = "".join(f" {name}={value}" for name, value in fields.items() if value is not None)
        told = f"{self.at} {self.level.upper():<7} {self.host}:{self.pid} {self.logger}{named}: {self.message}"
        return printable(f"{told}\n{self.traceback}" if self.traceback else told)


def line_of(record: logging.LogRecord) -> Line:
    """Return the line of a record; `extra` of the call wins over what the context names."""
    fields = {**bound_fields(), **{name: getattr(record, name) for name in _NAMED if hasattr(record, name)}}
    return Line(
        at=datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        level=_level(record.levelno),
        host=HOST,
        pid=record.process or 0,
        logger=record.name,
        message=_clean(record.getMessage()),
        traceback=_clean(_FORMATTER.formatException(record.exc_info)) if record.exc_info else None,
        **{name: _NAMED[name](value) for name, value in fields.items()},
    )


def encode(line: Line) -> bytes:
    """Return the JSON of a line, with its end."""
    return msgspec.json.encode(line) + b"\n"


def decode(raw: bytes | memoryview) -> Line | None:
    """Return the line of some JSON; None where a process died while it wrote, or for what is none of ours."""
    try:
        return _DECODER.decode(raw)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _clean(text: str) -> str:
    """Return what may be written: without secrets, not endless, and as UTF-8."""
    told = redacted(text)  # first: of a secret that is cut in two, neither half looks like one
    cut = told if len(told) <= LONGEST else f"{told[: LONGEST // 2]}\n…\n{told[-LONGEST // 2 :]}"
    return cut.encode("utf-8", "backslashreplace").decode()


def _level(number: int) -> str:
    return next((name for name, least in reversed(LEVELS.items()) if number >= least), "debug")


_NAMED: Final = {"run": str, "shard": int, "unit": str}
_FORMATTER: Final = logging.Formatter()
_DECODER: Final = msgspec.json.Decoder(Line)
