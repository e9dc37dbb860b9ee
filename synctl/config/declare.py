"""How a setting is declared: its documentation and checks, as an annotation of its type."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, Final, get_args
from urllib.parse import quote, unquote, urlsplit

import msgspec

from synctl.suggest import did_you_mean
from synctl.words import shortened

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


class Group(msgspec.Struct, frozen=True):
    """Settings that belong together: a table of the file. Fields without a note are no settings."""


class Note(msgspec.Struct, frozen=True):
    """What is said of a setting besides its type and default. `secret`: it may hold a password."""

    doc: str
    checks: tuple[Check, ...]
    normalise: Normalise | None
    secret: bool
    written: str | None


class Declared(msgspec.Struct, frozen=True):
    """A field of a group, be it a setting or another group. `written`: its name in the file."""

    name: str
    kind: Any
    note: Note | None

    @property
    def written(self) -> str:
        """Its name in the file."""
        return (self.note and self.note.written) or self.name


def setting(
    doc: str,
    *checks: Check,
    normalise: Normalise | None = None,
    secret: bool = False,
    written: str | None = None,
) -> Note:
    """Annotate a type with what a value of it may be. No message repeats a `secret` one.

    `written`: its name in the file, where Python keeps that for itself.
    """
    return Note(doc, checks, normalise, secret, written)


@cache
def declared(group: type[Group]) -> tuple[Declared, ...]:
    """Return the fields of a group, in the order of declaration."""
    annotations: dict[str, Any] = {}
    for one in reversed(group.__mro__):
        annotations |= getattr(one, "__annotations__", {})
    return tuple(_declared(name, annotations[name]) for name in group.__struct_fields__)


def value_of(group: Group, written: str) -> Any:
    """Return the value of a setting, or of a group of them, by its name in the file."""
    return getattr(group, next(field.name for field in declared(type(group)) if field.written == written))


def _declared(name: str, annotation: Any) -> Declared:
    noted = [one for one in getattr(annotation, "__metadata__", ()) if isinstance(one, Note)]
    return Declared(name, get_args(annotation)[0], noted[0]) if noted else Declared(name, annotation, None)


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
