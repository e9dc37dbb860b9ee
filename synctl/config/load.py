"""Reads the configuration: environment over `.env` over the TOML file over the defaults."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from synctl.config.declare import BadValueError
from synctl.config.keys import (
    PREFIX,
    SEPARATOR,
    Key,
    KeyPath,
    all_keys,
    build,
    children,
    find,
    groups,
    path_of,
)
from synctl.config.toml_file import TomlFile, read_text, read_toml
from synctl.errors import ConfigError
from synctl.suggest import did_you_mean

if TYPE_CHECKING:
    from synctl.config.settings import Settings

FILE_NAME: Final = "synctl.toml"
FILE_VARIABLE: Final = "SYNCTL_CONFIG"
"""Names the TOML file, which must then exist."""
TEST_PREFIX: Final = "SYNCTL_TEST_"
"""Variables of the test suite, which starts synctl with its own environment. Never settings."""


@dataclass(frozen=True, slots=True)
class _Given:
    """A value somebody wrote. `origin` is for `config show`, `place` for errors."""

    key: Key
    raw: object
    origin: str
    place: str
    folder: Path
    text: bool

    def value(self, user: Path) -> object:
        try:
            return self.key.read(self.raw, self.folder, user, text=self.text)
        except BadValueError as error:
            shown = self.place if self.key.secret else f"{self.place} = {self.raw!r}"
            raise ConfigError(f"{shown}: {error}") from error


@dataclass(frozen=True, slots=True)
class _Variable:
    """An environment variable. `place` is its name, behind file and line if it comes from `.env`."""

    name: str
    text: str
    origin: str
    place: str


def load_settings(environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Settings:
    """Read the settings as seen from a working directory with an environment; by default, the process's.

    Raises ConfigError.
    """
    environ = os.environ if environ is None else environ
    cwd = Path.cwd() if cwd is None else cwd
    user = Path(environ["HOME"]) if environ.get("HOME") else Path.home()
    variables = {found.name: found for found in (*_dotenv(cwd), *_environment(environ))}
    config = _config_file(variables.pop(FILE_VARIABLE, None), environ, cwd, user)
    given = {
        found.key.path: found for found in (*(_from_toml(config) if config else ()), *_from_variables(variables, cwd))
    }
    values = {path: found.value(user) for path, found in given.items()}
    origins = {key.name: "default" for key in all_keys()}
    origins.update({found.key.name: found.origin for found in given.values()})
    if not given.get(("home",)) or not given["home",].raw:
        values["home",] = _default_home(environ, user)
        origins["home"] = "default"
    return build(values, origins)


def _default_home(environ: Mapping[str, str], user: Path) -> Path:
    return _xdg(environ, "XDG_DATA_HOME", user / ".local" / "share") / "synctl"


def _xdg(environ: Mapping[str, str], name: str, default: Path) -> Path:
    folder = Path(environ.get(name, ""))
    return folder if folder.is_absolute() else default  # the standard says to ignore relative ones


def _environment(environ: Mapping[str, str]) -> Iterator[_Variable]:
    for name, text in environ.items():
        if name.startswith(PREFIX) and not name.startswith(TEST_PREFIX):
            yield _Variable(name, text, f"environment {name}", name)


def _dotenv(cwd: Path) -> Iterator[_Variable]:
    text = read_text(cwd / ".env", ".env")
    if text is None:
        return
    from io import StringIO  # noqa: PLC0415 - only where there is a .env

    from dotenv import dotenv_values  # noqa: PLC0415

    lines = text.splitlines()
    for name, value in dotenv_values(stream=StringIO(text), interpolate=False).items():
        if not name.startswith(PREFIX) or name.startswith(TEST_PREFIX):
            continue
        starts = (name, f"export {name}")
        number = next((n for n, line in enumerate(lines, 1) if line.lstrip().startswith(starts)), 1)
        place = f".env:{number}: {name}"
        if value is None:
            raise ConfigError(f"{place}: has no value; write {name}=VALUE")
        yield _Variable(name, value, f".env:{number} {name}", place)


def _config_file(named: _Variable | None, environ: Mapping[str, str], cwd: Path, user: Path) -> TomlFile | None:
    if named is not None and named.text:
        path = cwd / Path(named.text)
        found = read_toml(path, named.text)
        if found is None:
            raise ConfigError(f"{named.place} = {named.text!r}: no such file")
        return found
    home = _xdg(environ, "XDG_CONFIG_HOME", user / ".config") / "synctl" / FILE_NAME
    return read_toml(cwd / FILE_NAME, FILE_NAME) or read_toml(home, str(home))


def _from_toml(config: TomlFile) -> Iterator[_Given]:
    yield from _table(config, config.values, ())


def _table(config: TomlFile, table: Mapping[str, Any], prefix: KeyPath) -> Iterator[_Given]:
    for name, raw in table.items():
        path = (*prefix, name)
        key, place = find(path), f"{config.place(path)}: {'.'.join(path)}"
        if path in groups():
            if not isinstance(raw, Mapping):
                raise ConfigError(f"{place}: is a table: write [{'.'.join(path)}] and keys below it")
            yield from _table(config, raw, path)
        elif key is None:
            where = f"in [{'.'.join(prefix)}]" if prefix else "at the top"
            valid = children(prefix)
            near = did_you_mean(name, valid) or f"; the keys there are {', '.join(valid)}"
            raise ConfigError(f"{place}: no such key {where}{near}")
        else:
            yield _Given(key, raw, config.place(path), place, config.path.parent, text=False)


def _from_variables(variables: Mapping[str, _Variable], cwd: Path) -> Iterator[_Given]:
    for name, found in variables.items():
        key = find(path_of(name))
        if key is None or key.variable != name:
            known = [FILE_VARIABLE, *(key.variable for key in all_keys())]
            near = did_you_mean(name.upper(), known) or _group_hint(name)
            raise ConfigError(f"{found.place}: no such setting{near}")
        yield _Given(key, found.text, found.origin, found.place, cwd, text=True)


def _group_hint(name: str) -> str:
    """Say what a group holds, for a variable that is like none of its settings."""
    group = path_of(name)[:1]
    if group not in groups():
        return ""
    return f"; {PREFIX}{group[0].upper()}{SEPARATOR}… is one of {', '.join(children(group))}"
