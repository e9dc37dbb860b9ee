"""Options that several commands share, declared once."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Annotated, Final

import typer

from synctl.clock import now_ms, today
from synctl.errors import UsageError
from synctl.words import shortened

JsonOption = Annotated[bool, typer.Option("--json", help="Write JSON for machines.")]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; kept in the audit trail.")]
RunsArgument = Annotated[list[str], typer.Argument(metavar="RUN...", help="Run ids, or unambiguous parts of them.")]
FromOption = Annotated[
    str | None,
    typer.Option("--from", metavar="DATE", help="First day: YYYY-MM-DD, today or tomorrow. Alone: that day."),
]
ToOption = Annotated[
    str | None, typer.Option("--to", metavar="DATE", help="Last day, included. Alone: from today to then.")
]
SinceOption = Annotated[
    str | None,
    typer.Option("--since", metavar="WHEN", help="Only from then on: an age (90m, 12h, 2d, 1w) or a date."),
]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run id, or an unambiguous part of it.")]


_AGE: Final = re.compile(r"([0-9]{1,5})([mhdw])", re.ASCII)
_SECONDS: Final = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_RELATIVE: Final = {"today": 0, "tomorrow": 1, "yesterday": -1}


def parse_date(text: str | None, option: str, today: date) -> date | None:
    """`2026-03-29`, `today`, `tomorrow` or `yesterday`. Raises UsageError that names the option."""
    if text is None:
        return None
    if text in _RELATIVE:
        return today + timedelta(days=_RELATIVE[text])
    try:
        if _DATE.fullmatch(text):  # fromisoformat reads 2026-W01-1, too
            return date.fromisoformat(text)
    except ValueError:
        pass
    raise UsageError(f"{option} {shortened(repr(text))} is no date", hint="write YYYY-MM-DD or `today`")


def parse_age(text: str | None, option: str) -> int | None:
    """Return the seconds of `45m`, `12h`, `30d` or `2w`. Raises UsageError that names the option."""
    if text is None:
        return None
    found = _AGE.fullmatch(text.strip())
    if found is None:
        raise UsageError(f"{option} {shortened(repr(text))} is no age", hint="write 45m, 12h, 30d or 2w")
    return int(found[1]) * _SECONDS[found[2]]


def parse_since(text: str | None) -> int | None:
    """Return the moment, in milliseconds, of an age ago (`2d`) or of a date's midnight in UTC. Raises UsageError."""
    if text is None:
        return None
    if _AGE.fullmatch(text.strip()):
        return now_ms() - (parse_age(text, "--since") or 0) * 1000
    try:
        day = parse_date(text, "--since", today())
    except UsageError:
        told = f"--since {shortened(repr(text))} is no age and no date"
        raise UsageError(told, hint="write 90m, 12h, 2d, 1w, YYYY-MM-DD or `today`") from None
    return None if day is None else round(datetime.combine(day, time(), UTC).timestamp() * 1000)
