"""Schedules: each slot is queued once, whoever leads, dies or comes late."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from synctl.clock import iso
from synctl.config import Settings
from synctl.config.schedules import Overlap, Schedule
from synctl.engine import keys, leader, registry
from synctl.engine.enqueue import Enqueuer
from synctl.engine.leader import TTL_MS, Leadership
from synctl.engine.scheduler import RECORDED, Scheduler
from synctl.engine.server import EmbeddedServer
from synctl.states import RunState
from synctl.store import runs, slots
from synctl.store.db import Database, open_database
from synctl.store.runs import Actor
from synctl.store.slots import Slot, SlotState
from tests.engine.fakes import CITIES, FakeResource, end, get, take
from tests.store.databases import DIALECTS, migrated

MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000
DAILY = Schedule(cron="15 2 * * *", resource="fake", city=("a",))


def at(text: str) -> int:
    """Return a moment of `2026-11-02 02:15` in UTC."""
    return round(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1000)


@dataclass
class Clock:
    """What the schedulers take for the time."""

    now: int

    def __call__(self) -> int:
        return self.now


BOTH = pytest.mark.parametrize("url", DIALECTS, indirect=True)
"""For tests that between them use every statement: a database of PostgreSQL's takes half a second to make."""


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with migrated(getattr(request, "param", "sqlite"), tmp_path) as found:
        yield found


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with closing(open_database(url)) as opened:
        yield opened


@pytest.fixture
def clock() -> Clock:
    return Clock(at("2026-11-02 00:00"))


Make = Callable[..., Scheduler]


@pytest.fixture
def make(
    database: Database,
    client: Redis,
    connection: Redis,
    settings: Settings,
    clock: Clock,
    monkeypatch: pytest.MonkeyPatch,
) -> Make:
    """Make a process of its own by name, with these schedules."""
    monkeypatch.setattr(registry, "load", lambda _name: FakeResource())  # for turns

    def made(name: str = "one", **schedules: Schedule) -> Scheduler:
        configured = replace(settings, schedule=schedules)
        return Scheduler(
            database, client, connection, configured, Actor("somebody", f"host:{name}"),
            clock=clock, load=lambda _name: FakeResource(),
        )  # fmt: skip

    return made


def recorded(database: Database, schedule: str = "daily") -> list[Slot]:
    """Every slot, oldest first."""
    with database.read() as transaction:
        return slots.listing(transaction, schedule, 10_000)[::-1]


def came_of(database: Database, schedule: str = "daily") -> list[tuple[str, str, str]]:
    return [(iso(one.slot)[5:16], str(one.state), one.why) for one in recorded(database, schedule)]


def events(database: Database, kind: str) -> int:
    with database.read() as transaction:
        return sum(event["kind"] == kind for event in runs.events(transaction, None, 10_000))


WEEK = {
    "daily": replace(DAILY, overlap=Overlap.QUEUE),
    "twice": Schedule(
        cron="0 1,13 * * *", timezone="Asia/Karachi", resource="fake", city=("b",), overlap=Overlap.QUEUE
    ),
    "hourly": Schedule(cron="7 * * * *", resource="fake", city=("c",), overlap=Overlap.QUEUE),
    "weekdays": Schedule(cron="30 4 * * 1-5", resource="fake", city=("d",), overlap=Overlap.QUEUE),
}
SLOTS = {"daily": 7, "twice": 14, "hourly": 168, "weekdays": 5}


def check_week(database: Database, start: int) -> None:
    """Each slot of the week is there, enqueued; each run was made once and never again."""
    for name, schedule in WEEK.items():
        found = recorded(database, name)
        assert [one.slot for one in found] == schedule.when.between(start, start + 7 * DAY, newest=1000)
        assert len(found) == SLOTS[name]
        assert Counter(one.state for one in found) == {SlotState.ENQUEUED: SLOTS[name]}
        days = {iso(one.slot)[:10] for one in found}
        assert len({one.run_id for one in found}) == len(days)
    assert events(database, "created") == 7 + 7 + 7 + 5
    assert events(database, "retried") == events(database, "forced") == 0
    with database.read() as transaction:
        queued = Counter(event["reason"] for event in runs.events(transaction, None, 10_000))
    assert set(queued.values()) == {1}  # for no slot twice


def test_two_processes_over_a_week_queue_each_slot_once(make: Make, clock: Clock, database: Database) -> None:
    start = clock.now
    both = [make("one", **WEEK), make("two", **WEEK)]
    led: Counter[int] = Counter()
    while clock.now < start + 7 * DAY:
        led.update(number for number, one in enumerate(both) if one.tick())
        clock.now += 10 * MINUTE
    assert set(led) == {0}
    check_week(database, start)


class Killed(BaseException):
    """What a kill -9 leaves is what this leaves: nothing of what should have come next is done."""


