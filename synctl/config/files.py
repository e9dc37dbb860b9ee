"""Which files the configuration comes from, and which were looked for."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from synctl.config.declare import BadValueError, absolute_path
from synctl.config.load import named_file
from synctl.config.locate import FILE_NAME, FILE_VARIABLE, own_file, user_home, working_directory


class Looked(msgspec.Struct, frozen=True):
    """A file that is looked for. `status` is `read`, `absent`, or `unread`: another one came first."""

    path: Path
    status: str
    why: str


def looked_for(environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> list[Looked]:
    """Return the files, the strongest first. Raises ConfigError where the working directory is gone."""
    environ = os.environ if environ is None else environ
    cwd = working_directory() if cwd is None else cwd
    return list(_files(environ, cwd))


def _files(environ: Mapping[str, str], cwd: Path) -> Iterator[Looked]:
    yield _looked(cwd / ".env", "variables of this folder")
    user = user_home(environ)
    places = [(cwd / FILE_NAME, "this folder's"), (own_file(environ, user), "the user's")]
    if named := named_file(environ, cwd):
        try:
            places.insert(0, (absolute_path(Path(named), cwd, user), f"{FILE_VARIABLE} names it"))
        except BadValueError as error:
            places.insert(0, (Path(named), f"{FILE_VARIABLE}: {error}"))
    first = None
    for path, why in places:
        if path is None:
            continue
        if first is None:
            found = _looked(path, why)
            first = path if found.status == "read" or named else None
            yield found
        else:
            yield Looked(path, "unread", f"{first} comes first")


def _looked(path: Path, why: str) -> Looked:
    return Looked(path, "read" if path.is_file() else "absent", why)
