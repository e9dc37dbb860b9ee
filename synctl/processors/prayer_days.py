"""The days of prayer times: which are asked for, and how they are cut at what one call answers."""

from __future__ import annotations

from calendar import monthrange
from datetime import date

from synctl.dates import span
from synctl.errors import UsageError
from synctl.resource import Selectors

FIRST_YEAR, LAST_YEAR = 1900, 2200
"""Outside of these the formulas drift, and zones were not kept."""


def dates(selectors: Selectors, today: date) -> tuple[date, date]:
    """Return the first and last day. Raises UsageError for what cannot be synced."""
    if selectors.year is not None:
        if selectors.first or selectors.last:
            raise UsageError("--year and --from/--to exclude each other")
        first, last = _year(selectors.year)
    elif selectors.first or selectors.last:
        first, last = span(selectors.first, selectors.last, today)
    else:
        first, last = _year(today.year)
    if first.year < FIRST_YEAR or last.year > LAST_YEAR:
        raise UsageError(f"{first} to {last}: years {FIRST_YEAR} to {LAST_YEAR} can be synced")
    return first, last


def spans(first: date, last: date) -> list[tuple[date, date]]:
    """Cut a range at what one call answers: whole years where it covers them, months elsewhere."""
    found: list[tuple[date, date]] = []
    start = first
    while start <= last:
        year_end = date(start.year, 12, 31)
        month_end = date(start.year, start.month, monthrange(start.year, start.month)[1])
        whole_year = (start.month, start.day) == (1, 1) and year_end <= last
        end = year_end if whole_year else min(month_end, last)
        found.append((start, end))
        start = date.fromordinal(end.toordinal() + 1)
    return found


def larger(first: date, last: date) -> list[tuple[date, date]]:
    """Return the month and the year that hold these days, as far as they are larger."""
    year, month = first.year, first.month
    whole = [(date(year, month, 1), date(year, month, monthrange(year, month)[1])), _year(year)]
    return [span for span in whole if span[0] <= first and last <= span[1] and span != (first, last)]


def _year(year: int) -> tuple[date, date]:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise UsageError(f"--year {year}: years {FIRST_YEAR} to {LAST_YEAR} can be synced")
    return date(year, 1, 1), date(year, 12, 31)
