"""Every key of the configuration, derived from the fields that declare the settings."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping
from enum import StrEnum
from functools import cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeAlias, TypeVar, get_args

import msgspec
from msgspec.structs import replace

from synctl.config.declare import BadValueError, Group, Note, declared, is_utf8, one_of
from synctl.config.schedules import REQUIRED, Schedule
from synctl.config.settings import Settings

if TYPE_CHECKING:
    from synctl.config.declare import Check, Normalise

KeyPath: TypeAlias = tuple[str, ...]

PREFIX: Final = "SYNCTL_"
SEPARATOR: Final = "__"
"""Between the parts of an environment variable: one underscore is part of a name."""

_NEW_NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
"""A name in a table that is open to names of the user's own: `[workers]`."""
_ENTRY_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
"""A name of the user's own for a table of settings: `[schedule.nightly]`. It may be part of a file's name."""

G = TypeVar("G", bound=Group)


class Key(msgspec.Struct, frozen=True):
    """One setting: where it is written, and what may stand there."""

    path: KeyPath
    kind: object
    default: object
    doc: str
    checks: tuple[Check, ...]
    normalise: Normalise | None
    secret: bool

    @property
    def name(self) -> str:
        """The key as TOML writes it, tables and all."""
        return ".".join(self.path)

    @property
    def variable(self) -> str:
        """The environment variable that sets it."""
        return variable(self.path)

    @property
    def required(self) -> bool:
        """Whether its table must have it."""
        return self.default == REQUIRED

    def read(self, raw: object, folder: Path, user: Path | None, *, text: bool) -> object:
        """Turn what is written into a value; `text` says that all types are written as text there.

        Raises BadValueError.
        """
        value = _reader(self.kind)(_typed(raw, self.kind) if text else raw)
        for check in self.checks:
            if wrong := check(value):
                raise BadValueError(wrong)
        return self.normalise(value, folder, user) if self.normalise else value


@cache
def all_keys() -> tuple[Key, ...]:
    """Return every key that has a default, in the order of declaration."""
    return tuple(_walk(_template(), ()))


@cache
def groups() -> Mapping[KeyPath, str]:
    """Return the tables of the TOML file, and what each is about."""
    return dict(_walk_groups(_template(), ()))


def find(path: KeyPath) -> Key | None:
    """Return the key of a path, be it one of the user's own in an open table."""
    known = _by_path().get(path)
    if known is None and is_entry(path[:-1]):
        known = next((key for key in entry_keys(path[:-1]) if key.path == path), None)
    if known is None and path[:-1] in _open_tables() and _NEW_NAME.fullmatch(path[-1]):
        return replace(_open_tables()[path[:-1]], path=path, default=None)
    return known


def is_table(path: KeyPath) -> bool:
    """Whether keys may stand below a path."""
    return path in groups() or is_entry(path)


def is_entry(path: KeyPath) -> bool:
    """Whether a path is a table to which the user has given a name: `[schedule.nightly]`."""
    return path[:-1] in _entries() and _ENTRY_NAME.fullmatch(path[-1]) is not None


def names_entries(path: KeyPath) -> bool:
    """Whether the names below a path are the user's own."""
    return path in _entries()


def entry_keys(path: KeyPath) -> tuple[Key, ...]:
    """Return the keys of such a table. They can be set in the file only, so `all_keys` leaves them out."""
    return tuple(_walk(_entries()[path[:-1]](), path))


def children(path: KeyPath) -> list[str]:
    """Return the names that may stand in a table."""
    if is_entry(path):
        return [key.path[-1] for key in entry_keys(path)]
    depth = len(path)
    known = [*(key.path for key in all_keys()), *groups()]
    return list(dict.fromkeys(one[depth] for one in known if one[:depth] == path and len(one) > depth))


def variable(path: KeyPath) -> str:
    """Return the environment variable of a key."""
    return PREFIX + SEPARATOR.join(path).upper()


def path_of(name: str) -> KeyPath:
    """Return the path an environment variable spells, whether or not there is such a key."""
    return tuple(name.removeprefix(PREFIX).lower().split(SEPARATOR))


def build(values: Mapping[KeyPath, object], origins: Mapping[str, str]) -> Settings:
    """Return the settings with these values, and the defaults for the rest. `home` must be given."""
    return replace(_filled(_template(), (), values), origins=origins)


def _template() -> Settings:
    return Settings(home=Path())


