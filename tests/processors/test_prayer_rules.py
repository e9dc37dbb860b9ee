"""The laws of prayer times: no false alarm anywhere, and each broken rule is named."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from datetime import date
from functools import cache
from typing import cast

import pytest

from synctl.errors import MismatchError
from synctl.processors.days import Days
from synctl.processors.prayer_checks import CHECKS
from synctl.processors.prayer_laws import RULES
from synctl.processors.prayer_rules import verify, violations
from synctl.processors.sun import sun
from synctl.sources.aladhan import AladhanSource
from synctl.sources.calculated import CalculatedSource
from synctl.sources.columns import columns
from synctl.sources.http import Fetcher, Response
from synctl.sources.prayer import EPOCH, TIME_NAMES, DayTimes, Fetched, PrayerRequest, Span
from tests.upstream.replay import ABSENT, recordings

NAMED = [0, 1, 2, 3, 4, 5, *range(7, 24)]
LONDON = (51.50853, -0.12574, "Europe/London")
MAKKAH = (21.42664, 39.82563, "Asia/Riyadh")
PLACES = {
    "Tromsø": (69.6489, 18.95508, "Europe/Oslo"),
    "Longyearbyen": (78.22334, 15.64689, "Arctic/Longyearbyen"),
    "Murmansk": (68.97917, 33.09251, "Europe/Moscow"),
    "Reykjavík": (64.13548, -21.89541, "Atlantic/Reykjavik"),
    "Anchorage": (61.21806, -149.90028, "America/Anchorage"),
    "Saint Petersburg": (59.93863, 30.31413, "Europe/Moscow"),
    "Quito": (-0.22985, -78.52495, "America/Guayaquil"),
    "Makkah": (21.42664, 39.82563, "Asia/Riyadh"),
    "Ushuaia": (-54.8, -68.3, "America/Argentina/Ushuaia"),
    "Kiritimati": (1.87, -157.4, "Pacific/Kiritimati"),
    "a pole": (89.5, 10.0, "UTC"),
    "the other one": (-77.85, 166.67, "Antarctica/McMurdo"),
    "a zone far away": (52.0, 13.0, "Pacific/Auckland"),
}
ZONES = [
    ((-33.86785, 151.20732, "Australia/Sydney"), 2026),
    ((-31.55, 159.08, "Australia/Lord_Howe"), 2026),  # clocks change by half an hour
    ((33.58831, -7.61138, "Africa/Casablanca"), 2026),  # in Ramadan
    ((-13.83333, -171.76666, "Pacific/Apia"), 2011),  # a day is left out
    ((25.3548, 51.1839, "Asia/Qatar"), 2028),
    ((51.50853, -0.12574, "Europe/London"), 1968),  # summer all year
    ((40.71427, -74.00597, "America/New_York"), 2200),
    ((52.37403, 4.88969, "Europe/Amsterdam"), 1935),  # 19 minutes and 32 seconds
]
_calculated = CalculatedSource(threading.Event())


def year(place: tuple[float, float, str], method: int, madhab: int, of: int = 2026) -> PrayerRequest:
    return PrayerRequest(*place, method, madhab, date(of, 1, 1), date(of, 12, 31))


def calculate(request: PrayerRequest) -> list[DayTimes]:
    return _calculated.fetch(request).days


def rules_broken_by(request: PrayerRequest, rows: Sequence[DayTimes]) -> list[str]:
    return [f"{rule}: {broken.message}" for rule, broken in violations(Days(request, columns(rows), tolerance=5))]


@pytest.mark.parametrize("place", PLACES)
def test_nothing_that_is_calculated_breaks_a_rule(place: str) -> None:
    for method in NAMED:
        for madhab in (0, 1):
            request = year(PLACES[place], method, madhab)
            assert rules_broken_by(request, calculate(request)) == [], (place, method, madhab)


@pytest.mark.parametrize(("place", "of"), ZONES, ids=[f"{place[2]} {of}" for place, of in ZONES])
def test_no_zone_breaks_a_rule(place: tuple[float, float, str], of: int) -> None:
    for madhab in (0, 1):
        request = year(place, 3, madhab, of)
        assert rules_broken_by(request, calculate(request)) == []


def test_a_single_day_breaks_no_rule() -> None:
    request = PrayerRequest(*LONDON, 3, 0, date(2026, 3, 29), date(2026, 3, 29))
    assert rules_broken_by(request, calculate(request)) == []


class Replayed:
    """What a fetcher is to the source: answers one recorded body."""

    def __init__(self, body: bytes) -> None:
        self.body = body

    def get(self, path: str, params: Mapping[str, object], decode: Callable[[bytes], Fetched]) -> Response[Fetched]:
        return Response(200, self.body, {}, 1, decode(self.body))


@pytest.mark.skipif(not recordings(), reason=ABSENT)
@pytest.mark.parametrize("city", sorted(recordings()))
def test_nothing_that_was_recorded_breaks_a_rule(city: str) -> None:
    recording = recordings()[city]
    for combo in recording.timings:
        request = recording.request(combo)
        source = AladhanSource(cast("Fetcher", Replayed(recording.body(combo))))
        rows = source.fetch(request).days
        assert rules_broken_by(request, rows) == [], combo


@cache
def _london() -> tuple[DayTimes, ...]:
    return tuple(calculate(year(LONDON, 3, 0)))


def moved(minutes: int, *names: str, on: slice = slice(165, 166)) -> list[DayTimes]:
    """London's year with some times moved on some days."""
    rows = list(_london())
    columns = [2 + TIME_NAMES.index(name) for name in names]
    for at in range(*on.indices(len(rows))):
        rows[at] = tuple(cell + minutes * (column in columns) for column, cell in enumerate(rows[at]))
    return rows


