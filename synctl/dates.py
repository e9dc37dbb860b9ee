"""What people write for days and ages, and what days `--from` and `--to` mean."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from synctl.errors import UsageError

_AGE: Final = re.compile(r"([0-9]{1,5})([mhdw])", re.ASCII)
_SECONDS: Final = {"m": 60, "h": 3600, "d": 86_400, "w": 7 * 86_400}
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_RELATIVE: Final = {"today": 0, "tomorrow": 1, "yesterday": -1}


def day(text: str, today: date) -> date | None:
    """Return the day of `2026-03-29`, `today`, `tomorrow` or `yesterday`; None for anything else."""
    if text in _RELATIVE:
        return today + timedelta(days=_RELATIVE[text])
    try:
        return date.fromisoformat(text) if _DATE.fullmatch(text) else None  # it reads 2026-W01-1, too
    except ValueError:
        return None


def seconds(text: str) -> int | None:
    """Return the seconds of `45m`, `12h`, `30d` or `2w`; None for anything else."""
    found = _AGE.fullmatch(text.strip())
    return int(found[1]) * _SECONDS[found[2]] if found else None


def since(text: str, now_ms: int) -> int | None:
    """Return the moment, in milliseconds, of an age ago (`2d`) or of a date's midnight in UTC; None for others."""
    if (age := seconds(text)) is not None:
        return now_ms - age * 1000
    found = day(text, datetime.fromtimestamp(now_ms / 1000, UTC).date())
    return None if found is None else round(datetime.combine(found, time(), UTC).timestamp() * 1000)


def span(first: date | None, last: date | None, today: date) -> tuple[date, date]:
    """Return the first and last day: `--from` alone is that day, `--to` alone is today to then, neither is today.

    Raises UsageError where the first lies after the last.
    """
    if first is None and last is not None and last < today:
        raise UsageError(f"--to {last} lies in the past", hint="give --from, too")
    start = first or today
    end = last or start
    if start > end:
        raise UsageError(f"--from {start} lies after --to {end}")
    return start, end
