"""The AlAdhan source over real HTTP, against a stand-in with every quirk and fault of the real upstream."""

from __future__ import annotations

import gzip
from concurrent.futures import ThreadPoolExecutor
from datetime import date

import pytest

from synctl.errors import MismatchError, RateLimitedError, RejectedError, TransientError, UnitError
from synctl.sources.aladhan import AladhanSource
from synctl.sources.calculated import CalculatedSource
from synctl.sources.digest import body_hash
from synctl.sources.prayer import EPOCH, PrayerRequest, PrayerSource
from tests.sources.conftest import LONDON, Engine, OpenFetcher, both, whole_year, within_month
from tests.upstream import bodies
from tests.upstream.faults import Fault, Kind
from tests.upstream.server import LoopbackServer

TROMSO = (69.6492, 18.9553, "Europe/Oslo")
SUVA = (-18.1416, 178.4419, "Pacific/Fiji")
BIG_ISLAND = (19.73, -155.09, "Pacific/Honolulu")
MAKKAH = (21.4225, 39.8262, "Asia/Riyadh")


@pytest.fixture
def source(open_fetcher: OpenFetcher, upstream: LoopbackServer) -> AladhanSource:
    return AladhanSource(open_fetcher(f"{upstream.url}/v1"))


@pytest.mark.parametrize(
    "request_",
    [
        whole_year(method=13, madhab=1),
        whole_year(TROMSO, method=15, year=2028),
        whole_year(MAKKAH, method=4),
        whole_year(SUVA, method=0),
        whole_year(BIG_ISLAND, method=2),
        within_month(),
        within_month(date(2028, 2, 29), date(2028, 2, 29)),
    ],
    ids=str,
)
def test_it_reads_the_rows_that_the_calculation_gives(
    source: AladhanSource, engine: Engine, request_: PrayerRequest
) -> None:
    """Requesting and decoding add and lose nothing, where days and zones are odd.

    That is all: the stand-in answers from that same calculation. That the numbers are AlAdhan's is proved by its
    recorded answers (test_recorded.py).
    """
    assert source.fetch(request_).days == CalculatedSource(engine.stop).fetch(request_).days


@pytest.mark.parametrize(
    ("request_", "path", "length"),
    [
        (whole_year(), "/v1/calendar/2026", 365),
        (whole_year(year=2028), "/v1/calendar/2028", 366),
        (within_month(), "/v1/calendar/2026/3", 31),
        (within_month(date(2026, 3, 28), date(2026, 3, 30)), "/v1/calendar/2026/3", 3),
        (within_month(date(2026, 12, 31), date(2026, 12, 31)), "/v1/calendar/2026/12", 1),
    ],
    ids=["a year", "a leap year", "a month", "some days", "a day"],
)
def test_one_call_answers_a_unit(
    source: AladhanSource, upstream: LoopbackServer, request_: PrayerRequest, path: str, length: int
) -> None:
    days = source.fetch(request_).days
    assert [day[0] + EPOCH for day in days] == [day.toordinal() for day in request_.dates]
    assert len(days) == length
    (seen,) = upstream.seen
    assert seen.path == path
    assert seen.params == {
        "latitude": "51.5074",
        "longitude": "-0.1278",
        "method": "3",
        "school": "0",
        "timezonestring": "Europe/London",
    }


def test_the_hash_is_of_the_body_as_it_was_before_packing(source: AladhanSource) -> None:
    body = gzip.decompress(bodies.calendar(bodies.Place(*LONDON, 3, 0), 2026, 3))
    assert source.fetch(within_month()).body_hash == body_hash(within_month(), body)


SPOILT = [
    (Kind.WRONG_METHOD, "prayer.method", "3 was asked, 98 answered"),
    (Kind.WRONG_SCHOOL, "prayer.school", "STANDARD was asked, HANAFI answered"),
    (Kind.WRONG_TIMEZONE, "prayer.timezone", "Europe/London was asked, UTC answered"),
    (Kind.WRONG_COORDINATES, "prayer.coordinates", "51.5074, -0.1278 was asked, 8.8888888, 7.7777777 answered"),
    (Kind.WRONG_DATE, "prayer.dates", "was asked, 31-"),
    (Kind.MISSING_DAY, "prayer.dates", "days were asked"),
    (Kind.EXTRA_DAY, "prayer.dates", "days were asked"),
    (Kind.NO_TIME, "prayer.time-format", "'-----"),
]


@pytest.mark.parametrize("spoilt", SPOILT, ids=[kind for kind, _, _ in SPOILT])
@pytest.mark.parametrize("request_", [whole_year(), within_month()], ids=["year", "month"])
def test_one_day_that_is_not_what_was_asked_fails_the_unit(
    source: AladhanSource, upstream: LoopbackServer, request_: PrayerRequest, spoilt: tuple[Kind, str, str]
) -> None:
    kind, rule, message = spoilt
    upstream.faults.rules = [Fault(kind)]
    with pytest.raises(MismatchError, match=message) as raised:
        source.fetch(request_)
    assert (raised.value.rule, raised.value.http_status, raised.value.attempts) == (rule, 200, 1)
    assert len(upstream.seen) == 1  # the same would be answered again


def test_a_year_without_one_of_its_months_fails_the_unit(source: AladhanSource, upstream: LoopbackServer) -> None:
    upstream.faults.rules = [Fault(Kind.MISSING_MONTH)]
    with pytest.raises(MismatchError, match="6, 8, 9"):
        source.fetch(whole_year())