ALL_YEAR = slice(0, 365)
BROKEN: list[tuple[str, list[DayTimes]]] = [
    ("prayer.dates", [*_london()[:99], *_london()[100:]]),
    ("prayer.dates", list(_london()[:-1])),
    ("prayer.dates", []),
    ("prayer.utc-offset", [(row[0], 3600 * (at < 300), *row[2:]) for at, row in enumerate(_london())]),
    ("prayer.order", moved(11, "Imsak")),
    ("prayer.order", moved(-60 * 5, "Asr")),
    ("prayer.order", moved(400, "Isha")),
    ("prayer.order", moved(300, "Firstthird")),
    ("prayer.night", moved(-40, "Midnight", on=ALL_YEAR)),
    ("prayer.night", moved(30, "Firstthird")),
    ("prayer.night", moved(-30, "Lastthird")),
    ("prayer.order", moved(-30, "Imsak")),
    ("prayer.dst", moved(60, *TIME_NAMES, on=slice(80, 90))),
    ("prayer.dst", moved(-30, *TIME_NAMES, on=slice(80, 90))),
    ("prayer.sun", moved(60, *TIME_NAMES, on=ALL_YEAR)),
    ("prayer.sun", moved(20, "Sunset", "Maghrib", on=ALL_YEAR)),
    ("prayer.hanafi-asr", calculate(year(LONDON, 3, 1))),
    ("prayer.jump", moved(-20, "Fajr", "Imsak")),
    ("prayer.jump", moved(30, "Isha")),
]


@pytest.mark.parametrize(("rule", "rows"), BROKEN, ids=[f"{rule} {at}" for at, (rule, _) in enumerate(BROKEN)])
def test_what_breaks_a_rule_is_refused_by_its_name_with_the_day(rule: str, rows: list[DayTimes]) -> None:
    with pytest.raises(MismatchError, match=f"^{rule}: ") as refused:
        verify(Days(year(LONDON, 3, 0), columns(rows)), frozenset())
    assert refused.value.rule == rule
    assert not rows or isinstance(refused.value.sample, dict)


def test_a_waived_rule_may_be_broken() -> None:
    days = Days(year(LONDON, 3, 0), columns(moved(30, "Isha")))
    verify(days, frozenset({"prayer.jump"}))
    with pytest.raises(MismatchError):
        verify(days, frozenset({"prayer.sun"}))


def test_who_accepts_that_days_disagree_in_one_way_need_not_accept_it_in_another() -> None:
    days = Days(year(LONDON, 3, 0), columns(moved(30, "Isha")), tolerance=5)
    verify(days, frozenset({"prayer.jump"}))
    with pytest.raises(MismatchError, match=r"^prayer.agreement: "):
        verify(Days(year(LONDON, 3, 0), columns(moved(12, "Isha")), tolerance=5), frozenset({"prayer.night"}))


def test_every_check_is_among_the_rules() -> None:
    assert [rule for rule, _ in CHECKS if rule not in RULES] == []


def test_a_stretch_of_stored_days_may_span_years() -> None:
    rows = [*calculate(year(LONDON, 3, 0, 2026)), *calculate(year(LONDON, 3, 0, 2027))]
    span = Span(*LONDON, 3, 0, date(2026, 1, 1), date(2027, 12, 31))
    assert list(violations(Days(span, columns(rows)))) == []


