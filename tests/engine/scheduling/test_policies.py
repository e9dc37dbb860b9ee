"""What comes of a slot: clocks that change, downtimes, overlap, the second slot of a day, errors."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec.structs import replace
from redis import Redis

from synctl.config.schedules import Overlap, Schedule
from synctl.engine import keys
from synctl.engine.scheduler import RECORDED
from synctl.states import RunState
from synctl.store import runs
from synctl.store.db import Database
from tests.engine.fakes import CITIES, FakeResource, end, get, take
from tests.engine.scheduling.clockwork import (
    BOTH,
    DAILY,
    HOUR,
    MINUTE,
    Clock,
    Make,
    at,
    came_of,
    play,
    recorded,
)

DST: dict[str, tuple[str, str, list[str]]] = {
    # A time that the clocks skip comes when they have; one that they show twice comes once.
    "30 2 * * *": ("2026-03-27 12:00", "2026-03-30 12:00", ["03-28T01:30", "03-29T01:00", "03-30T00:30"]),
    "30 2 * * * ": ("2026-10-23 12:00", "2026-10-26 12:00", ["10-24T00:30", "10-25T00:30", "10-26T01:30"]),
    # Every hour is every hour that passes.
    "30 * * * *": (
        "2026-03-29 00:00", "2026-03-29 03:00", ["03-29T00:30", "03-29T01:30", "03-29T02:30"]
    ),
    "30 * * * * ": (
        "2026-10-25 00:00", "2026-10-25 03:00", ["10-25T00:30", "10-25T01:30", "10-25T02:30"]
    ),
}  # fmt: skip


@pytest.mark.parametrize("cron", DST)
def test_when_the_clocks_change_each_slot_comes_once(make: Make, clock: Clock, database: Database, cron: str) -> None:
    begin, until, expected = DST[cron]
    clock.now = at(begin)
    berlin = replace(DAILY, cron=cron.strip(), timezone="Europe/Berlin", overlap=Overlap.QUEUE)
    one = make(daily=berlin)
    while clock.now <= at(until):
        one.tick()
        clock.now += 5 * MINUTE
    assert [moment for moment, *_ in came_of(database)] == expected
    assert {state for _, state, _ in came_of(database)} == {"enqueued"}


def test_a_new_schedule_makes_up_for_nothing(make: Make, clock: Clock, database: Database) -> None:
    play(make, clock, ["2026-11-02 02:15", "2026-11-02 02:16"], daily=DAILY)
    assert came_of(database) == []


CATCH_UP = {
    # Down from just after the slot of the 2nd; up again at …: (window, what is recorded).
    ("2026-11-03 02:20", "6h"): [("11-03T02:15", "enqueued", "created")],
    ("2026-11-03 02:20", "0"): [("11-03T02:15", "missed", "nothing ran at its time")],
    ("2026-11-03 02:16", "0"): [("11-03T02:15", "enqueued", "created")],  # punctual: a leader's death takes that long
    ("2026-11-03 08:15", "6h"): [("11-03T02:15", "enqueued", "created")],
    ("2026-11-03 08:16", "6h"): [("11-03T02:15", "missed", "nothing ran at its time")],
    ("2026-11-05 03:00", "6h"): [
        ("11-03T02:15", "missed", "nothing ran at its time"),
        ("11-04T02:15", "missed", "nothing ran at its time"),
        ("11-05T02:15", "enqueued", "created"),
    ],
    ("2026-11-05 03:00", "30h"): [
        ("11-03T02:15", "missed", "nothing ran at its time"),
        ("11-04T02:15", "missed", "that of 2026-11-05T02:15:00Z stands for it"),
        ("11-05T02:15", "enqueued", "created"),
    ],
}


@pytest.mark.parametrize(("up", "window"), CATCH_UP)
def test_what_was_missed_is_made_up_for_once_within_the_window(
    make: Make, clock: Clock, database: Database, client: Redis, up: str, window: str
) -> None:
    daily = replace(DAILY, catch_up=window, overlap=Overlap.QUEUE)
    play(make, clock, ["2026-11-02 00:00", "2026-11-02 02:15"], daily=daily)
    client.flushall()
    play(make, clock, [up], daily=daily)
    assert came_of(database)[1:] == CATCH_UP[up, window]


def test_of_a_long_downtime_the_newest_are_recorded(make: Make, clock: Clock, database: Database) -> None:
    often = replace(DAILY, cron="* * * * *", overlap=Overlap.QUEUE)
    play(make, clock, ["2026-01-01 00:00", "2026-11-02 12:00"], daily=often)
    found = came_of(database)
    assert len(found) == RECORDED
    assert found[-1] == ("11-02T12:00", "enqueued", "created")


@pytest.mark.parametrize(
    "meanwhile",
    [replace(DAILY, enabled=False), replace(DAILY, cron="0 5 * * *"), replace(DAILY, timezone="Asia/Tokyo"), None],
    ids=["disabled", "another time", "another zone", "gone"],
)
def test_what_passed_while_a_schedule_was_not_so_is_not_made_up_for(
    make: Make, clock: Clock, database: Database, client: Redis, meanwhile: Schedule | None
) -> None:
    play(make, clock, ["2026-11-02 00:00"], daily=DAILY)
    client.flushall()
    play(make, clock, ["2026-11-02 01:00"], **({"daily": meanwhile} if meanwhile else {"other": DAILY}))
    client.flushall()
    play(make, clock, ["2026-11-02 04:00"], daily=DAILY)
    assert came_of(database) == []


@BOTH
@pytest.mark.parametrize(
    ("overlap", "then", "why", "states"),
    [
        (Overlap.SKIP, "skipped", "{first} is running", {"running"}),
        (Overlap.QUEUE, "enqueued", "created", {"running", "queued"}),
        (Overlap.REPLACE, "enqueued", "created", {"cancelled", "queued"}),
    ],
)
def test_while_a_run_of_the_schedule_is_active_the_policy_decides(
    make: Make,
    clock: Clock,
    database: Database,
    client: Redis,
    overlap: Overlap,
    then: str,
    why: str,
    states: set[str],
) -> None:
    daily = replace(DAILY, overlap=overlap)
    one = play(make, clock, ["2026-11-02 00:00", "2026-11-02 02:15"], daily=daily)
    first = recorded(database)[0].run_id
    assert first is not None
    take(database, client, first)
    clock.now = at("2026-11-03 02:15")
    one.tick()
    if overlap is Overlap.REPLACE:  # it is asked to stop; the slot waits for that
        assert get(database, first).state is RunState.CANCELLING
        assert came_of(database)[1][1] == "claimed"
        for lease in range(2):
            client.delete(keys.lease(first, lease))  # its holders are gone, so whoever waits settles it
        one.tick()
    assert came_of(database)[1] == ("11-03T02:15", then, why.format(first=first))
    with database.read() as transaction:
        assert {str(run.state) for run in runs.listing(transaction)} == states


def test_a_run_of_nobodys_schedule_is_none_of_its_own(make: Make, clock: Clock, database: Database) -> None:
    """Two schedules over the same rows take turns, as runs do."""
    both = {"daily": DAILY, "other": replace(DAILY, city=("a", "b"))}
    play(make, clock, ["2026-11-02 00:00", "2026-11-02 02:15"], **both)
    assert [came_of(database, name)[0][2] for name in both] == ["created", "created"]
    with database.read() as transaction:
        assert sorted(bool(run.waits_for) for run in runs.listing(transaction)) == [False, True]


@pytest.mark.parametrize(
    ("age", "if_stale", "failed", "why"),
    [
        (0, None, (), "fresh"),
        (0, "2h", (), "fresh"),
        (3 * HOUR, "2h", (), "forced"),
        (3 * HOUR, None, (), "fresh"),
        (0, None, ("a",), "retried"),
    ],
)
def test_a_second_slot_of_a_day_meets_the_run_of_the_first(
    make: Make,
    clock: Clock,
    database: Database,
    client: Redis,
    age: int,
    if_stale: str | None,
    failed: tuple[str, ...],
    why: str,
) -> None:
    hourly = Schedule(cron="0 * * * *", resource="fake", city=CITIES, if_stale=if_stale)
    one = play(make, clock, ["2026-11-02 00:59", "2026-11-02 01:00"], daily=hourly)
    run_id = recorded(database)[0].run_id
    assert run_id is not None
    end(database, client, run_id, *failed)
    clock.now = at("2026-11-02 02:00")
    with database.write() as transaction:
        transaction.execute("UPDATE run SET finished_at = :then", then=clock.now - age)
    one.tick()
    assert came_of(database)[1] == ("11-02T02:00", "enqueued", why)
    assert recorded(database)[1].run_id == run_id


def test_a_slot_that_cannot_be_queued_says_why_and_the_others_go_on(
    make: Make, clock: Clock, database: Database
) -> None:
    none = replace(DAILY, city=())  # no units: a UsageError
    wrong = replace(DAILY, city=("b", "b"), madhab="x", cities=1)
    play(make, clock, ["2026-11-02 00:00", "2026-11-02 02:15"], none=none, daily=wrong)
    assert came_of(database, "none") == [("11-02T02:15", "failed", "the selection has no units")]
    assert came_of(database)[0][1] == "enqueued"


def test_a_bug_of_a_resource_fails_its_slot_only(
    make: Make, clock: Clock, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Any:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(FakeResource, "plan", broken)
    play(make, clock, ["2026-11-02 00:00", "2026-11-02 02:15", "2026-11-03 02:15"], daily=DAILY)
    assert came_of(database) == [(f"11-0{day}T02:15", "failed", "ZeroDivisionError: a bug") for day in (2, 3)]
