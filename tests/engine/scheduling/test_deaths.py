"""What a death or a lost Redis leaves is finished by the next, and nothing is done again."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from msgspec.structs import replace
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from synctl.config.schedules import Overlap, Schedule
from synctl.engine.enqueue import Enqueuer
from synctl.engine.leader import TTL_MS, Leadership
from synctl.engine.scheduler import Scheduler
from synctl.store import slots
from synctl.store.db import Database
from tests.engine.fakes import CITIES, end, get
from tests.engine.scheduling.clockwork import (
    BOTH,
    DAILY,
    HOUR,
    Clock,
    Make,
    at,
    came_of,
    events,
    play,
    recorded,
)


class Killed(BaseException):
    """What a kill -9 leaves is what this leaves."""


@pytest.mark.parametrize("overlap", Overlap)
@pytest.mark.parametrize(("failed", "age", "why"), [(("a",), 0, "retried"), ((), 3 * HOUR, "forced")])
def test_what_was_queued_again_before_a_death_is_not_queued_a_third_time(
    make: Make,
    clock: Clock,
    database: Database,
    client: Redis,
    monkeypatch: pytest.MonkeyPatch,
    overlap: Overlap,
    failed: tuple[str, ...],
    age: int,
    why: str,
) -> None:
    hourly = Schedule(cron="0 * * * *", resource="fake", city=CITIES, if_stale="2h", overlap=overlap)
    one = play(make, clock, ["2026-11-02 00:59", "2026-11-02 01:00"], daily=hourly)
    run_id = recorded(database)[0].run_id
    assert run_id is not None
    end(database, client, run_id, *failed)
    clock.now = at("2026-11-02 02:00")
    with database.write() as transaction:
        transaction.execute("UPDATE run SET finished_at = :then", then=clock.now - age)

    def killed(*_: object) -> bool:
        raise Killed

    with monkeypatch.context() as death:
        death.setattr(slots, "settle", killed)
        with pytest.raises(Killed):
            one.tick()
    before = end(database, client, run_id, *failed)  # before anybody notices
    clock.now += TTL_MS + 1
    make("heir", daily=hourly).tick()
    assert came_of(database)[1] == ("11-02T02:00", "enqueued", why)
    assert events(database, why) == 1
    assert get(database, run_id) == before


def test_without_redis_nothing_is_claimed_and_it_is_made_up_for_later(
    make: Make, clock: Clock, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = play(make, clock, ["2026-11-02 00:00"], daily=DAILY)
    clock.now = at("2026-11-02 02:15")
    with monkeypatch.context() as down:
        down.setattr(Leadership, "hold", _unreachable)
        for _ in range(3):
            _step(one)
    assert came_of(database) == []
    clock.now += HOUR
    _step(one)
    assert came_of(database) == [("11-02T02:15", "enqueued", "created")]


def test_redis_lost_between_claim_and_queueing_leaves_a_claim_that_is_finished(
    make: Make, clock: Clock, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = play(make, clock, ["2026-11-02 00:00"], daily=DAILY)
    clock.now = at("2026-11-02 02:15")
    with monkeypatch.context() as down:
        down.setattr(Enqueuer, "enqueue", _unreachable)
        _step(one)
        assert came_of(database) == [("11-02T02:15", "claimed", "")]
    clock.now += 1000
    _step(one)
    assert came_of(database) == [("11-02T02:15", "enqueued", "created")]


def _unreachable(*_: object) -> Any:
    raise RedisConnectionError("Connection refused")


def _step(one: Scheduler) -> None:
    """Run until the first wait."""
    stop = threading.Event()
    stop.wait = lambda timeout=None: stop.set() or True  # type: ignore[func-returns-value, method-assign]
    one.run(stop, "redis://nowhere")


def test_what_a_claim_was_for_may_be_gone_by_the_time_it_is_found(
    make: Make, clock: Clock, database: Database, client: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = play(make, clock, ["2026-11-02 00:00"], daily=DAILY)
    clock.now = at("2026-11-02 02:15")
    with monkeypatch.context() as down:
        down.setattr(Enqueuer, "enqueue", _unreachable)
        _step(one)
    client.flushall()
    clock.now += TTL_MS + 1
    make("two", other=DAILY).tick()
    assert came_of(database) == [("11-02T02:15", "missed", "its schedule is not in force any more")]


@BOTH
def test_what_came_of_slots_is_forgotten_after_a_while_but_for_the_last(
    make: Make, clock: Clock, database: Database, client: Redis
) -> None:
    daily = replace(DAILY, overlap=Overlap.QUEUE)
    play(make, clock, ["2026-01-01 00:00", "2026-01-01 02:15", "2026-01-02 02:15", "2026-06-01 02:14"], daily=daily)
    client.flushall()
    clock.now += slots.KEPT_MS + 1
    make(daily=replace(daily, enabled=False)).tick()
    assert [one.slot for one in recorded(database)] == [at("2026-05-31 02:15")]
