"""`synctl doctor`: what is wrong, and what to type."""

from __future__ import annotations

import io
import sys
from collections.abc import Iterable
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated

import typer

from synctl.cli.listing import NARROWEST
from synctl.cli.options import JsonOption
from synctl.cli.output import console, count, emit, say
from synctl.config import load_settings

if TYPE_CHECKING:
    from synctl.engine.doctor import Finding

MARKS = {
    "ok": ("✓", "+", "green"),
    "warning": ("!", "!", "yellow"),
    "error": ("✗", "x", "red"),
    "skipped": ("-", "-", ""),
}
"""By status: the mark, the same for a terminal without Unicode, and its colour."""
CHECK_COLUMN = 19
"""The longest name is `upstream hadith_api`."""


def doctor(
    offline: Annotated[bool, typer.Option("--offline", help="Do not connect to the upstreams.")] = False,
    json: JsonOption = False,
) -> None:
    """Check everything a sync needs and say what is wrong and what to type. Changes nothing.

    \b
    Examples:
      synctl doctor
      synctl doctor --offline
      synctl doctor --json | jq '.[] | select(.status == "error")'

    Exit codes: 0 all well or only warnings, 10 Redis or database unreachable, else 5 the database or its
    reference data is missing or out of date, else 4 another error.
    """
    from synctl.engine.doctor import examine, exit_code  # noqa: PLC0415

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")  # a path may hold what the terminal cannot show
    findings = examine(load_settings, offline=offline)
    if json:
        found = list(findings)
        emit([finding.as_json() for finding in found])
    else:
        found = _shown(findings)
    raise typer.Exit(exit_code(found))


def _shown(findings: Iterable[Finding]) -> list[Finding]:
    """Print each finding as it comes, and how many are bad."""
    from rich.text import Text  # noqa: PLC0415 - with the console

    terminal = console()
    found = []
    for finding in findings:
        found.append(finding)
        mark, plain, style = MARKS[finding.status]
        line = Text(plain if terminal.options.ascii_only else mark, style)
        told = f"{finding.message}; {finding.hint}" if finding.hint else finding.message
        first, *more = _folded(told, terminal.width) if terminal.is_terminal else [told]
        line.append(f" {finding.check:<{CHECK_COLUMN}}  {first}", "default")
        for rest in more:
            line.append(f"\n{'':{CHECK_COLUMN + 4}}{rest}", "default")
        terminal.print(line, soft_wrap=True)
    statuses = [str(finding.status) for finding in found]
    errors, warnings = statuses.count("error"), statuses.count("warning")
    if errors or warnings:
        say(f"{count(errors, 'error')}, {count(warnings, 'warning')}.")
    else:
        say("All well.")
    return found


def _folded(text: str, columns: int) -> list[str]:
    """Return the lines that the text takes beside the names of the checks; longer words, as paths are, stay whole."""
    room = columns - CHECK_COLUMN - 4
    if room < NARROWEST:
        return [text]
    return wrap(text, room, break_long_words=False, break_on_hyphens=False) or [text]
