"""How the laws of prayer times are checked: a plain loop each, since half a million days a minute come through.

Each limit was measured on recorded calendars and on the calculated source: 23 methods, two madhabs, 80 places from the
equator to the poles, years from 1926 to 2076. None of those breaks a rule, by some margin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, pairwise
from operator import sub
from typing import Final

from synctl.processors import agreement
from synctl.processors.days import Broken, Days
from synctl.sources.columns import Column, columns, remembered
from synctl.sources.prayer import EPOCH, TIME_NAMES, DayTimes, utc_offsets
from synctl.store.prayer_times import clock

FAST: Final = 15
"""Minutes from one day to the next. Measured: at most 7, in spring and autumn near 65 degrees."""
MAKKAH, RAMADAN_STEP = 4, 45
"""Its Isha is 90 minutes after Maghrib, 120 in Ramadan: a step of up to 33."""
OFF_THE_SUN: Final = 15
"""Minutes. Measured: 1.4, and up to 7 by which methods 13, 16, 21 and 22 tune."""
OFF_THE_NIGHT: Final = 10
"""Minutes, of Midnight and the thirds. Measured: 3, where Sunset and Sunrise are tuned."""
IMSAK: Final = 20
"""Minutes before Fajr at most. Measured: always 10."""
STEPS: Final = frozenset(range(23, 38)) | frozenset(range(48, 73))
"""Minutes that clocks are changed by, give or take what Dhuhr moves in a day."""
SHORT_NIGHTS: Final = 60.0
"""Degrees. From here on Isha may be after the next Fajr in summer (by 6 minutes), Asr before Dhuhr in winter (by 5)."""
POLAR_SLACK: Final = 10
"""Minutes by which times are mixed up that are all at noon or all at midnight: tuning, again."""
DAY: Final = 1440
MADHABS: Final = ("Shafi", "Hanafi")


Check = Callable[[Days], Broken | None]


def readable(row: DayTimes) -> dict[str, object]:
    """Return a day as people read it."""
    times = {name: clock(minute) for name, minute in zip(TIME_NAMES, row[2:], strict=True)}
    return {"date": _date(row), "utc_offset": row[1], **times}


def _dates(days: Days) -> Broken | None:
    first = days.request.first.toordinal() - EPOCH
    count = (days.request.last - days.request.first).days + 1
    index = _misdated(days.of.day, first)
    if index is not None:
        return Broken(index, f"{date.fromordinal(first + index + EPOCH)} was asked, {_date(days.rows[index])} answered")
    answered = len(days.of.day)
    return None if answered == count else Broken(answered - 1, f"{count} days were asked, {answered} answered")


@remembered
def _misdated(day: Column, first: int) -> int | None:
    return next((index for index, number in enumerate(day) if number != first + index), None)


def _utc_offset(days: Days) -> Broken | None:
    zone, day = days.request.timezone, days.of.day
    index = _misplaced(day, days.of.offset, zone)
    if index is None:
        return None
    row = days.rows[index]
    return Broken(index, f"{_date(row)} is {row[1]} s east of UTC here, {_offsets(day, zone)[index]} s in {zone}")


@remembered
def _misplaced(day: Column, offset: Column, zone: str) -> int | None:
    pairs = enumerate(zip(offset, _offsets(day, zone), strict=True))
    return next((index for index, (here, there) in pairs if here != there), None)


def _order(days: Days) -> Broken | None:
    if days.high:
        found = [_polar_disorder(*days.columns[2:])]
    else:
        early_asr, latest_isha = (POLAR_SLACK, 2 * DAY) if abs(days.request.latitude) >= SHORT_NIGHTS else (0, DAY)
        _, _, fajr, rise, noon, asr, fall, maghrib, isha, imsak, middle, third, last = days.columns
        found = [
            _disorder_by_day(rise, noon, asr, fall, third, middle, last, early=early_asr),
            _disorder_at_dusk(imsak, fajr, rise, fall, maghrib, isha, latest=latest_isha),
        ]
    index = min((index for index in found if index is not None), default=None)
    return None if index is None else Broken(index, f"on {_date(days.rows[index])}: {_in_order(days.rows[index])}")


# In two parts, as what a method sets is the matter of one.


@remembered
def _disorder_by_day(rises: Column, *others: Column, early: int) -> int | None:
    for index, (rise, noon, asr, fall, third, middle, last) in enumerate(zip(rises, *others, strict=True)):
        if not (rise < noon < asr + early and asr < fall < third < middle < last):
            return index
    return None


@remembered
def _disorder_at_dusk(imsaks: Column, *others: Column, latest: int) -> int | None:
    for index, (imsak, fajr, rise, fall, maghrib, isha) in enumerate(zip(imsaks, *others, strict=True)):
        if not (imsak <= fajr <= imsak + IMSAK and fajr < rise and fall <= maghrib < isha <= fajr + latest):
            return index
    return None


def _polar_disorder(*columns: Column) -> int | None:
    for index, row in enumerate(zip(*columns, strict=True)):
        fajr, rise, noon, _, fall, maghrib, isha, imsak, middle, third, last = row
        if not (
            imsak <= fajr <= min(rise + POLAR_SLACK, imsak + IMSAK)
            and rise <= noon + POLAR_SLACK
            and fall <= maghrib <= isha + POLAR_SLACK
            and third <= middle <= last
        ):
            return index
    return None


def _night(days: Days) -> Broken | None:
    if days.high:
        return None
    of = days.of
    index = _misdivided(of.rise, of.fall, of.middle, of.third, of.last)
    if index is None:
        return None
    row = days.rows[index]
    rise, fall = row[3], row[6]
    night = DAY + rise - fall
    right = {"Midnight": fall + night // 2, "Firstthird": fall + night // 3, "Lastthird": fall + 2 * night // 3}
    off = {name: row[2 + TIME_NAMES.index(name)] - minute for name, minute in right.items()}
    name = max(off, key=lambda one: abs(off[one]))
    return Broken(index, f"{name} of {_date(row)} is {off[name]:+d} minutes off its part of the night")


@remembered
def _misdivided(rises: Column, falls: Column, middles: Column, thirds: Column, lasts: Column) -> int | None:
    days = enumerate(zip(rises, falls, middles, thirds, lasts, strict=True))
    for index, (rise, fall, middle, third, last) in days:
        night = DAY + rise - fall
        if not (
            -OFF_THE_NIGHT <= middle - fall - night // 2 <= OFF_THE_NIGHT
            and -OFF_THE_NIGHT <= third - fall - night // 3 <= OFF_THE_NIGHT
            and -OFF_THE_NIGHT <= last - fall - 2 * night // 3 <= OFF_THE_NIGHT
        ):
            return index
    return None


def _dst(days: Days) -> Broken | None:
    before = days.rows[0][4] - days.rows[0][1] // 60
    for index, row in enumerate(days.rows):
        noon = row[4] - row[1] // 60
        if not -FAST <= noon - before <= FAST and abs(_around(noon - before)) in STEPS:
            step = _around(noon - before)
            return Broken(index, f"clocks go {step:+d} minutes on {_date(row)}, but not in {days.request.timezone}")
        before = noon
    return None


def _hanafi_asr(days: Days) -> Broken | None:
    asked = days.request.madhab
    for index, (row, between) in enumerate(zip(days.rows, days.sun.between, strict=True)):
        if (
            between is not None
            and (row[5] - row[1] // 60 > between) != asked
            and (_around(row[5] - row[1] // 60 - between) > 0) != asked
        ):
            message = f"Asr {clock(row[5])} of {_date(row)} is that of the {MADHABS[1 - asked]} school"
            return Broken(index, f"{message}; {MADHABS[asked]} was asked")
    return None


def _sun(days: Days) -> Broken | None:
    there = days.sun
    for index, (row, utc, half) in enumerate(zip(days.rows, there.noon, there.half, strict=True)):
        noon = utc + row[1] // 60
        if not (
            -OFF_THE_SUN <= row[4] - noon <= OFF_THE_SUN
            and (half is None or -OFF_THE_SUN <= row[3] - noon + half <= OFF_THE_SUN)
            and (half is None or -OFF_THE_SUN <= row[6] - noon - half <= OFF_THE_SUN)
        ):
            right = {"Dhuhr": noon} if half is None else {"Dhuhr": noon, "Sunrise": noon - half, "Sunset": noon + half}
            off = {name: _around(row[2 + TIME_NAMES.index(name)] - right[name]) for name in right}
            name = max(off, key=lambda one: abs(off[one]))
            if abs(off[name]) > OFF_THE_SUN:
                return Broken(index, f"{name} of {_date(row)} is {off[name]:+d} minutes off the sun")
    return None


def _jump(days: Days) -> Broken | None:
    if days.high:
        return None
    most = RAMADAN_STEP if days.request.method == MAKKAH else FAST
    of = days.of
    limits = ((of.offset, 0), (of.fajr, FAST), (of.asr, FAST), (of.maghrib, FAST), (of.isha, most))
    for index in sorted({index for column, limit in limits for index in _leaps(column, limit)}):
        before, after = days.rows[index - 1 : index + 1]
        found = _fastest(before, after, (after[1] - before[1]) // 60, {"Isha": most})
        if found:
            return Broken(index, f"{found} on {_date(after)}")
    return None


@remembered
def _leaps(column: Column, most: int) -> tuple[int, ...]:
    """Return which days are further than that from the day before."""
    steps = list(map(sub, column[1:], column))
    if not steps or (-most <= min(steps) and max(steps) <= most):
        return ()
    return tuple(index for index, step in enumerate(steps, 1) if not -most <= step <= most)


def disagreement(days: Days) -> Broken | None:
    """Return the first day that `prayer.agreement` refuses."""
    if not days.tolerance:
        return None
    asked = days.request
    for start, stretch in _stretches(days):
        found = agreement.apart(
            stretch,
            latitude=asked.latitude,
            longitude=asked.longitude,
            method=asked.method,
            madhab=asked.madhab,
            tolerance=days.tolerance,
        )
        if found is not None:
            at = start + found.at
            what = f"{found.name} of {_date(days.rows[at])} is {found.minutes:+d} minutes from where it should be"
            return Broken(at, what)
    return None


def _stretches(days: Days) -> Iterator[tuple[int, Sequence[Column]]]:
    """Cut at days that are missing or in disorder, as with `prayer.dates` waived."""
    cuts = _cuts(days.of.day)
    if not cuts:
        yield 0, days.columns
        return
    for start, end in pairwise([0, *cuts, len(days.rows)]):
        yield start, columns(days.rows[start:end])


@remembered
def _cuts(day: Column) -> tuple[int, ...]:
    return tuple(at for at in range(1, len(day)) if day[at] != day[at - 1] + 1)


def _fastest(before: DayTimes, after: DayTimes, shift: int, most: Mapping[str, int]) -> str | None:
    steps = {name: _around(two - one - shift) for name, one, two in zip(TIME_NAMES, before[2:], after[2:], strict=True)}
    name = max(steps, key=lambda one: abs(steps[one]) - most.get(one, FAST))
    return f"{name} moves by {steps[name]:+d} minutes" if abs(steps[name]) > most.get(name, FAST) else None


CHECKS: Final[tuple[tuple[str, Check], ...]] = (
    ("prayer.dates", _dates),
    ("prayer.utc-offset", _utc_offset),
    ("prayer.order", _order),
    ("prayer.dst", _dst),
    ("prayer.sun", _sun),
    ("prayer.night", _night),
    ("prayer.hanafi-asr", _hanafi_asr),
    ("prayer.jump", _jump),
)
"""In the order in which a fault is best named: what breaks one rule often breaks a later one, too."""


def _offsets(day: Column, zone: str) -> list[int]:
    """Return the zone's offset on each of the days, whatever years they are of."""
    ordinals = [number + EPOCH for number in day]  # with `prayer.dates` waived they may lack one, or be in disorder
    first, last = (date.fromordinal(ordinal).year for ordinal in (min(ordinals), max(ordinals)))
    offsets = tuple(chain.from_iterable(utc_offsets(zone, year) for year in range(first, last + 1)))
    start = date(first, 1, 1).toordinal()
    return [offsets[ordinal - start] for ordinal in ordinals]


def _in_order(row: DayTimes) -> str:
    named = sorted(zip(row[2:], TIME_NAMES, strict=True), key=lambda one: one[0])
    return ", ".join(f"{name} {clock(minute)}" for minute, name in named)


def _around(minutes: int) -> int:
    """The same difference on the dial of a clock: half a day at most."""
    return (minutes + DAY // 2) % DAY - DAY // 2


def _date(row: DayTimes) -> str:
    return date.fromordinal(row[0] + EPOCH).isoformat()
