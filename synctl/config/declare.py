"""How a setting is declared: default, documentation and checks, as metadata of a dataclass field."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit

from synctl.suggest import did_you_mean

T = TypeVar("T")


class BadValueError(ValueError):
    """A value that may not stand where it stands. The message ends the sentence `KEY: …`."""


Check = Callable[[Any], str | None]
"""What is wrong with a value, as the end of the sentence `KEY: …`; None if nothing is."""

Normalise = Callable[[Any, Path, Path], Any]
"""Gives a checked value its final form: the value, the folder it was written in, the user's home."""


def setting(
    default: T, doc: str, *checks: Check, normalise: Normalise | None = None, secret: bool = False
) -> T:  # what dataclasses.field claims to return, too
    """Declare a setting. `secret` values may hold a password, so no message repeats them."""
    return field(default=default, metadata=described(doc, *checks, normalise=normalise, secret=secret))


def described(doc: str, *checks: Check, normalise: Normalise | None = None, secret: bool = False) -> dict[str, object]:
    """Return the metadata of a field whose default cannot be written down as a value."""
    return {"doc": doc, "checks": checks, "normalise": normalise, "secret": secret}


def between(low: float, high: float) -> Check:
    """Allow `low` to `high`, both included."""
    return lambda value: None if low <= value <= high else f"must be between {low} and {high}"


def at_least(low: float) -> Check:
    """Allow `low` and more."""
    return lambda value: None if value >= low else f"must be at least {low}"


def above(low: float) -> Check:
    """Allow more than `low`."""
    return lambda value: None if value > low else f"must be more than {low}"


def one_of(*names: str) -> Check:
    """Allow these names."""
    valid = " or ".join(names)
    return lambda value: None if value in names else f"must be {valid}{did_you_mean(value, names)}"


def url_of(*schemes: str, example: str) -> Check:
    """Allow URLs of these schemes."""

    def check(value: str | None) -> str | None:
        if value is None:
            return None
        try:
            scheme = urlsplit(value).scheme
        except ValueError:
            return f"is not a URL such as {example}"
        if scheme not in schemes:
            shown = f"{scheme!r} is none of {', '.join(schemes)}" if scheme else "it names no scheme"
            return f"must be a URL such as {example}: {shown}"
        return None

    return check


def has_host(value: str) -> str | None:
    """Refuse a URL without a host."""
    return None if urlsplit(value).hostname else "names no host"


def sqlite_file(value: str | None) -> str | None:
    """Refuse an SQLite URL that names no file: each process would have a database of its own."""
    if value is None or not value.startswith("sqlite:"):
        return None
    name = value.removeprefix("sqlite:///")
    if name == value or name in {"", ":memory:"}:
        return "must name a file: sqlite:///PATH"
    return None


def absolute_path(value: Path, folder: Path, user: Path) -> Path:
    """Anchor a path: `~` is the user's home, a relative path starts at the folder it was written in."""
    if value.parts[:1] == ("~",):
        return user.joinpath(*value.parts[1:])
    return folder / value


def absolute_sqlite(value: str | None, folder: Path, user: Path) -> str | None:
    """Anchor the file of an SQLite URL, so that every process opens the same one."""
    if value is None or not value.startswith("sqlite:"):
        return value
    path = Path(unquote(value.removeprefix("sqlite:///")))
    return sqlite_url(absolute_path(path, folder, user))


def no_slash_at_end(value: str, _folder: Path, _user: Path) -> str:
    """Make paths appendable: an upstream answers `//` with 404."""
    return value.rstrip("/")


def sqlite_url(path: Path) -> str:
    """Return the URL of an SQLite file."""
    return f"sqlite:///{quote(str(path))}"