@pytest.mark.parametrize("method", [6, 999])
def test_a_method_that_silently_became_isna_is_noticed(source: AladhanSource, method: int) -> None:
    with pytest.raises(MismatchError, match=f"{method} was asked, 2 answered"):
        source.fetch(within_month(method=method))


@pytest.mark.parametrize(
    ("place", "message"),
    [
        ((0.0, 32.58, "Africa/Kampala"), "400: These are no coordinates"),
        ((51.48, 0.0, "Europe/London"), "400: These are no coordinates"),
        ((51.48, 200.0, "Europe/London"), "400: These are no coordinates"),
        ((51.48, -0.1, "Mars/Olympus"), "400: This is no timezone"),
    ],
)
def test_what_upstream_refuses_is_told_in_its_words_and_not_asked_again(
    source: AladhanSource, upstream: LoopbackServer, place: tuple[float, float, str], message: str
) -> None:
    with pytest.raises(RejectedError, match=message) as raised:
        source.fetch(whole_year(place))
    assert (raised.value.http_status, raised.value.attempts, len(upstream.seen)) == (400, 1, 1)


TROUBLE = [
    Fault(Kind.ERROR, "500"),
    Fault(Kind.ERROR, "502"),
    Fault(Kind.RATE_LIMIT),
    Fault(Kind.RATE_LIMIT, "1"),
    Fault(Kind.RATE_LIMIT, "date 1"),
    Fault(Kind.TRUNCATE),
    Fault(Kind.RESET),
    Fault(Kind.NOT_JSON),
    Fault(Kind.REFUSED, "500"),
    Fault(Kind.HANG),
]


def _time_out(fault: Fault) -> float:
    """Short where it is what the test waits for; else too long for a busy machine to run into."""
    return 0.2 if fault.kind is Kind.HANG else 30.0


@pytest.mark.parametrize("fault", TROUBLE, ids=lambda fault: f"{fault.kind} {fault.detail}")
def test_a_unit_survives_trouble_that_passes(open_fetcher: OpenFetcher, upstream: LoopbackServer, fault: Fault) -> None:
    upstream.faults.rules = [Fault(fault.kind, fault.detail, first=2)]
    source = AladhanSource(open_fetcher(f"{upstream.url}/v1", timeout=_time_out(fault)))
    fetched = source.fetch(within_month())
    assert len(fetched.days) == 31
    assert fetched.attempts == 3


@both
@pytest.mark.parametrize("fault", TROUBLE, ids=lambda fault: f"{fault.kind} {fault.detail}")
def test_trouble_that_stays_fails_the_unit_after_every_attempt(
    open_fetcher: OpenFetcher, upstream: LoopbackServer, fault: Fault
) -> None:
    upstream.faults.rules = [fault]
    source = AladhanSource(
        open_fetcher(f"{upstream.url}/v1", timeout=_time_out(fault), retry_after_cap=0.05, attempts=3)
    )
    with pytest.raises(TransientError) as raised:
        source.fetch(within_month())
    assert raised.value.attempts == 3
    assert isinstance(raised.value, RateLimitedError) == (fault.kind is Kind.RATE_LIMIT)


def test_a_rate_limit_is_obeyed_and_told_to_the_fleet(
    open_fetcher: OpenFetcher, upstream: LoopbackServer, engine: Engine
) -> None:
    upstream.faults.rules = [Fault(Kind.RATE_LIMIT, "1", first=1)]
    source = AladhanSource(open_fetcher(f"{upstream.url}/v1", retry_after_cap=0.15))
    source.fetch(within_month())
    limited, answered = upstream.seen
    assert (limited.status, answered.status) == (429, 200)
    assert answered.at - limited.at >= 0.14
    host = upstream.url.removeprefix("http://")
    assert engine.verdicts == [("limited", 0.15), ("answered", 0.0)]
    assert engine.admitted == [host, host]


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(Kind.REFUSED, "400"), "upstream says 400: Nothing for you."),
        (Fault(Kind.ERROR, "404"), "404: Not Found"),
        (Fault(Kind.ELSEWHERE), "elsewhere.invalid.*not followed"),
        (Fault(Kind.LOOP), "not followed"),
    ],
    ids=lambda value: value.kind if isinstance(value, Fault) else "",
)
def test_a_refusal_fails_the_unit_at_once(
    source: AladhanSource, upstream: LoopbackServer, fault: Fault, message: str
) -> None:
    upstream.faults.rules = [fault]
    with pytest.raises(RejectedError, match=message) as raised:
        source.fetch(whole_year())
    assert raised.value.attempts == 1


@both
def test_a_fault_of_one_method_leaves_the_others_alone(source: AladhanSource, upstream: LoopbackServer) -> None:
    upstream.faults.rules = [Fault(Kind.ERROR, only={"method": "5"})]

    def outcome(method: int) -> type[UnitError] | int:
        try:
            return len(source.fetch(within_month(method=method)).days)
        except UnitError as error:
            return type(error)

    with ThreadPoolExecutor(8) as pool:
        outcomes = list(pool.map(outcome, (1, 2, 3, 4, 5, 13, 15, 20)))
    assert outcomes == [31, 31, 31, 31, TransientError, 31, 31, 31]
    assert len(upstream.open) <= 4  # never more connections than allowed


@both
def test_an_upstream_that_is_gone_is_trouble_that_may_pass(source: AladhanSource, upstream: LoopbackServer) -> None:
    source.fetch(within_month())
    upstream.close()
    with pytest.raises(TransientError) as raised:
        source.fetch(within_month())
    assert raised.value.attempts == 4


def test_it_is_a_prayer_source(source: AladhanSource) -> None:
    aladhan: PrayerSource = source
    assert aladhan.name == "aladhan"
