"""An answer that is read by its likeness to an earlier one says what it says when it is decoded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import date

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synctl.errors import MismatchError, UnitError
from synctl.sources import aladhan as source
from synctl.sources.aladhan_wire import days_of_month, days_of_year, stencil_of
from synctl.sources.prayer import NOTHING, PrayerRequest
from tests.upstream import aladhan
from tests.upstream.server import Asked

MONTH = date(2026, 3, 1), date(2026, 3, 31)  # London's clocks are changed in it
DAYS = date(2026, 3, 20), date(2026, 3, 30)
YEAR = date(2026, 1, 1), date(2026, 12, 31)
UMM_AL_QURA = 4
"""Its Isha is later in Ramadan, which ends in this March: not all of its days name the same settings."""


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    """Know of no answer before a test, nor after it."""
    source._kinds.clear()
    yield
    source._kinds.clear()


def asked(method: int = 3, madhab: int = 0, days: tuple[date, date] = MONTH) -> PrayerRequest:
    """Ask for days of London."""
    return PrayerRequest(51.50853, -0.12574, "Europe/London", method, madhab, *days)


def answer(request: PrayerRequest) -> bytes:
    """Answer as the stand-in does."""
    query = {
        "latitude": str(request.latitude),
        "longitude": str(request.longitude),
        "method": str(request.method),
        "school": str(request.madhab),
        "timezonestring": request.timezone,
    }
    month = "" if request.whole_year else f"/{request.first.month}"
    return aladhan.answer(Asked(f"/v1/calendar/{request.first.year}{month}", query)).plain


def outcome(request: PrayerRequest, body: bytes) -> object:
    """Return the columns, or what is wrong with the answer."""
    try:
        return [list(column) for column in source._verified(request, NOTHING, body)]
    except MismatchError as error:
        return error.rule, str(error), msgspec.json.encode(error.sample)
    except (UnitError, msgspec.DecodeError, ValueError) as error:
        return type(error), str(error)


def decoded(request: PrayerRequest, body: bytes) -> object:
    """Do it with nothing known before."""
    source._kinds.clear()
    return outcome(request, body)


def acquainted(days: tuple[date, date]) -> None:
    """See two answers about these days, as many as it takes."""
    source._kinds.clear()
    for method in (1, 2):
        outcome(asked(method, days=days), answer(asked(method, days=days)))
    assert all(source._kinds.values())


@pytest.fixture
def decodes(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Note the methods whose answers are decoded."""
    noted: list[int] = []
    decode = source._decoded

    def noting(request: PrayerRequest, *rest: object) -> object:
        noted.append(request.method)
        return decode(request, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(source, "_decoded", noting)
    return noted


@pytest.mark.parametrize("days", [MONTH, DAYS, YEAR])
@pytest.mark.parametrize("methods", [(1, 2, 3, UMM_AL_QURA, 5, 8), (UMM_AL_QURA, 1, 2)])
def test_two_answers_are_decoded_and_the_others_known_by_their_likeness(
    days: tuple[date, date], methods: tuple[int, ...], decodes: list[int]
) -> None:
    requests = [asked(method, madhab, days) for method in methods for madhab in (0, 1)]
    read = [outcome(request, answer(request)) for request in requests]
    assert decodes == [methods[0], methods[0]]
    assert read == [decoded(request, answer(request)) for request in requests]


@pytest.mark.parametrize("method", [3, UMM_AL_QURA])
@pytest.mark.parametrize("day", [0, 14, 25, 30])
@pytest.mark.parametrize(
    "setting", [b'{"latitude":51.50853,', b" {", b"{}", b'"x"', b"", b"{", b'{"method":{"id":1},', b"{\\"]
)
def test_a_day_with_other_settings_is_seen(method: int, day: int, setting: bytes) -> None:
    acquainted(MONTH)
    request = asked(method)
    parts = answer(request).split(b'"meta":{')
    body = b'"meta":{'.join(parts[: day + 1]) + b'"meta":' + setting + b'"meta":{'.join(parts[day + 1 :])
    assert outcome(request, body) == decoded(request, body)


@pytest.mark.parametrize("method", [3, UMM_AL_QURA])
@pytest.mark.parametrize("days", [MONTH, DAYS])
@pytest.mark.parametrize("gone", [slice(None), slice(1), slice(5), slice(30, None), slice(10, 12)])
def test_days_without_settings_are_seen(method: int, days: tuple[date, date], gone: slice) -> None:
    acquainted(days)
    request = asked(method, days=days)
    body = answer(request)
    for day in reversed(days_of_month(body)[gone]):
        at = body.rindex(b'"meta":' + bytes(day.meta)) + len(b'"meta":')
        body = body[:at] + body[at + len(day.meta) :]
    assert outcome(request, body) == decoded(request, body)
    assert not isinstance(outcome(request, body), list)


def test_one_day_with_other_settings_does_not_hide_that_the_answer_is_broken() -> None:
    acquainted(MONTH)
    body = answer(asked())
    first, second, *_ = days_of_month(body)
    wrong = body.replace(bytes(first.meta), bytes(first.meta).replace(b'"id":3', b'"id":9'), 1)
    at = wrong.index(bytes(second.meta))
    broken = wrong[:at] + b"{junk}" + wrong[at + len(second.meta) :]
    assert outcome(asked(), broken) == decoded(asked(), broken)


def test_times_that_were_not_asked_for_are_no_rubbish() -> None:
    acquainted(DAYS)
    body = answer(asked(days=DAYS))
    first, *_ = days_of_month(body)
    broken = body.replace(bytes(first.timings), b"[" * len(first.timings), 1)
    assert outcome(asked(days=DAYS), broken) == decoded(asked(days=DAYS), broken)


def test_an_answer_that_broke_a_rule_is_no_example(decodes: list[int]) -> None:
    wrong = answer(asked(2))
    for _ in range(3):
        assert isinstance(found := outcome(asked(3), wrong), tuple)
        assert found[0] == "prayer.method"
    assert len(decodes) == 3
    acquainted(MONTH)
    assert outcome(asked(3), wrong) == decoded(asked(3), wrong)


def test_what_a_waiver_lets_pass_is_no_example() -> None:
    for _ in range(3):
        source._verified(asked(3), frozenset({"prayer.method"}), answer(asked(2)))
    assert not source._kinds


def test_kinds_are_forgotten_before_they_take_memory() -> None:
    for year in range(1990, 2030):
        request = asked(days=(date(year, 3, 1), date(year, 3, 31)))
        outcome(request, answer(request))
        assert len(source._kinds) <= source._ROOM


def test_an_odd_answer_makes_no_kind_forgotten(decodes: list[int]) -> None:
    for year in range(2000, 2000 + source._ROOM - 1):
        request = asked(days=(date(year, 3, 1), date(year, 3, 31)))
        outcome(request, answer(request))
    odd = answer(asked(8)).replace(b"},{", b"} , {")
    for method, body in ((1, None), (2, None), (8, odd), (3, None)):
        outcome(asked(method), body or answer(asked(method)))
    assert decodes[-3:] == [1, 2, 8]
    assert len(source._kinds) == source._ROOM


def test_where_answers_differ_no_stencil_is_made_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    acquainted(MONTH)
    kinds = dict(source._kinds)
    monkeypatch.setattr(source, "stencil_of", None)
    other = answer(asked()).replace(b'"offset"', b'"other":{},"offset"').replace(b'"readable"', b'"legible"')
    assert outcome(asked(), other) == outcome(asked(), answer(asked()))
    assert source._kinds == kinds


@pytest.mark.parametrize(
    "bend",
    [
        lambda body: body.replace(b'"timings"', b'"copy":{},"timings"'),
        lambda body: body.replace(b'"meta"', b'"meta":{},"meta"'),
        lambda body: body.replace(b',"meta":', b',"more":[],"meta":'),
        lambda body: body.replace(b'"offset"', b'"other":{},"offset"'),
        lambda body: body.replace(b"},{", b"} , {"),
        lambda body: body.replace(b"2026", b"2027"),
        lambda body: body.replace(b'"code":200', b'"code":"x"'),
        lambda body: body.replace(b"(GMT)", b"(BST)"),
        lambda body: body.replace(b':"0', b':"9'),
        lambda body: body.replace(b'"Fajr":', b'"Fajr":"12:00","Fajr":'),
        lambda body: body + b" ",
        lambda body: body + b"x",
        lambda body: body[:-1],
    ],
)
@pytest.mark.parametrize("days", [MONTH, YEAR])
def test_an_answer_that_is_not_like_the_others_is_decoded(
    days: tuple[date, date], bend: Callable[[bytes], bytes]
) -> None:
    acquainted(days)
    body = bend(answer(asked(days=days)))
    assert outcome(asked(days=days), body) == decoded(asked(days=days), body)


USUAL = answer(asked())
places = st.integers(0, len(USUAL))
scraps = st.sampled_from([b"", b"0", b"9", b'"', b"{", b"}", b"[", b"]", b",", b":", b" ", b"\\", b"{}", b'"meta":{},'])


@given(st.sampled_from([3, UMM_AL_QURA]), places, st.integers(0, 3), scraps)
def test_a_scrap_anywhere_is_noticed(method: int, at: int, length: int, scrap: bytes) -> None:
    acquainted(MONTH)
    usual = answer(asked(method))
    body = usual[:at] + scrap + usual[at + length :]
    assert outcome(asked(method), body) == decoded(asked(method), body)


@given(places, st.integers(1, 30), scraps)
def test_and_wherever_it_is_repeated(at: int, length: int, scrap: bytes) -> None:
    acquainted(MONTH)
    body = USUAL.replace(USUAL[at : at + length], scrap)
    assert outcome(asked(), body) == decoded(asked(), body)


@given(places, places, places)
def test_and_what_is_told_in_another_place(start: int, end: int, to: int) -> None:
    acquainted(MONTH)
    body = USUAL[:to] + USUAL[start:end] + USUAL[to:]
    assert outcome(asked(), body) == decoded(asked(), body)


@pytest.mark.parametrize(
    "bend",
    [
        lambda body: body.replace(b'{"timings":', b'{"timings":{"Fajr":"05:00 (GMT)"},"timings":'),
        lambda body: body.replace(b'"date":', b'"copy":%b,"date":' % bytes(days_of_month(body)[0].meta)),
        lambda body: body.replace(b'"timings":', b'"copy":%b,"timings":' % bytes(days_of_month(body)[0].timings)),
    ],
)
def test_no_stencil_is_made_where_a_value_seems_to_be_elsewhere(bend: Callable[[bytes], bytes]) -> None:
    body = bend(answer(asked()))
    assert stencil_of(body, days_of_month(body), whole_year=False) is None


def test_a_stencil_gives_what_it_was_made_of() -> None:
    body = answer(asked(days=YEAR))
    days = days_of_year(body)
    stencil = stencil_of(body, days, whole_year=True)
    assert stencil is not None
    timings, settings = [bytes(day.timings) for day in days], [bytes(day.meta) for day in days]
    assert stencil.fill(timings, settings) == body
    assert stencil.read(body) == (timings, settings)
