"""The command group: knows every command by name and loads only the one that is called."""

from __future__ import annotations

import gc
from collections.abc import Callable, Mapping
from importlib import import_module
from types import ModuleType
from typing import Annotated, Any, ClassVar, Final

import typer
from typer.core import TyperGroup

from synctl import __version__
from synctl.cli.coercion import PlainCommand, converted_plainly
from synctl.cli.commands import COMMANDS, Entry
from synctl.errors import ExitCode, UsageError
from synctl.suggest import did_you_mean
from synctl.words import shortened

_EXIT_CODES: Final = ", ".join(f"{code.value} {code.name.lower()}" for code in ExitCode)
_MANNERS: Final[dict[str, Any]] = {
    "rich_markup_mode": None,  # rich would cost a third of the start-up time of `--help`
    "add_completion": False,
    "context_settings": {"help_option_names": ["-h", "--help"], "max_content_width": 100},
}


class LazyGroup(TyperGroup):
    """Lists its commands without importing them."""

    program: ClassVar = "synctl"
    table: ClassVar[Mapping[str, Entry]] = COMMANDS

    def get_params(self, ctx: Any) -> Any:
        """Return the parameters, `--help` among them."""
        return converted_plainly(super().get_params(ctx))

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names in the order of the table, which is the order of need."""
        return list(self.table)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import a command's module and build the command."""
        entry = self.table.get(cmd_name)
        if entry is None:
            raise UsageError(
                f"no command {shortened(repr(cmd_name))}{did_you_mean(cmd_name, self.table)}",
                hint=f"`{self.program} --help` lists the commands",
            )
        module, _, function = entry.target.partition(":")
        return _build(cmd_name, getattr(_imported(module), function))

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the list of commands from the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.summary) for name, entry in self.table.items() if not entry.hidden])


def _imported(module: str) -> ModuleType:
    """Import what a command needs, without the garbage collector: modules stay, and it would look at them ten times."""
    gc.disable()
    try:
        return import_module(module)
    finally:
        gc.enable()
        gc.freeze()


def command_group() -> Any:
    """Return the whole command line, nothing of it loaded."""
    app = typer.Typer(
        cls=LazyGroup,
        name="synctl",
        no_args_is_help=True,
        **_MANNERS,
        epilog=f"Exit codes: {_EXIT_CODES}. `synctl help exit-codes` explains them, `synctl help COMMAND` a command.",
    )
    app.callback()(_root)
    return typer.main.get_command(app)


def _version(wanted: bool) -> None:
    """Print it before the command is looked for, which `--version` does without."""
    if wanted:
        typer.echo(f"synctl {__version__}")
        raise typer.Exit


def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Keep prayer times, Quran texts and hadith collections in a database in step with their publishers."""


def subgroup(name: str, group: type[LazyGroup], root: Callable[..., None]) -> typer.Typer:
    """Return a command that has commands of its own; the docstring of `root` is its help."""
    app = typer.Typer(cls=group, name=name, no_args_is_help=True, **_MANNERS)
    app.callback(help=root.__doc__)(root)
    return app


def _build(name: str, target: Callable[..., Any] | typer.Typer) -> Any:
    if isinstance(target, typer.Typer):
        return typer.main.get_command(target)
    app = typer.Typer(**_MANNERS)
    app.command(name, cls=PlainCommand, help=target.__doc__)(target)
    return typer.main.get_command(app)
