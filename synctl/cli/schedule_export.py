"""`synctl schedule export`: the schedules for systemd or cron, instead of `schedule run`."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

import typer

from synctl.cli import crontab, timers
from synctl.cli.output import say, warn
from synctl.config import Settings, all_keys, load_settings
from synctl.config.schedules import Schedule
from synctl.engine import schedules
from synctl.errors import ExitCode, SynctlError, UsageError
from synctl.on_calendar import Untranslatable


def export(
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="Only these; all that are enabled.")] = None,
    systemd: Annotated[bool, typer.Option("--systemd", help="A service and a timer for each.")] = False,
    cron: Annotated[bool, typer.Option("--crontab", help="A line of a crontab for each.")] = False,
    to: Annotated[
        Path | None, typer.Option("--to", metavar="FOLDER", help="With --systemd: write the files there.")
    ] = None,
) -> None:
    """Write schedules as systemd timers or as a crontab, for machines where `schedule run` is not wanted.

    They queue what `schedule run` would, without its bookkeeping: nothing elects a leader or records slots,
    but a run has one id a day whoever queues it. What cannot be translated is said on standard error and
    left out.

    \b
    Examples:
      synctl schedule export --systemd --to /etc/systemd/system
      synctl schedule export nightly --systemd
      synctl schedule export --crontab

    Exit codes: 0 written, 1 a file cannot be written, 2 wrong configuration, or a schedule that cannot be
    translated.
    """
    if systemd == cron:
        raise UsageError("export writes for systemd or for cron", hint="give one of --systemd and --crontab")
    if to is not None and not systemd:
        raise UsageError("--to goes with --systemd", hint="redirect the crontab into a file")
    settings = load_settings()
    schedules.require_resources(settings)
    chosen = {name: schedules.require(settings, name) for name in names or _enabled(settings)}
    if not chosen:
        raise UsageError("the configuration has no schedule that is enabled", hint="write one into synctl.toml")
    _tell_what_is_left(settings)
    whole = _crontab(chosen, settings) if cron else _systemd(chosen, settings, to)
    raise typer.Exit(ExitCode.OK if whole else ExitCode.USAGE)


def _enabled(settings: Settings) -> Iterator[str]:
    return (name for name, one in settings.schedule.items() if one.enabled)


def _crontab(chosen: Mapping[str, Schedule], settings: Settings) -> bool:
    whole = True
    say(crontab.HEAD.rstrip())
    for name, one in chosen.items():
        try:
            text = crontab.entry(name, one, _program(), _environment(settings))
        except Untranslatable as error:
            whole = _left_out(name, one, error)
        else:
            say()
            say(text.rstrip())
            _tell(name, crontab.notes(one))
    return whole


def _systemd(chosen: Mapping[str, Schedule], settings: Settings, to: Path | None) -> bool:
    whole = True
    files: dict[str, str] = {}
    for name, one in chosen.items():
        try:
            files |= timers.units(name, one, _program(), _environment(settings))
        except Untranslatable as error:
            whole = _left_out(name, one, error)
        else:
            _tell(name, timers.notes(one))
    for name, text in files.items():
        if to is None:
            say(f"# {name}\n{text}")
        else:
            _write(to / name, text)
            say(str(to / name))
    return whole


def _left_out(name: str, schedule: Schedule, error: Untranslatable) -> bool:
    say(f"# {name} ({schedule.cron}) is left out: {error}")
    warn(f"schedule {name} ({schedule.cron}) is left out: {error}")
    return False


def _tell(name: str, notes: list[str]) -> None:
    for note in notes:
        warn(f"schedule {name}: {note}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise SynctlError(f"cannot write {path}: {error.strerror}") from error


def _tell_what_is_left(settings: Settings) -> None:
    """Name what only this environment sets: it may be a password, so it is not written down."""
    for key in all_keys():
        origin = settings.origins[key.name]
        if key.path != ("home",) and origin != "default" and origin.endswith(key.variable):
            warn(f"{key.variable} is set here only ({origin}): put it into the file, too")


def _program() -> list[str]:
    """Return the words that start this program from anywhere."""
    if Path(sys.argv[0]).name == "__main__.py":
        return [sys.executable, "-m", "synctl"]
    found = shutil.which(sys.argv[0])
    return [str(Path(found).absolute())] if found else [sys.executable, "-m", "synctl"]


def _environment(settings: Settings) -> dict[str, str]:
    """Return what makes a command find what this one found, whatever its working directory."""
    file = {"SYNCTL_CONFIG": str(settings.file)} if settings.file else {}
    return {**file, "SYNCTL_HOME": str(settings.home)}
