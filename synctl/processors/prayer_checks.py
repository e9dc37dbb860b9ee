"""How the laws of prayer times are checked: a plain loop each, since half a million days a minute come through.

Each limit was measured on recorded calendars and on the calculated source: 23 methods, two madhabs, 80 places from the
equator to the poles, years from 1926 to 2076. None of those breaks a rule, by some margin.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date
from functools import cached_property
from itertools import chain, pairwise
from typing import Final, NamedTuple

from synctl.processors import agreement
from synctl.processors.sun import HIGH_LATITUDE, Sun, sun
from synctl.sources.prayer import EPOCH, TIME_NAMES, DayTimes, PrayerRequest, utc_offsets
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


class Broken(NamedTuple):
    """A day that breaks a rule, by its place among those that were given."""

    at: int
    message: str


@dataclass(frozen=True, slots=True)
class Span:
    """What days are of: a request, or a stretch of stored days, however long."""

    latitude: float
    longitude: float
    timezone: str
    method: int
    madhab: int
    first: date
    last: date


@dataclass(frozen=True)
class Days:
    """Days of what was asked for: none missing, in order, unless `prayer.dates` says otherwise.

    `tolerance`: minutes that `prayer.agreement` allows; 0: it is not looked at.
    """

    request: PrayerRequest | Span
    rows: Sequence[DayTimes]
    tolerance: int = 0

    @property
    def high(self) -> bool:
        """Whether there are days here without a sunrise or a sunset."""
        return abs(self.request.latitude) >= HIGH_LATITUDE

    @cached_property
    def sun(self) -> Sun:
        """Where the sun is on these days."""
        first, last = min(row[0] for row in self.rows), max(row[0] for row in self.rows)
        there = sun(self.request.latitude, self.request.longitude, first, last - first + 1)
        places = [row[0] - first for row in self.rows]
        if places == list(range(len(self.rows))):
            return there
        return replace(
            there, **{one.name: tuple(getattr(there, one.name)[at] for at in places) for one in fields(there)}
        )


Check = Callable[[Days], Broken | None]


def readable(row: DayTimes) -> dict[str, object]:
    """Return a day as people read it."""
    times = {name: clock(minute) for name, minute in zip(TIME_NAMES, row[2:], strict=True)}
    return {"date": _date(row), "utc_offset": row[1], **times}


def _dates(days: Days) -> Broken | None:
    first = days.request.first.toordinal() - EPOCH
    count = (days.request.last - days.request.first).days + 1
    for index, row in enumerate(days.rows):
        if row[0] != first + index:
            return Broken(index, f"{date.fromordinal(first + index + EPOCH)} was asked, {_date(row)} answered")
    if len(days.rows) == count:
        return None
    return Broken(len(days.rows) - 1, f"{count} days were asked, {len(days.rows)} answered")


def _utc_offset(days: Days) -> Broken | None:
    zone, offsets = days.request.timezone, _offsets(days)
    if [row[1] for row in days.rows] == offsets:
        return None
    for index, (row, offset) in enumerate(zip(days.rows, offsets, strict=False)):
        if row[1] != offset:
            return Broken(index, f"{_date(row)} is {row[1]} s east of UTC here, {offset} s in {zone}")
    return None


def _order(days: Days) -> Broken | None:
    if days.high:
        return _polar_order(days)
    early_asr, latest_isha = (POLAR_SLACK, 2 * DAY) if abs(days.request.latitude) >= SHORT_NIGHTS else (0, DAY)
    for index, row in enumerate(days.rows):
        _, _, fajr, rise, noon, asr, fall, maghrib, isha, imsak, middle, third, last = row
        if not (
            imsak <= fajr <= imsak + IMSAK
            and fajr < rise < noon < asr + early_asr
            and asr < fall <= maghrib < isha <= fajr + latest_isha
            and fall < third < middle < last
        ):
            return Broken(index, f"on {_date(row)}: {_in_order(row)}")
    return None


def _polar_order(days: Days) -> Broken | None:
    for index, row in enumerate(days.rows):
        _, _, fajr, rise, noon, _, fall, maghrib, isha, imsak, middle, third, last = row
        if not (
            imsak <= fajr <= min(rise + POLAR_SLACK, imsak + IMSAK)
            and rise <= noon + POLAR_SLACK
            and fall <= maghrib <= isha + POLAR_SLACK
            and third <= middle <= last
        ):
            return Broken(index, f"on {_date(row)}: {_in_order(row)}")
    return None


def _night(days: Days) -> Broken | None:
    if days.high:
        return None
    for index, (_, _, _, rise, _, _, fall, _, _, _, middle, third, last) in enumerate(days.rows):
        night = DAY + rise - fall
        if not (
            -OFF_THE_NIGHT <= middle - fall - night // 2 <= OFF_THE_NIGHT
            and -OFF_THE_NIGHT <= third - fall - night // 3 <= OFF_THE_NIGHT
            and -OFF_THE_NIGHT <= last - fall - 2 * night // 3 <= OFF_THE_NIGHT
        ):
            row = days.rows[index]
            right = {"Midnight": fall + night // 2, "Firstthird": fall + night // 3, "Lastthird": fall + 2 * night // 3}
            off = {name: row[2 + TIME_NAMES.index(name)] - minute for name, minute in right.items()}
            name = max(off, key=lambda one: abs(off[one]))
            return Broken(index, f"{name} of {_date(row)} is {off[name]:+d} minutes off its part of the night")
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
    _, was, fajr, _, _, asr, _, maghrib, isha, *_ = days.rows[0]
    for index, (_, offset, dawn, _, _, afternoon, _, dusk, night, _, _, _, _) in enumerate(days.rows):
        if offset != was or not (
            -FAST <= dawn - fajr <= FAST
            and -FAST <= afternoon - asr <= FAST
            and -FAST <= dusk - maghrib <= FAST
            and -most <= night - isha <= most
        ):
            found = _fastest(days.rows[index - 1], days.rows[index], (offset - was) // 60, {"Isha": most})
            if found:
                return Broken(index, f"{found} on {_date(days.rows[index])}")
        was, fajr, asr, maghrib, isha = offset, dawn, afternoon, dusk, night
    return None


def disagreement(days: Days) -> Broken | None:
    """Return the first day that `prayer.agreement` refuses."""
    if not days.tolerance:
        return None
    for start, stretch in _stretches(days.rows):
        asked = days.request
        found = agreement.apart(
            stretch,
            latitude=asked.latitude,
            longitude=asked.longitude,
            method=asked.method,
            madhab=asked.madhab,
            tolerance=days.tolerance,
        )
        if found is not None:
            what = f"{found.name} of {_date(stretch[found.at])} is {found.minutes:+d} minutes from where it should be"
            return Broken(start + found.at, what)
    return None


def _stretches(rows: Sequence[DayTimes]) -> Iterator[tuple[int, Sequence[DayTimes]]]:
    """Cut at days that are missing or in disorder, as with `prayer.dates` waived."""
    cuts = [at for at in range(1, len(rows)) if rows[at][0] != rows[at - 1][0] + 1]
    for start, end in pairwise([0, *cuts, len(rows)]):
        yield start, rows[start:end]


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


def _offsets(days: Days) -> list[int]:
    """Return the zone's offset on each of the days, whatever years they are of."""
    zone = days.request.timezone
    ordinals = [row[0] + EPOCH for row in days.rows]  # with `prayer.dates` waived they may lack one, or be in disorder
    first, last = (date.fromordinal(ordinal).year for ordinal in (min(ordinals), max(ordinals)))
    offsets = tuple(chain.from_iterable(utc_offsets(zone, year) for year in range(first, last + 1)))
    start = date(first, 1, 1).toordinal()
    if ordinals == list(range(start, start + len(offsets))):  # as whole years are
        return list(offsets)
    return [offsets[ordinal - start] for ordinal in ordinals]


def _in_order(row: DayTimes) -> str:
    named = sorted(zip(row[2:], TIME_NAMES, strict=True), key=lambda one: one[0])
    return ", ".join(f"{name} {clock(minute)}" for minute, name in named)


def _around(minutes: int) -> int:
    """The same difference on the dial of a clock: half a day at most."""
    return (minutes + DAY // 2) % DAY - DAY // 2


def _date(row: DayTimes) -> str:
    return date.fromordinal(row[0] + EPOCH).isoformat()
