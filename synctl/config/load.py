"""Reads the configuration: environment over `.env` over the TOML file over the defaults."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator, Mapping
from datetime import date, time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec
from msgspec.structs import replace

from synctl.config.declare import BadValueError, absolute_path
from synctl.config.endpoints import WrongKey
from synctl.config.keys import (
    PREFIX,
    SEPARATOR,
    Key,
    KeyPath,
    all_keys,
    build,
    children,
    entry_keys,
    find,
    groups,
    is_entry,
    is_table,
    names_entries,
    path_of,
)
from synctl.config.locate import (
    FILE_NAME,
    FILE_VARIABLE,
    default_home,
    own_file,
    user_home,
    working_directory,
)
from synctl.config.toml_file import ABSENT, TomlFile, read_text, read_toml
from synctl.errors import ConfigError
from synctl.redact import redacted
from synctl.suggest import did_you_mean
from synctl.words import shortened

if TYPE_CHECKING:
    from synctl.config.settings import Settings

TEST_PREFIX: Final = "SYNCTL_TEST_"
"""Variables of the test suite, which starts synctl with its own environment. Never settings."""
KUBERNETES: Final = re.compile(r"SYNCTL_(PORT(_.*)?|SERVICE_.*)")
"""Variables that Kubernetes sets in every pod where a Service is called `synctl`. Never settings."""


class _Given(msgspec.Struct, frozen=True):
    """A value somebody wrote. `origin` is for `config show`, `place` for errors."""

    key: Key
    raw: object
    origin: str
    place: str
    folder: Path
    text: bool

    def value(self, user: Path | None) -> object:
        try:
            return self.key.read(self.raw, self.folder, user, text=self.text)
        except BadValueError as error:
            shown = self.named if self.key.secret else f"{self.place} = {redacted(_shown(self.raw))}"
            raise ConfigError(f"{shown}: {error}") from error

    @property
    def named(self) -> str:
        """Its place, as an error begins. What follows `password:` would be taken for one, and masked."""
        told = f"{self.place}: what is wrong"
        return self.place if redacted(told) == told else f"{self.place} (hidden)"


class _Variable(msgspec.Struct, frozen=True):
    """An environment variable. `place` is its name, behind file and line if it comes from `.env`."""

    name: str
    text: str
    origin: str
    place: str


Report = Callable[[ConfigError], None]
"""Takes what is wrong. Either it raises, or the reading goes on with what comes next."""


def load_settings(environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> Settings:
    """Read the settings as seen from a working directory with an environment; by default, the process's.

    Raises ConfigError.
    """
    environ = os.environ if environ is None else environ
    cwd = working_directory() if cwd is None else cwd
    user = user_home(environ)
    config, variables = _read(environ, cwd, user, _refuse)
    given = {found.key.path: found for found in _given(config, variables, cwd, _refuse)}
    values = {path: found.value(user) for path, found in given.items()}
    origins = {key.name: "default" for key in all_keys()}
    origins.update({found.key.name: found.origin for found in given.values()})
    if not given.get(("home",)) or not given["home",].raw:
        values["home",] = default_home(environ, user)
        origins["home"] = "default"
    settings = replace(build(values, origins), file=config.path if config else None)
    try:
        _ = settings.redis_url, settings.database_url
    except WrongKey as error:  # that they do not go together, or a file they need
        by_name = {found.key.name: found for found in given.values()}
        raise ConfigError(f"{by_name[error.key].named}: {error.what}", hint=error.hint) from error
    return settings


def problems(environ: Mapping[str, str] | None = None, cwd: Path | None = None) -> list[ConfigError]:
    """Return everything that is wrong, also with values that others override. None: `load_settings` succeeds."""
    environ = os.environ if environ is None else environ
    found: list[ConfigError] = []
    try:
        cwd = working_directory() if cwd is None else cwd
        user = user_home(environ)
        homes = set()
        config, variables = _read(environ, cwd, user, found.append)
        for given in _given(config, variables, cwd, found.append):
            try:
                given.value(user)
            except ConfigError as error:
                found.append(error)
            homes |= {given.raw} if given.key.path == ("home",) else set()
        if not any(homes):
            default_home(environ, user)
        if not found:
            load_settings(environ, cwd)  # what belongs together
    except ConfigError as error:  # nothing could be read after it
        found.append(error)
    return found


def named_file(environ: Mapping[str, str], cwd: Path) -> str | None:
    """Return the path of the TOML file that SYNCTL_CONFIG names, in the environment or `.env`."""
    variables = {found.name: found for found in (*_dotenv(cwd, _ignore), *_environment(environ))}
    named = variables.get(FILE_VARIABLE)
    return named.text or None if named else None


def _refuse(error: ConfigError) -> None:
    raise error


def _ignore(_error: ConfigError) -> None:
    """The rest is of interest all the same."""


def _read(
    environ: Mapping[str, str], cwd: Path, user: Path | None, report: Report
) -> tuple[TomlFile | None, Mapping[str, _Variable]]:
    """Return the TOML file, if there is one, and the variables by name, the strongest of each."""
    variables = {found.name: found for found in (*_dotenv(cwd, report), *_environment(environ))}
    named = variables.pop(FILE_VARIABLE, None)
    try:
        return _config_file(named, environ, cwd, user), variables
    except ConfigError as error:
        report(error)
        return None, variables


def _given(config: TomlFile | None, variables: Mapping[str, _Variable], cwd: Path, report: Report) -> Iterator[_Given]:
    """Yield what is written, the strongest last."""
    if config:
        yield from _table(config, config.values, (), report)
    yield from _from_variables(variables, cwd, report)


def _environment(environ: Mapping[str, str]) -> Iterator[_Variable]:
    for name, text in environ.items():
        if name.startswith(PREFIX) and not name.startswith(TEST_PREFIX) and not KUBERNETES.fullmatch(name):
            yield _Variable(name, text, f"environment {name}", name)


def _dotenv(cwd: Path, report: Report) -> Iterator[_Variable]:
    try:
        # A folder of that name is somebody's virtual environment.
        text = read_text(cwd / ".env", ".env", absent=(*ABSENT, IsADirectoryError))
    except ConfigError as error:
        report(error)
        text = None
    if text is None:
        return
    from io import StringIO  # noqa: PLC0415 - only where there is a .env

    from dotenv.parser import parse_stream  # noqa: PLC0415

    for name, value, (written, above), broken in parse_stream(StringIO(text)):
        start = written.lstrip()
        line = above + written[: len(written) - len(start)].count("\n")
        if broken and start.removeprefix("export ").lstrip().startswith(PREFIX):
            report(ConfigError(f".env:{line}: cannot be read; write NAME=VALUE"))
        if name is None or not name.startswith(PREFIX) or name.startswith(TEST_PREFIX):
            continue  # other programs share the file
        place = f".env:{line}: {name}"
        if value is None:
            report(ConfigError(f"{place}: has no value; write {name}=VALUE"))
            continue
        yield _Variable(name, value, f".env:{line} {name}", place)


def _config_file(named: _Variable | None, environ: Mapping[str, str], cwd: Path, user: Path | None) -> TomlFile | None:
    if named is not None and named.text:
        try:
            path = absolute_path(Path(named.text), cwd, user)
        except BadValueError as error:
            raise ConfigError(f"{named.place} = {shortened(repr(named.text))}: {error}") from error
        found = read_toml(path, named.text)
        if found is None:
            raise ConfigError(f"{named.place} = {shortened(repr(named.text))}: no such file")
        return found
    if found := read_toml(cwd / FILE_NAME, FILE_NAME):
        return found
    own = own_file(environ, user)
    return read_toml(own, str(own)) if own else None


def _table(config: TomlFile, table: Mapping[str, Any], prefix: KeyPath, report: Report) -> Iterator[_Given]:
    for name, raw in table.items():
        path = (*prefix, name)
        key, place = find(path), f"{config.place(path)}: {'.'.join(path)}"
        if is_table(path):
            if not isinstance(raw, Mapping):
                report(ConfigError(f"{place}: is a table: write [{'.'.join(path)}] and keys below it"))
                continue
            yield from _table(config, raw, path, report)
            _require_complete(raw, path, place, report)
        elif names_entries(prefix):
            report(ConfigError(f"{place}: is no name: write small letters, digits, - and _, at most 40"))
        elif key is None:
            where = f"in [{'.'.join(prefix)}]" if prefix else "at the top"
            valid = children(prefix)
            near = did_you_mean(name, valid) or f"; the keys there are {', '.join(valid)}"
            report(ConfigError(f"{place}: no such key {where}{near}"))
        else:
            yield _Given(key, raw, config.place(path), place, config.path.parent, text=False)


def _require_complete(table: Mapping[str, Any], path: KeyPath, place: str, report: Report) -> None:
    for key in entry_keys(path) if is_entry(path) else ():
        if key.required and key.path[-1] not in table:
            report(ConfigError(f"{place}: lacks `{key.path[-1]}`"))


def _from_variables(variables: Mapping[str, _Variable], cwd: Path, report: Report) -> Iterator[_Given]:
    for name, found in variables.items():
        key = find(path_of(name))
        if names_entries(path_of(name)[:1]):
            report(ConfigError(f"{found.place}: can only be set in the TOML file"))
            continue
        if key is None or key.variable != name:
            known = [FILE_VARIABLE, *(key.variable for key in all_keys())]
            near = did_you_mean(name.upper(), known) or _group_hint(name)
            report(ConfigError(f"{found.place}: no such setting{near}"))
            continue
        yield _Given(key, found.text, found.origin, found.place, cwd, text=True)


def _group_hint(name: str) -> str:
    """Say what a group holds, for a variable that is like none of its settings."""
    group = path_of(name)[:1]
    if group not in groups():
        return ""
    return f"; {PREFIX}{group[0].upper()}{SEPARATOR}… is one of {', '.join(children(group))}"


def _shown(raw: object) -> str:
    """Write a value as the file does, cut where it is long."""
    if isinstance(raw, bool):
        return str(raw).lower()
    if isinstance(raw, date | time):
        return raw.isoformat()
    try:
        return shortened(repr(raw))
    except ValueError:
        return "a number of many digits"