def _walk(holder: Group, prefix: KeyPath) -> Iterator[Key]:
    for field in declared(type(holder)):
        path, value = (*prefix, field.written), getattr(holder, field.name)
        if isinstance(value, Group):
            yield from _walk(value, path)
        elif field.note is not None and isinstance(value, Mapping):
            for name, default in value.items():
                yield _key((*path, name), int, default, field.note)
        elif field.note is not None:
            yield _key(path, field.kind, value, field.note)


def _key(path: KeyPath, kind: object, default: object, note: Note) -> Key:
    return Key(path, kind, default, note.doc, note.checks, note.normalise, note.secret)


def _walk_groups(holder: Group, prefix: KeyPath) -> Iterator[tuple[KeyPath, str]]:
    for field in declared(type(holder)):
        path, value = (*prefix, field.name), getattr(holder, field.name)
        if isinstance(value, Group):
            yield path, field.note.doc if field.note else type(value).__doc__ or ""
            yield from _walk_groups(value, path)
        elif field.note is not None and isinstance(value, Mapping):
            yield path, field.note.doc


@cache
def _entries() -> Mapping[KeyPath, type[Schedule]]:
    """Return the tables whose tables have names of the user's own, and what each of those holds."""
    return {
        (field.name,): kind
        for field in declared(Settings)
        for kind in get_args(field.kind)
        if field.note is not None and isinstance(kind, type) and issubclass(kind, Schedule)
    }


@cache
def _by_path() -> Mapping[KeyPath, Key]:
    return {key.path: key for key in all_keys()}


@cache
def _open_tables() -> Mapping[KeyPath, Key]:
    return {key.path[:-1]: key for key in all_keys() if key.path[0] == "workers"}


def _filled(holder: G, prefix: KeyPath, values: Mapping[KeyPath, object]) -> G:
    changes: dict[str, object] = {}
    for field in declared(type(holder)):
        path, value = (*prefix, field.written), getattr(holder, field.name)
        if isinstance(value, Group):
            changes[field.name] = _filled(value, path, values)
        elif path in _entries():
            names = dict.fromkeys(given[len(path)] for given in values if given[: len(path)] == path)
            changes[field.name] = {name: _filled(_entries()[path](), (*path, name), values) for name in names}
        elif isinstance(value, Mapping):
            own = {given[-1]: found for given, found in values.items() if given[:-1] == path}
            changes[field.name] = {**value, **own}
        elif path in values:
            changes[field.name] = values[path]
    return replace(holder, **changes)


def _typed(raw: object, kind: object) -> object:
    """Read a number out of text; what is none stays text, which the readers of numbers refuse."""
    if kind not in {int, float} or not isinstance(raw, str):
        return raw
    try:
        return int(raw)
    except ValueError:
        pass
    try:
        return float(raw)
    except ValueError:
        return raw


def _reader(kind: object) -> Callable[[object], object]:
    return partial(_choice, kind) if isinstance(kind, type) and issubclass(kind, StrEnum) else _READERS[kind]


def _choice(kind: type[StrEnum], raw: object) -> StrEnum:
    text = _text(raw)
    if wrong := one_of(*kind)(text):
        raise BadValueError(wrong)
    return kind(text)


def _whole(raw: object) -> int:
    if isinstance(raw, bool) or not isinstance(raw, int):
        raise BadValueError("must be a whole number")
    return raw


def _number(raw: object) -> float:
    try:
        if not isinstance(raw, bool) and isinstance(raw, int | float) and math.isfinite(raw):
            return float(raw)
    except OverflowError:  # an integer that no float holds
        pass
    raise BadValueError("must be a number")


def _text(raw: object) -> str:
    if not isinstance(raw, str):
        raise BadValueError("must be text in quotes")
    if "\0" in raw:
        raise BadValueError("must not hold a NUL character")
    if not is_utf8(raw):
        raise BadValueError("is not UTF-8 text")
    return raw


def _optional(raw: object) -> str | None:
    return _text(raw) or None  # TOML has no null


def _path(raw: object) -> Path:
    return Path(_text(raw))


def _switch(raw: object) -> bool:
    if not isinstance(raw, bool):
        raise BadValueError("must be true or false")
    return raw


def _texts(raw: object) -> tuple[str, ...]:
    if isinstance(raw, list) and all(isinstance(one, str) for one in raw):
        return tuple(_text(one) for one in raw)
    if isinstance(raw, str):
        return (_text(raw),)
    raise BadValueError("must be text in quotes, or a list of them")


_READERS: Final[Mapping[object, Callable[[object], object]]] = {
    int: _whole,
    float: _number,
    str: _text,
    str | None: _optional,
    Path: _path,
    bool: _switch,
    tuple[str, ...]: _texts,
    int | None: _whole,
}
