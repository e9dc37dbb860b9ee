"""Writes docs/commands.md, the help of every command as the program prints it: `make docs`."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path
from typing import Final

from synctl.cli.app import command_group
from synctl.cli.commands import COMMANDS
from synctl.cli.main import run

PAGE: Final = Path(__file__).parents[1] / "docs" / "commands.md"
INTRODUCTION: Final = """# Commands

What `synctl COMMAND --help` prints, made by `make docs`. Fields of `--json`: [JSON output](json.md); what the numbers
mean: [exit codes](exit-codes.md).
"""


def page() -> str:
    """Return the page."""
    shown = (name for name, entry in COMMANDS.items() if not entry.hidden)
    helps = (f"## synctl {' '.join(words)}\n\n```\n{_help(words)}```\n" for name in shown for words in _commands(name))
    return "\n".join([INTRODUCTION, *helps])


def _commands(name: str) -> Iterator[list[str]]:
    """Yield a command and those below it."""
    yield [name]
    command = command_group().get_command(None, name)
    for inner in command.list_commands(None) if hasattr(command, "list_commands") else ():
        yield [name, inner]


def _help(words: list[str]) -> str:
    out = io.StringIO()
    with redirect_stdout(out):
        run([*words, "--help"])
    return out.getvalue()


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
