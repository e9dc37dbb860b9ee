"""Each slot is queued once, whoever leads, dies or believes it leads."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from redis import Redis

from synctl.clock import iso
from synctl.config.schedules import Overlap, Schedule
from synctl.engine import keys, leader
from synctl.engine.enqueue import Enqueuer
from synctl.engine.leader import TTL_MS, Leadership
from synctl.engine.scheduler import Scheduler
from synctl.engine.server import EmbeddedServer
from synctl.store import runs, slots
from synctl.store.db import Database
from synctl.store.slots import SlotState
from tests.engine.scheduling.clockwork import (
    BOTH,
    DAILY,
    DAY,
    HOUR,
    MINUTE,
    Clock,
    Make,
    at,
    came_of,
    events,
    recorded,
)

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
from msgspec.structs import replace
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
    killed = subprocess.run(arguments, cwd=Path(__file__).parents[3], check=False, timeout=60)
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
