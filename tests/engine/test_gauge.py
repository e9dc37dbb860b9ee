"""The gauge: a pace that a wait does not change, an end that is honest, and what counts as stuck."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest

from synctl.clock import now_ms
from synctl.engine.gauge import Gauge
from synctl.engine.progress import Progress, ShardProgress
from synctl.states import RunState
from synctl.store.ledger import Counters


@dataclass
class Clock:
    """Seconds that pass when a test says so."""

    now: float = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def gauge(clock: Clock) -> Gauge:
    return Gauge("host:1", clock)


def _work(gauge: Gauge, clock: Clock, units: int, each: float) -> None:
    for _ in range(units):
        clock.now += each
        gauge.committed(1, 365, Counters(RunState.RUNNING, 100, 1, 0, 365))


def _progress(*shards: ShardProgress, done: int = 50) -> Progress:
    return Progress(done=done, failed=0, rows=0, total=100, shards=shards)


def test_a_closed_host_is_named_counts_down_and_leaves_the_pace(gauge: Gauge, clock: Clock) -> None:
    _work(gauge, clock, 20, 0.5)
    gauge.wait_for("api.aladhan.com", "rate limited", 30)
    clock.now += 18
    said = gauge.snapshot()
    assert said.note == "waiting for api.aladhan.com (rate limited, 12 s)"
    assert said.unit_rate == pytest.approx(2, rel=0.1)
    seen = _progress(said)
    assert seen.unit_rate == 0  # nothing is done now
    assert seen.eta_s == pytest.approx(12 + 50 / 2, rel=0.1)
    gauge.go_on()
    assert gauge.snapshot().note == ""
    _work(gauge, clock, 4, 0.5)
    assert gauge.snapshot().unit_rate == pytest.approx(2, rel=0.1)  # the wait is no part of the window


def test_a_wait_that_is_made_longer_is_one_wait(gauge: Gauge, clock: Clock) -> None:
    _work(gauge, clock, 4, 1)
    for _ in range(3):
        gauge.wait_for("api.aladhan.com", "failing", 5)
        clock.now += 5
    gauge.go_on()
    assert gauge.snapshot().unit_rate == pytest.approx(1, rel=0.01)


def test_ten_times_the_usual_without_a_unit_is_a_stall(gauge: Gauge, clock: Clock) -> None:
    _work(gauge, clock, 10, 2)
    clock.now += 19
    assert gauge.stalled_s == 0
    clock.now += 2
    assert gauge.snapshot().stalled_s == pytest.approx(21)
    assert gauge.snapshot().note == "stalled: no unit for 21 s, usually one in 2 s"
    assert _progress(gauge.snapshot()).stalled_s == pytest.approx(21)
    _work(gauge, clock, 1, 0)
    assert gauge.stalled_s == 0


def test_a_quick_shard_may_pause_for_breath(gauge: Gauge, clock: Clock) -> None:
    _work(gauge, clock, 100, 0.01)
    clock.now += 4.9
    assert gauge.stalled_s == 0
    clock.now += 0.2
    assert gauge.stalled_s > 0


def test_who_waits_for_a_closed_host_is_not_stuck(gauge: Gauge, clock: Clock) -> None:
    _work(gauge, clock, 10, 0.1)
    gauge.wait_for("api.aladhan.com", "failing", 60)
    clock.now += 600
    assert gauge.stalled_s == 0
    gauge.go_on()
    assert gauge.stalled_s == 0


def test_before_the_first_unit_half_a_minute_is_given(gauge: Gauge, clock: Clock) -> None:
    clock.now += 29
    assert gauge.stalled_s == 0
    clock.now += 2
    assert gauge.snapshot().note == "stalled: no unit for 31 s"


def test_a_shard_that_says_nothing_any_more_shows_no_pace() -> None:
    shard = ShardProgress(holder="host:1", at=now_ms() - 60_000, unit_rate=5)
    assert _progress(shard).eta_s is None


def test_a_wait_that_many_threads_end_is_counted_once(gauge: Gauge, clock: Clock) -> None:
    _work(gauge, clock, 4, 1)
    gauge.wait_for("api.aladhan.com", "failing", 5)
    clock.now += 5
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: gauge.go_on(), range(64)))
    assert gauge.snapshot().unit_rate == pytest.approx(1, rel=0.01)
