"""The TOML file: its values, and the line on which each key stands (which tomllib does not tell)."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final

import msgspec

from synctl.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

_HEADER = re.compile(r"\s*\[\[?([^\[\]]+)\]\]?\s*(?:#.*)?$")
_ENTRY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=(.*)$""")
_PART = re.compile(r"""[\w-]+|"[^"]*"|'[^']*'""")
_STRING = re.compile(
    r"""(?s:\"{3}(?:\\.|[^\\])*?\"{3}|'{3}.*?'{3})|(?P<open>\"{3}|'{3})|"(?:\\.|[^"\\])*"|'[^']*'|\#.*"""
)
"""A string, a comment, or the start of a string that goes on below."""
_TOO_LONG = re.compile(r"\d[\d_]{4299}")
"""More digits than Python reads."""

ABSENT: Final = (FileNotFoundError, NotADirectoryError)


class TomlFile(msgspec.Struct, frozen=True):
    """A file that was read. `shown` is its name in messages."""

    path: Path
    shown: str
    values: Mapping[str, Any]
    lines: Mapping[tuple[str, ...], int]

    def place(self, path: tuple[str, ...]) -> str:
        """Return `FILE:LINE` of a key; of its table where it stands in an inline one."""
        while path and path not in self.lines:
            path = path[:-1]
        return f"{self.shown}:{self.lines[path]}" if path else self.shown


def read_toml(path: Path, shown: str) -> TomlFile | None:
    """Read a file; None if there is none. Raises ConfigError where it cannot be read or is not TOML."""
    text = read_text(path, shown)
    if text is None:
        return None
    import tomllib  # noqa: PLC0415 - most commands run without a file

    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        wrong, _, at = str(error).partition(" (at ")
        named = re.match(r"line (\d+)", at)
        line = named[1] if named else len(text.splitlines())  # else it is the end of the document
        raise ConfigError(f"{shown}:{line}: not valid TOML: {wrong}") from error
    except ValueError as error:
        line = _TOO_LONG.split(text, maxsplit=1)[0].count("\n") + 1
        raise ConfigError(f"{shown}:{line}: not valid TOML: a number has too many digits") from error
    except RecursionError as error:
        raise ConfigError(f"{shown}: not valid TOML: nested too deeply") from error
    return TomlFile(path, shown, values, _lines(text))


def read_text(path: Path, shown: str, absent: tuple[type[OSError], ...] = ABSENT) -> str | None:
    """Read UTF-8, with or without a byte order mark; None if there is no such file."""
    try:
        raw = path.read_bytes()
    except absent:
        return None
    except OSError as error:
        raise ConfigError(f"{shown}: cannot be read: {error.strerror}") from error
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{shown}:{line}: not UTF-8 text") from error


def _lines(text: str) -> Mapping[tuple[str, ...], int]:
    lines: dict[tuple[str, ...], int] = {}
    table: tuple[str, ...] = ()
    quote = ""  # the mark that ends the multi-line string we are in
    for number, line in enumerate(text.splitlines(), start=1):
        if quote:
            quote = "" if quote in line else quote
        elif header := _HEADER.match(line):
            table = _parts(header[1])
            for depth in range(1, len(table) + 1):
                lines.setdefault(table[:depth], number)
        elif entry := _ENTRY.match(line):
            path = (*table, *_parts(entry[1]))
            for depth in range(len(table) + 1, len(path) + 1):
                lines.setdefault(path[:depth], number)
            quote = next((found["open"] for found in _STRING.finditer(entry[2]) if found["open"]), "")
    return lines


def _parts(name: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in _PART.findall(name))
