"""Cron expressions as systemd writes them: `OnCalendar=`, several of them where cron means `or`."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

import msgspec

if TYPE_CHECKING:
    from cronsim import CronSim

DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
EVERY: Final = "*"


class Untranslatable(ValueError):
    """An expression that systemd has no words for. The message ends the sentence `NAME: …`."""


class _Days(msgspec.Struct, frozen=True):
    """Days of a month: `numbers`, or counted from its end where `last` says how."""

    numbers: frozenset[int]
    last: str = ""


class _Weekdays(msgspec.Struct, frozen=True):
    """Days of a week, 0 is Monday, `within` some days of the month only."""

    numbers: frozenset[int]
    within: _Days


_ANY_DAY: Final = _Days(frozenset(range(1, 32)))
_ANY_WEEKDAY: Final = _Weekdays(frozenset(range(7)), _ANY_DAY)


def on_calendar(expression: str, timezone: str) -> list[str]:
    """Return what a timer that fires at the same times says, each behind an `OnCalendar=` of its own.

    The expression is known to be right. Raises Untranslatable.
    """
    from cronsim import CronSim  # noqa: PLC0415 - only who has schedules needs it

    cron = CronSim(expression, datetime(2026, 1, 1, tzinfo=UTC))
    months = _numbers(cron.months, 1, 12)
    time = f"{_numbers(cron.hours, 0, 23)}:{_numbers(cron.minutes, 0, 59)}:00 {timezone}"
    days, weekdays = list(_days(cron)), list(_weekdays(cron))
    if cron.day_and:
        found = [_Weekdays(week.numbers, _both(day, week.within)) for day in days for week in weekdays]
    else:
        found = [*(_Weekdays(_ANY_WEEKDAY.numbers, day) for day in days), *weekdays]
    return [
        f"{_names(one.numbers)}*-{months}{_date(one.within)} {time}"
        for one in found
        if one.within.numbers or one.within.last
    ]


def _days(cron: CronSim) -> Iterator[_Days]:
    if cron.LAST_WEEKDAY in cron.days:
        raise Untranslatable("systemd has no words for the last weekday of a month (LW)")
    if numbers := frozenset(day for day in cron.days if day > 0):
        yield _Days(numbers)
    if cron.LAST in cron.days:
        yield _Days(frozenset(), "01")


def _weekdays(cron: CronSim) -> Iterator[_Weekdays]:
    if numbers := frozenset((day - 1) % 7 for day in cron.weekdays if isinstance(day, int)):
        yield _Weekdays(numbers, _ANY_DAY)
    for item in sorted(day for day in cron.weekdays if isinstance(day, tuple)):
        weekday, which = frozenset({(item[0] - 1) % 7}), item[1]
        if which == cron.LAST:
            yield _Weekdays(weekday, _Days(frozenset(), "01..07"))
        else:
            yield _Weekdays(weekday, _Days(frozenset(range(which * 7 - 6, min(which * 7, 31) + 1))))


def _both(one: _Days, other: _Days) -> _Days:
    if one == _ANY_DAY:
        return other
    if other == _ANY_DAY:
        return one
    if one.last or other.last:
        raise Untranslatable("systemd cannot count the days of a month from both its ends at once")
    return _Days(one.numbers & other.numbers)


def _date(days: _Days) -> str:
    return f"~{days.last}" if days.last else f"-{_numbers(days.numbers, 1, 31)}"


def _names(numbers: frozenset[int]) -> str:
    if numbers == _ANY_WEEKDAY.numbers:
        return ""
    return ",".join("..".join(DAYS[day] for day in ends) for ends in _runs(numbers)) + " "


def _numbers(values: Collection[int], low: int, high: int) -> str:
    if set(values) == set(range(low, high + 1)):
        return EVERY
    return ",".join("..".join(f"{value:02d}" for value in ends) for ends in _runs(values))


def _runs(values: Collection[int]) -> Iterator[tuple[int, ...]]:
    """Yield (first, last) of numbers that follow each other, from three on; else each by itself."""
    rest = sorted(values)
    while rest:
        length = next((at for at, value in enumerate(rest) if value != rest[0] + at), len(rest))
        if length >= 3:
            yield rest[0], rest[length - 1]
        else:
            yield from ((value,) for value in rest[:length])
        rest = rest[length:]
