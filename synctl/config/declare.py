"""How a setting is declared: default, documentation and checks, as metadata of a dataclass field."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import quote, unquote, urlsplit

from synctl.suggest import did_you_mean
from synctl.words import shortened

T = TypeVar("T")

_HOST: Final = re.compile(r"(\[[^\[\]]*\]|[^\[\]:]*)(:(?P<port>[0-9]{0,5}))?")
_BROKEN_ESCAPE: Final = re.compile(r"%(?![0-9A-Fa-f]{2})")


class BadValueError(ValueError):
    """A value that may not stand where it stands. The message ends the sentence `KEY: …`."""


Check = Callable[[Any], str | None]
"""What is wrong with a value, as the end of the sentence `KEY: …`; None if nothing is."""

Normalise = Callable[[Any, Path, Path | None], Any]
"""Gives a checked value its final form: the value, the folder it was written in, the user's home if they have one.

Raises BadValueError.
"""


def setting(
    default: T,
    doc: str,
    *checks: Check,
    normalise: Normalise | None = None,
    secret: bool = False,
    written: str | None = None,
) -> T:  # what dataclasses.field claims to return, too
    """Declare a setting. `secret` values may hold a password, so no message repeats them.

    `written`: its name in the file, where Python keeps that for itself.
    """
    metadata = described(doc, *checks, normalise=normalise, secret=secret)
    return field(default=default, metadata={**metadata, "written": written} if written else metadata)


def described(doc: str, *checks: Check, normalise: Normalise | None = None, secret: bool = False) -> dict[str, object]:
    """Return the metadata of a field whose default cannot be written down as a value."""
    return {"doc": doc, "checks": checks, "normalise": normalise, "secret": secret}


def between(low: float, high: float) -> Check:
    """Allow `low` to `high`, both included."""
    return lambda value: None if low <= value <= high else f"must be between {low} and {high}"


def above(low: float) -> Check:
    """Allow more than `low`."""
    return lambda value: None if value > low else f"must be more than {low}"


def at_most(high: float) -> Check:
    """Allow `high` and less."""
    return lambda value: None if value <= high else f"must be at most {high}"


def zero_or_between(low: float, high: float) -> Check:
    """Allow 0, which turns something off, and `low` to `high`."""
    return lambda value: None if value == 0 or low <= value <= high else f"must be 0, or between {low} and {high}"


def one_of(*names: str) -> Check:
    """Allow these names."""
    valid = " or ".join(names)
    return lambda value: None if value in names else f"must be {valid}{did_you_mean(value, names)}"


def url_of(*schemes: str, example: str) -> Check:
    """Allow URLs of these schemes. Drivers repeat what they cannot read, passwords too, so they get no such URL."""

    def check(value: str | None) -> str | None:
        if value is None:
            return None
        try:
            parts = urlsplit(value)
        except ValueError:
            return f"is not a URL such as {example}"
        if parts.scheme not in schemes:
            shown = (
                f"{shortened(repr(parts.scheme))} is none of {', '.join(schemes)}"
                if parts.scheme
                else "it names no scheme"
            )
            return f"must be a URL such as {example}: {shown}"
        if _BROKEN_ESCAPE.search(value):
            return "has a % that is followed by no two hexadecimal digits: write %25"
        if any(letter < " " or letter == "\x7f" for letter in unquote(value)):
            return "must not hold a control character"
        return _wrong_authority(parts.netloc)

    return check


def _wrong_authority(netloc: str) -> str | None:
    if any(letter.isspace() for letter in netloc):
        return "has a space: write %20"
    for host in netloc.rpartition("@")[2].split(","):  # PostgreSQL may have several
        found = _HOST.fullmatch(host)
        if found is None or int(found["port"] or 0) > 65_535:
            return "has a host or port that cannot be; in a password write %2F for /, %3F for ?, %23 for #"
    return None


def has_host(value: str) -> str | None:
    """Refuse a URL without a host."""
    return None if urlsplit(value).hostname else "names no host"


def sqlite_file(value: str | None) -> str | None:
    """Refuse an SQLite URL that names no file: each process would have a database of its own."""
    url = _lower_scheme(value or "")
    if not url.startswith("sqlite:"):
        return None
    name = url.removeprefix("sqlite:///")
    if name == url or name in {"", ":memory:"}:
        return "must name a file: sqlite:///PATH"
    return None


def absolute_path(value: Path, folder: Path, user: Path | None) -> Path:
    """Anchor a path: `~` is the user's home, a relative path starts at the folder it was written in."""
    if value.parts[:1] == ("~",):
        if user is None:
            raise BadValueError("the user has no home folder: set HOME")
        return utf8(user.joinpath(*value.parts[1:]))
    return utf8(folder / value)


def absolute_file(value: str | None, folder: Path, user: Path | None) -> str | None:
    """Anchor the path of a file, where one is named."""
    return str(absolute_path(Path(value), folder, user)) if value else None


def absolute_sqlite(value: str | None, folder: Path, user: Path | None) -> str | None:
    """Anchor the file of an SQLite URL, so that every process opens the same one."""
    url = _lower_scheme(value or "")
    if not url.startswith("sqlite:"):
        return url or None
    path = Path(unquote(url.removeprefix("sqlite:///")))
    return sqlite_url(absolute_path(path, folder, user))


def lower_scheme(value: str | None, _folder: Path, _user: Path | None) -> str | None:
    """Write a URL as those expect it who compare its beginning."""
    return _lower_scheme(value) if value else None


def no_slash_at_end(value: str, _folder: Path, _user: Path | None) -> str:
    """Make paths appendable: an upstream answers `//` with 404."""
    return value.rstrip("/")


def utf8(path: Path) -> Path:
    """Return a path that can stand in a URL, a log and JSON. Raises BadValueError for any other."""
    if "\0" in str(path) or not is_utf8(str(path)):
        raise BadValueError("makes a path that is not UTF-8 text")
    return path


def is_utf8(text: str) -> bool:
    """Whether text of the system was UTF-8: else Python keeps its bytes as surrogates, which nobody can write."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def sqlite_url(path: Path) -> str:
    """Return the URL of an SQLite file."""
    return f"sqlite:///{quote(str(path))}"


def _lower_scheme(url: str) -> str:
    scheme, colon, rest = url.partition(":")
    return scheme.lower() + colon + rest
