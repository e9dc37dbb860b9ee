"""Options that several commands share, declared once."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Annotated

import typer

from synctl.clock import today
from synctl.errors import UsageError

JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for machines.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit trail.")]
RunsArgument = Annotated[list[str], typer.Argument(metavar="RUN...", help="Run ids, or unambiguous parts of them.")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run id, or an unambiguous part of it.")]


def parse_date(text: str | None, option: str) -> date | None:
    """`2026-03-29`, `today`, `tomorrow` or `yesterday`. Raises UsageError that names the option."""
    if text is None:
        return None
    relative = {"today": 0, "tomorrow": 1, "yesterday": -1}
    if text in relative:
        return today() + timedelta(days=relative[text])
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise UsageError(f"{option} {text!r} is no date", hint="write YYYY-MM-DD or `today`") from None
