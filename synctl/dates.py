"""What days `--from` and `--to` mean."""

from __future__ import annotations

from typing import TYPE_CHECKING

from synctl.errors import UsageError

if TYPE_CHECKING:
    from datetime import date


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
