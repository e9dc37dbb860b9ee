"""Cron expressions: what they mean when clocks change, looking ahead and back, and what is none."""

from __future__ import annotations

import random
from datetime import UTC, datetime
from itertools import takewhile

import pytest

from synctl.cron import Cron, wrong_expression

HOUR = 3_600_000
ZONES = ("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca", "Asia/Karachi")
EXPRESSIONS = ("30 2 * * *", "*/20 * * * *", "0,30 1-3 * * *", "15,45 2 * * *", "0 * * * *", "10-50/10 0,2,3 * * *")
CHANGES = (
    "2026-02-15",
    "2026-03-08",
    "2026-03-22",
    "2026-03-29",
    "2026-04-05",
    "2026-10-04",
    "2026-10-25",
    "2026-11-01",
)
"""Days on which clocks change in one of the zones."""


def at(text: str) -> int:
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@pytest.mark.parametrize("zone", ZONES)
@pytest.mark.parametrize("expression", EXPRESSIONS)
def test_whoever_looks_ahead_or_back_from_anywhere_sees_the_same_times(expression: str, zone: str) -> None:
    cron, chance = Cron(expression, zone), random.Random(f"{expression} {zone}")
    for change in CHANGES:
        start, end = at(change) - 30 * HOUR, at(change) + 40 * HOUR
        known = list(takewhile(lambda moment, end=end: moment <= end, cron.after(start)))  # type: ignore[misc]
        assert known == sorted(set(known))
        assert known
        for _ in range(25):
            after = start + chance.randrange(60 * 60) * 60_000
            until = after + chance.randrange(8 * 60) * 60_000
            expected = [moment for moment in known if after < moment <= until]
            assert cron.between(after, until, newest=1000) == expected
            assert list(takewhile(lambda moment, until=until: moment <= until, cron.after(after))) == expected  # type: ignore[misc]
            assert cron.between(after, until, newest=2) == expected[-2:]


def test_in_an_hour_that_is_shown_twice_what_came_in_the_first_is_not_next() -> None:
    nightly = Cron("30 2 * * *", "Europe/Berlin")
    assert next(nightly.after(at("2026-10-25 00:29"))) == at("2026-10-25 00:30")
    assert next(nightly.after(at("2026-10-25 01:10"))) == at("2026-10-26 01:30")


@pytest.mark.parametrize(
    ("expression", "wrong"),
    {
        "15 2 * * *": None,
        "0 0 29 2 *": None,
        "0 9 * * MON#2": None,
        "0 9 L * *": None,
        "": "must have five fields, minute hour day month weekday, such as '15 2 * * *'",
        "@daily": "must have five fields, minute hour day month weekday, such as '15 2 * * *'",
        "0 15 2 * * *": "must have five fields, minute hour day month weekday, such as '15 2 * * *'",
        "60 * * * *": "its minute cannot be; it has five fields, minute hour day month weekday, such as '15 2 * * *'",
        "0 2 * * FUN": (
            "its day-of-week cannot be; it has five fields, minute hour day month weekday, such as '15 2 * * *'"
        ),
        "0 0 30 2 *": (
            "its day-of-month cannot be; it has five fields, minute hour day month weekday, such as '15 2 * * *'"
        ),
        "0 0 */20 * 1L": "names no day that ever comes",
    }.items(),
)
def test_what_is_no_expression_is_told(expression: str, wrong: str | None) -> None:
    assert wrong_expression(expression) == wrong


def test_the_words_say_what_is_evaluated() -> None:
    assert Cron("15 2 * * *", "UTC").words() == "At 02:15 every day"
    # Both fields restrict, since one begins with a star.
    assert Cron("5 4 */2 * 1", "UTC").words() == "At 04:05 on every second day of month if it's on Monday"
