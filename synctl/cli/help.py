"""`synctl help`: the help of a command, the exit codes, the environment variables."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from textwrap import wrap
from typing import Annotated, Final

import typer

from synctl.cli.commands import COMMANDS
from synctl.cli.options import JsonOption
from synctl.cli.output import emit, say
from synctl.errors import ExitCode, NotFound, UsageError
from synctl.suggest import did_you_mean
from synctl.words import shortened

TOPICS: Final = {
    "exit-codes": "What each exit code means",
    "environment": "The environment variables that are read",
}
OTHERS: Final = {
    "SYNCTL_CONFIG": "Path of the TOML file, instead of ./synctl.toml or that in the user's folder.",
    "NO_COLOR": "Set to anything: no colours.",
    "XDG_CONFIG_HOME": "Folder of synctl/synctl.toml; ~/.config where it is not set.",
    "XDG_DATA_HOME": "Folder of synctl's own, unless `home` is set; ~/.local/share where it is not set.",
    "https_proxy": "Proxy to the upstreams; also http_proxy, all_proxy and no_proxy.",
}
"""Variables that are no keys of the configuration."""


def show_help(
    words: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="A command, `exit-codes` or `environment`.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show the help of a command, or a topic: exit-codes, environment. --json is for the topics.

    \b
    Examples:
      synctl help
      synctl help enqueue
      synctl help exit-codes
      synctl help environment --json

    Exit codes: 0 shown, 2 no such command or topic.
    """
    first = words[0] if words else ""
    if len(words or ()) == 1 and first in TOPICS:
        _exit_codes(json=json) if first == "exit-codes" else _environment(json=json)
        return
    if first in TOPICS:
        raise UsageError(f"{first} is a topic, with nothing behind it", hint=f"`synctl help {first}` shows it")
    if json:
        raise UsageError("--json is for topics", hint=f"one of: {', '.join(TOPICS)}")
    if first and first not in COMMANDS:
        near = did_you_mean(first, (*COMMANDS, *TOPICS))
        raise NotFound(f"no command or topic {shortened(repr(first))}{near}", hint="`synctl help` lists the commands")
    from synctl.cli.app import command_group  # noqa: PLC0415 - it lists this module's command, too

    command_group().main(args=[*(words or ()), "--help"], prog_name="synctl", standalone_mode=False)


def _exit_codes(*, json: bool) -> None:
    if json:
        emit([{"code": int(code), "name": code.name, "meaning": code.meaning} for code in ExitCode])
        return
    _definitions((f"{code.value:>3}  {code.name}", code.meaning) for code in ExitCode)


def _environment(*, json: bool) -> None:
    from synctl.config import all_keys  # noqa: PLC0415 - only for this topic

    keys = [(key.variable, key.name, key.doc) for key in all_keys()]
    if json:
        emit(
            [
                *({"variable": variable, "key": name, "meaning": doc} for variable, name, doc in keys),
                *({"variable": variable, "key": None, "meaning": doc} for variable, doc in OTHERS.items()),
            ]
        )
        return
    say("A variable wins over the same key in the TOML file; `synctl config show` tells what is in force.")
    say()
    _definitions((*((variable, doc) for variable, _, doc in keys), *OTHERS.items()))


def _definitions(entries: Iterator[tuple[str, str]] | tuple[tuple[str, str], ...]) -> None:
    """Write names and texts in two columns, or below each other where the terminal is narrow."""
    listed = list(entries)
    width = shutil.get_terminal_size().columns
    column = max(len(name) for name, _ in listed) + 2
    beside = column <= width // 2
    for name, text in listed:
        indent = column if beside else 4
        lines = wrap(text, max(width - indent, 20))
        if not beside:
            say(name)
            lines = ["", *lines]
        for number, line in enumerate(lines):
            if number or beside:
                say(f"{name if beside and number == 0 else '':<{indent}}{line}".rstrip())
