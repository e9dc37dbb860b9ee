"""The command group: knows every command by name and loads only the one that is called."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Annotated, Any, Final

import typer
from typer.core import TyperGroup

from synctl import __version__
from synctl.cli.coercion import PlainCommand, converted_plainly
from synctl.cli.commands import COMMANDS
from synctl.errors import ExitCode, UsageError
from synctl.suggest import did_you_mean

_EXIT_CODES: Final = ", ".join(f"{code.value} {code.name.lower()}" for code in ExitCode)


class LazyGroup(TyperGroup):
    """Lists its commands without importing them."""

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters, `--help` among them."""
        return converted_plainly(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the table, which is the order of need."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command's module and build the command."""
        entry = COMMANDS.get(cmd_name)
        if entry is None:
            raise UsageError(
                f"no command {cmd_name!r}{did_you_mean(cmd_name, COMMANDS)}",
                hint="`synctl --help` lists the commands",
            )
        module, _, function = entry.target.partition(":")
        return _build(cmd_name, getattr(import_module(module), function))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in COMMANDS.items() if not entry.hidden])


def command_group() -> Any:
    """Return the whole command line, nothing of it loaded."""
    app = typer.Typer(
        cls=LazyGroup,
        name="synctl",
        no_args_is_help=True,
        rich_markup_mode=None,  # rich would cost a third of the start-up time of `--help`
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
        epilog=f"Exit codes: {_EXIT_CODES}. `synctl help exit-codes` explains them, `synctl help COMMAND` a command.",
    )
    app.callback()(_root)
    return typer.main.get_command(app)


def _root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    """Keep prayer times, Quran texts and hadith collections in a database in step with their publishers."""
    if version:
        typer.echo(f"synctl {__version__}")
        raise typer.Exit


def _build(name: str, function: Callable[..., Any]) -> Any:
    app = typer.Typer(
        rich_markup_mode=None,
        add_completion=False,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.command(name, cls=PlainCommand, help=function.__doc__)(function)
    return typer.main.get_command(app)