def test_what_agrees_and_what_does_not_breaks_the_same_other_rules() -> None:
    """Rules that agreement implies are skipped only where it holds."""
    for rule, rows in BROKEN:
        if rows:
            without, within = (Days(year(LONDON, 3, 0), columns(rows), tolerance) for tolerance in (0, 5))
            named = [rule for rule, _ in violations(without)]
            assert named == [rule for rule, _ in violations(within) if rule in named], rule


AGREEMENT: list[tuple[str, tuple[float, float, str], int, str, int, bool]] = [
    ("a little late", MAKKAH, 3, "Fajr", 4, False),
    ("late", MAKKAH, 3, "Fajr", 9, True),
    ("early", MAKKAH, 3, "Imsak", -8, True),
    ("an hour late", MAKKAH, 3, "Isha", 60, True),
    ("the angle of another method", MAKKAH, 3, "Isha", -8, True),
    ("Asr follows the clock of upstream's server", LONDON, 3, "Asr", 7, False),
    ("Asr further off than that", LONDON, 3, "Asr", 11, True),
    ("Ramadan is another month in another calendar", MAKKAH, 4, "Isha", 30, False),
    ("Ramadan says nothing of other methods", MAKKAH, 3, "Isha", 30, True),
    ("minutes after Maghrib", MAKKAH, 8, "Isha", -9, True),
    ("tuned by upstream", MAKKAH, 13, "Maghrib", 9, True),
    ("the season, not an angle", MAKKAH, 15, "Fajr", 60, False),
    ("no night", PLACES["Tromsø"], 3, "Fajr", 60, False),
    ("noon is noon everywhere", PLACES["Tromsø"], 3, "Dhuhr", 9, True),
    ("noon on another date", PLACES["a zone far away"], 3, "Dhuhr", 9, True),
]


@pytest.mark.parametrize(
    ("place", "method", "name", "minutes", "refused"), [row[1:] for row in AGREEMENT], ids=[row[0] for row in AGREEMENT]
)
def test_agreement_has_a_tolerance_for_each_time_method_and_latitude(
    place: tuple[float, float, str], method: int, name: str, minutes: int, *, refused: bool
) -> None:
    request = year(place, method, 0)
    rows, at = calculate(request), 2 + TIME_NAMES.index(name)
    late = [*rows]
    late[200] = (*rows[200][:at], rows[200][at] + minutes, *rows[200][at + 1 :])
    found = {rule: broken.message for rule, broken in violations(Days(request, columns(late), tolerance=5))}
    assert ("prayer.agreement" in found) == refused
    if refused:
        assert found["prayer.agreement"].startswith(f"{name} of 2026-07-20 is {minutes:+d}"[:-1])


@pytest.mark.parametrize("method", [2, 5, 12, 20])
def test_the_times_of_another_method_do_not_agree(method: int) -> None:
    rows = calculate(year(MAKKAH, method, 0))
    (rule,) = [rule for rule, _ in violations(Days(year(MAKKAH, 3, 0), columns(rows), tolerance=5))]
    assert rule == "prayer.agreement"


def test_the_times_of_a_place_far_to_the_east_do_not_agree() -> None:
    latitude, longitude, zone = MAKKAH
    rows = columns(calculate(year((latitude, longitude + 2, zone), 3, 0)))  # 207 km: too near for the rule of the sun
    assert [rule for rule, _ in violations(Days(year(MAKKAH, 3, 0), rows, tolerance=5))] == ["prayer.agreement"]


def test_days_that_do_not_follow_each_other_are_compared_all_the_same() -> None:
    rows = calculate(year(MAKKAH, 3, 0))
    late = [*rows[:100], *[(*row[:2], row[2] + 9, *row[3:9], row[9] + 9, *row[10:]) for row in rows[103:]]]
    with pytest.raises(MismatchError, match=r"^prayer.agreement: Fajr of 2026-04-14 is \+\d+ minutes"):
        verify(Days(year(MAKKAH, 3, 0), columns(late), 5), frozenset({"prayer.dates"}))


def test_the_sun_is_where_an_almanac_puts_it() -> None:
    """Greenwich on 20 March 2026: noon at 12:07:30, a day of twelve hours and ten minutes."""
    day = sun(51.4779, -0.0015, date(2026, 3, 20).toordinal() - EPOCH, 1)
    assert day.noon[0] in (727, 728)
    assert day.half[0] in (364, 365, 366)
