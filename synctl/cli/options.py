"""Options that several commands share, declared once."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import typer

from synctl import dates
from synctl.clock import now_ms
from synctl.errors import UsageError
from synctl.words import shortened

JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for machines.")]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing on success.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit trail.")]
RunsArgument = Annotated[list[str], typer.Argument(metavar="RUN", help="Run ids, or unambiguous parts of them.")]
FromOption = Annotated[
    str | None,
    typer.Option(
        "--from", metavar="DATE", help="First day: YYYY-MM-DD, today, tomorrow or yesterday. Alone: that day."
    ),
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="DATE", help="Last day, included. Alone: from today to then.")
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="Only from then on: an age (90m, 12h, 2d, 1w) or a date."),
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run id, or an unambiguous part of it.")]


def parse_date(text: str | None, option: str, today: date) -> date | None:
    """`2026-03-29`, `today`, `tomorrow` or `yesterday`. Raises UsageError that names the option."""
    if text is None:
        return None
    found = dates.day(text, today)
    if found is None:
        raise UsageError(f"{option} {shortened(repr(text))} is no date", hint="write YYYY-MM-DD or `today`")
    return found


def parse_age(text: str | None, option: str) -> int | None:
    """Return the seconds of `45m`, `12h`, `30d` or `2w`. Raises UsageError that names the option."""
    if text is None:
        return None
    found = dates.seconds(text)
    if found is None:
        raise UsageError(f"{option} {shortened(repr(text))} is no age", hint="write 45m, 12h, 30d or 2w")
    return found


def parse_since(text: str | None) -> int | None:
    """Return the moment, in milliseconds, of an age ago (`2d`) or of a date's midnight in UTC. Raises UsageError."""
    if text is None:
        return None
    found = dates.since(text, now_ms())
    if found is None:
        told = f"--since {shortened(repr(text))} is no age and no date"
        raise UsageError(told, hint="write 90m, 12h, 2d, 1w, YYYY-MM-DD or `today`")
    return found