class Fate:
    """Decides where the next leader dies: before or after it has queued, or when it has settled."""

    def __init__(self, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
        self.chance = random.Random(seed)
        self.killed = 0
        self._at = ""
        enqueue, settle = Enqueuer.enqueue, slots.settle

        def mortal_enqueue(enqueuer: Enqueuer, *arguments: Any) -> Any:
            self._meet("claimed")
            found = enqueue(enqueuer, *arguments)
            self._meet("enqueued")
            return found

        def mortal_settle(*arguments: Any) -> bool:
            settled = settle(*arguments)
            self._meet("settled")
            return settled

        monkeypatch.setattr(Enqueuer, "enqueue", mortal_enqueue)
        monkeypatch.setattr(slots, "settle", mortal_settle)

    def choose(self) -> None:
        self._at = self.chance.choice(["claimed", "enqueued", "settled"]) if self.chance.random() < 0.4 else ""

    def _meet(self, where: str) -> None:
        if self._at == where:
            self._at = ""
            self.killed += 1
            raise Killed


@BOTH
@pytest.mark.parametrize("seed", [1, 2])
def test_whatever_dies_over_a_week_each_slot_is_queued_once(
    make: Make, clock: Clock, database: Database, client: Redis, monkeypatch: pytest.MonkeyPatch, seed: int
) -> None:
    """Leaders die before, in the middle of and after queueing, their leases end too early, and Redis is wiped."""
    fate = Fate(seed, monkeypatch)
    start, alive = clock.now, [make("0", **WEEK), make("1", **WEEK)]

    def tick() -> None:
        for number in fate.chance.sample([0, 1], 2):
            try:
                alive[number].tick()
            except Killed:
                alive[number] = make(f"{number} after {fate.killed}", **WEEK)
                client.delete(keys.SCHEDULER)  # its lease has ended

    tick()
    while clock.now < start + 7 * DAY - 10 * MINUTE:
        clock.now += 10 * MINUTE
        fate.choose()
        tick()
        match fate.chance.randrange(20):
            case 0:
                client.delete(keys.SCHEDULER)
            case 1:
                client.flushall()
    for _ in range(3):
        clock.now += MINUTE
        tick()
    assert fate.killed > 20
    check_week(database, start)


@BOTH
def test_four_that_all_believe_they_lead_queue_each_slot_once(
    make: Make, clock: Clock, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without a Redis that says who leads, SQL alone decides."""
    monkeypatch.setattr(Leadership, "hold", lambda self: True)
    four = [make(str(number), **WEEK) for number in range(4)]
    four[0].tick()
    start, steps, barrier = clock.now, 7 * 48, threading.Barrier(5)

    def work(one: Scheduler) -> None:
        for _ in range(steps):
            barrier.wait(60)
            one.tick()
            barrier.wait(60)

    threads = [threading.Thread(target=work, args=[one], daemon=True) for one in four]
    for thread in threads:
        thread.start()
    for _ in range(steps):
        clock.now += HOUR // 2
        barrier.wait(60)
        barrier.wait(60)
    for thread in threads:
        thread.join(60)
    check_week(database, start)


DIES = """
import os, signal, sys
from dataclasses import replace
from synctl.config import Settings
from synctl.config.schedules import Schedule
from synctl.engine.connect import connect_cli
from synctl.engine.enqueue import Enqueuer
from synctl.engine.scheduler import Scheduler
from synctl.store.db import open_database
from synctl.store.runs import Actor
from tests.engine.fakes import FakeResource
from pathlib import Path
url, redis, now, when = sys.argv[1:]
enqueue = Enqueuer.enqueue
def deadly(self, *arguments):
    if when == "after":
        enqueue(self, *arguments)
    os.kill(os.getpid(), signal.SIGKILL)
Enqueuer.enqueue = deadly
late = Schedule(cron="59 23 * * *", resource="fake", city=("a",))
settings = Settings(home=Path("/nowhere"), schedule={"late": late})
Scheduler(
    open_database(url), connect_cli(redis), connect_cli(redis, decode=False), settings, Actor.this_process(),
    clock=lambda: int(now), load=lambda _name: FakeResource(),
).tick()
"""


@BOTH
@pytest.mark.parametrize("when", ["before", "after"])
def test_a_leader_killed_between_claim_and_settle_loses_nothing_even_at_midnight(
    make: Make, clock: Clock, database: Database, client: Redis, valkey: EmbeddedServer, url: str, when: str
) -> None:
    late = replace(DAILY, cron="59 23 * * *")
    heir = make("heir", late=late)
    heir.tick()
    client.delete(keys.SCHEDULER)
    clock.now = at("2026-11-02 23:59") + 50_000
    arguments = [sys.executable, "-c", DIES, url, valkey.url, str(clock.now), when]
    killed = subprocess.run(arguments, cwd=Path(__file__).parents[2], check=False, timeout=60)
    assert killed.returncode == -signal.SIGKILL
    assert [one.state for one in recorded(database, "late")] == [SlotState.CLAIMED]
    assert heir.tick() is False  # its lease goes on for a while
    client.delete(keys.SCHEDULER)
    clock.now += TTL_MS - 1
    assert heir.tick()
    assert recorded(database, "late")[0].state is SlotState.CLAIMED  # so does its claim
    clock.now += 2
    heir.tick()
    assert came_of(database, "late") == [("11-02T23:59", "enqueued", "created")]
    (slot,) = recorded(database, "late")
    assert slot.run_id is not None
    assert slot.run_id.startswith("fake-20261102-")
    assert events(database, "created") == 1
    assert client.llen("rq:queue:fake-sync") == 1  # and its one job


def test_the_next_leads_when_the_leader_stops_and_at_once(make: Make, client: Redis) -> None:
    one, two = make("one", daily=DAILY), make("two", daily=DAILY)
    assert [one.tick(), two.tick()] == [True, False]
    held = leader.holder(client, keys.SCHEDULER)
    assert held is not None
    assert client.pttl(keys.SCHEDULER) <= TTL_MS
    stop = threading.Event()
    stop.set()
    one.run(stop, "redis://nowhere")
    assert leader.holder(client, keys.SCHEDULER) is None
    assert [two.tick(), one.tick()] == [True, False]


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


def play(make: Make, clock: Clock, moments: list[str], **schedules: Schedule) -> Scheduler:
    """Have one process tick at these moments."""
    one = make(**schedules)
    for moment in moments:
        clock.now = at(moment)
        one.tick()
    return one


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
