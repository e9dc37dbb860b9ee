"""`synctl config`: the settings in force and where each comes from, what is wrong with them, and their files."""

from __future__ import annotations

import json as json_text
from collections.abc import Iterator, Mapping, Sequence
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import typer

from synctl.cli.options import JsonOption
from synctl.cli.output import console, emit, emit_lines, say
from synctl.config import Settings, find, load_settings, looked_for, problems
from synctl.config.declare import value_of
from synctl.errors import ConfigError, ExitCode, NotFound, UsageError
from synctl.redact import HIDDEN, redacted
from synctl.suggest import did_you_mean
from synctl.words import shortened

if TYPE_CHECKING:
    from rich.console import Console


class Action(StrEnum):
    """What to tell of the configuration."""

    SHOW = "show"
    CHECK = "check"
    PATH = "path"


def config(
    action: Annotated[
        Action, typer.Argument(help="show: what is in force; check: all that is wrong; path: which files are read.")
    ],
    name: Annotated[
        str | None, typer.Argument(metavar="KEY", help="show: only this key or table: redis.url, sources.aladhan.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show the settings in force with their origin, check them, or tell which files are read. Changes nothing.

    show writes TOML with the origin of each value behind it; passwords are masked. check names each unknown key
    and bad value with file and line, all at once. --json: one object a line.

    \b
    Examples:
      synctl config show
      synctl config show redis
      synctl config show --json | jq 'select(.origin != "default")'
      synctl config check
      synctl config path

    Exit codes: 0 shown, or all is well; 2 something is wrong, or no such key.
    """
    if name is not None and action is not Action.SHOW:
        raise UsageError(f"{action} takes no key", hint="`synctl config show KEY` shows one")
    match action:
        case Action.SHOW:
            _show(name, json=json)
        case Action.CHECK:
            _check(json=json)
        case Action.PATH:
            _path(json=json)


class _Line(msgspec.Struct, frozen=True):
    key: tuple[str, ...]
    value: object
    origin: str

    @property
    def toml(self) -> str:
        shown = "" if self.value is None else self.value
        return f"{self.key[-1]} = {json_text.dumps(shown, ensure_ascii=False)}"

    def as_json(self) -> dict[str, object]:
        known = find(self.key)
        default = known.default if known else None
        return {
            "key": ".".join(self.key),
            "value": self.value,
            "origin": self.origin,
            "variable": known.variable if known else None,
            "default": None if isinstance(default, Path) else default,
        }


def _show(name: str | None, *, json: bool) -> None:
    settings = load_settings()
    lines = _chosen([_line(settings, key) for key in settings.origins], name)
    if json:
        emit_lines(line.as_json() for line in lines)
        return
    terminal = console()
    table: tuple[str, ...] = ()
    width = max(len(line.toml) for line in lines) + 2
    for number, line in enumerate(sorted(lines, key=lambda line: _place(lines, line))):
        if line.key[:-1] != table:
            table = line.key[:-1]
            terminal.print(f"{chr(10) if number else ''}[{'.'.join(table)}]", markup=False)
        _print(terminal, line, _note(settings, line), width)


def _print(terminal: Console, line: _Line, note: str, width: int) -> None:
    """Print a line of TOML and its origin: behind it, or above where there is no room."""
    from rich.text import Text  # noqa: PLC0415 - with the console

    comment = Text(f"# {note}", "dim" if line.origin == "default" else "bold")
    if width + len(comment) > terminal.width and len(line.toml) + 2 + len(comment) > terminal.width:
        terminal.print(comment, soft_wrap=True)
        terminal.print(Text(line.toml), soft_wrap=True)
        return
    room = min(width, terminal.width - len(comment))
    terminal.print(Text(f"{line.toml:<{room}}").append_text(comment), soft_wrap=True)


def _place(lines: Sequence[_Line], line: _Line) -> int:
    """Where a line stands: those of a table together, in the order of declaration."""
    return next(at for at, one in enumerate(lines) if one.key[:-1] == line.key[:-1])


def _line(settings: Settings, name: str) -> _Line:
    path = tuple(name.split("."))
    value: Any = settings
    for part in path:
        value = value[part] if isinstance(value, Mapping) else value_of(value, part)
    if isinstance(value, str | Path):
        known = find(path)
        whole = known is not None and known.secret and "://" not in str(value)
        value = HIDDEN if whole else redacted(str(value))
    return _Line(path, value, settings.origins[name])


def _note(settings: Settings, line: _Line) -> str:
    """The origin, and what an empty default stands for."""
    meant = {
        ("redis", "url"): f"the embedded Valkey in {settings.redis_dir}",
        ("database", "url"): redacted(settings.database_url),
    }
    return f"{line.origin}: {meant[line.key]}" if line.value is None and line.key in meant else line.origin


def _chosen(lines: Sequence[_Line], name: str | None) -> list[_Line]:
    if name is None:
        return list(lines)
    wanted = tuple(name.lower().split("."))
    chosen = [line for line in lines if line.key[: len(wanted)] == wanted]
    if not chosen:
        names = {".".join(line.key[:depth]) for line in lines for depth in range(1, len(line.key) + 1)}
        raise NotFound(
            f"no key {shortened(repr(name))}{did_you_mean(name.lower(), sorted(names))}", hint="`synctl config show`"
        )
    return chosen


def _check(*, json: bool) -> None:
    found = [*problems()] or [*_not_installed(load_settings())]
    for error in found:
        text = redacted(f"{error}; {error.hint}" if error.hint else str(error))
        emit({"message": text}) if json else say(text)
    if found:
        raise typer.Exit(ExitCode.USAGE)
    if not json:
        say("ok")


def _not_installed(settings: Settings) -> Iterator[ConfigError]:
    """Yield what only the list of resources tells: workers or schedules of one that there is not."""
    from synctl.engine import registry, schedules  # noqa: PLC0415 - reads what is installed

    for resource, count in settings.workers.items():
        if count and resource not in registry.names():
            origin = settings.origins[f"workers.{resource}"]
            yield ConfigError(
                f"{origin}: workers.{resource} = {count}: no such resource{did_you_mean(resource, registry.names())}"
            )
    yield from schedules.wrong_resources(settings)


def _path(*, json: bool) -> None:
    found = looked_for()
    if json:
        emit([{"path": str(one.path), "status": one.status, "why": one.why} for one in found])
        return
    for one in found:
        say(f"{one.status:<6}  {one.path}  ({one.why})")
