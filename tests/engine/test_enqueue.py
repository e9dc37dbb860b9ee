"""Enqueueing: one selection is one run, however often and by however many it is asked for."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from redis import Redis
from redis.exceptions import RedisError
from rq import Queue

from synctl.config import PrerequisiteSettings, Settings
from synctl.engine import progress, queues
from synctl.engine.connect import connect_cli
from synctl.engine.enqueue import Enqueuer, Order, Why, identity
from synctl.engine.server import EmbeddedServer
from synctl.errors import Busy, PrerequisitesNotMet, UsageError
from synctl.processors.prayer import RESOURCE as PRAYER
from synctl.resource import Missing, Plan, Selectors
from synctl.states import RunState
from synctl.store import runs
from synctl.store.db import Database, open_database
from synctl.store.reference import seed_reference
from tests.engine.fakes import ACTOR, CITIES, FakeResource, end, expected, get, take

FAKE = FakeResource()
ALL = Selectors(city=CITIES)
DAY = date(2026, 1, 1)


@pytest.fixture(scope="module")
def london_and_lahore(tmp_path_factory: pytest.TempPathFactory, migrated: Path) -> Iterator[tuple[Database, Settings]]:
    path = tmp_path_factory.mktemp("seeded") / "synctl.db"
    shutil.copy(migrated, path)
    with closing(open_database(f"sqlite:///{path}")) as database:
        seed_reference(database, 100, None)
        settings = Settings(home=path.parent, prerequisites=PrerequisiteSettings(min_methods=15, min_cities=100))
        yield database, settings


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({}, True),
        ({"city": ("London", "Lahore")}, True),
        ({"city": ("London", "Lahore", "London")}, True),
        ({"methods": "4,3"}, True),
        ({"methods": "MAKKAH,MWL,3"}, True),
        ({"source": "calculated"}, True),
        ({"city": ("Lahore",)}, False),
        ({"methods": "3"}, False),
        ({"madhab": "hanafi"}, False),
        ({"source": "aladhan"}, False),
        ({"last": date(2026, 2, 2)}, False),
    ],
)
def test_the_same_selection_in_whatever_order_is_the_same_run(
    london_and_lahore: tuple[Database, Settings], changed: dict[str, Any], same: bool
) -> None:
    first = Selectors(city=("Lahore", "London"), methods="3,4", first=DAY, last=date(2026, 2, 1))
    ids = [identity(PRAYER.plan(one, *london_and_lahore, DAY), DAY) for one in (first, replace(first, **changed))]
    assert (ids[0] == ids[1]) is same
    assert ids[0].startswith("prayer-20260101-")


@pytest.mark.parametrize(
    ("other", "day"),
    [({"source": "there"}, DAY), ({"resource": "other"}, DAY), ({"params": {"x": 2}}, DAY), ({}, date(2026, 1, 2))],
)
def test_what_differs_is_another_run(other: dict[str, Any], day: date) -> None:
    plan = Plan(resource="fake", source="here", params={"x": 1, "y": 1}, label="", total=1, units=[])
    assert identity(replace(plan, **other), day) != identity(plan, DAY)
    assert identity(replace(plan, params={"y": 1, "x": 1}, label="else"), DAY) == identity(plan, DAY)


def test_a_new_run_has_its_units_and_a_job_for_each_shard(
    enqueuer: Enqueuer, database: Database, client: Redis
) -> None:
    found = enqueuer.enqueue(FAKE, ALL, Order(reason="because", shards=3))
    assert (found.why, found.run.state, found.run.total, found.run.shards) == (Why.CREATED, RunState.QUEUED, 4, 3)
    jobs = expected(database, found.run.id)
    assert client.lrange("rq:queue:fake-sync", 0, -1) == [one.job_id for one in jobs]
    assert len({one.job_id for one in jobs}) == 3
    with database.read() as transaction:
        units = transaction.all("SELECT key, state FROM sync_unit ORDER BY ordinal")
        (event,) = runs.events(transaction, found.run.id)
    assert [(row["key"], row["state"]) for row in units] == [(city, "pending") for city in CITIES]
    assert (event["kind"], event["who"], event["reason"]) == ("created", ACTOR.who, "because")


def test_what_takes_long_to_load_is_loaded_before_the_run_is_written_and_only_for_a_new_one(
    enqueuer: Enqueuer, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[int] = []

    def load() -> type[Queue]:
        with database.read() as transaction:
            written.append(len(runs.listing(transaction)))
        return Queue

    monkeypatch.setattr(queues, "load", load)
    enqueuer.enqueue(FAKE, ALL, Order(shards=1))
    before, pushing = written
    assert (before, pushing) == (0, 1)
    enqueuer.enqueue(FAKE, ALL, Order(shards=1))
    assert written == [before, pushing]


@pytest.mark.parametrize(("asked", "given"), [(None, 2), (0, 1), (1, 1), (4, 4), (99, 4)])
def test_there_are_never_more_shards_than_units(enqueuer: Enqueuer, asked: int | None, given: int) -> None:
    assert enqueuer.enqueue(FAKE, ALL, Order(shards=asked)).run.shards == given


@pytest.mark.parametrize(
    ("failures", "force", "why", "state", "reopened"),
    [
        ((), False, Why.FRESH, RunState.SUCCEEDED, 0),
        ((), True, Why.FORCED, RunState.QUEUED, 4),
        (("b",), False, Why.RETRIED, RunState.QUEUED, 1),
        (("b",), True, Why.FORCED, RunState.QUEUED, 4),
        (CITIES, False, Why.RETRIED, RunState.QUEUED, 4),
    ],
)
def test_asking_again_for_an_ended_run_joins_it(
    enqueuer: Enqueuer,
    database: Database,
    client: Redis,
    failures: tuple[str, ...],
    force: bool,
    why: Why,
    state: RunState,
    reopened: int,
) -> None:
    run_id = enqueuer.enqueue(FAKE, ALL, Order()).run.id
    before = end(database, client, run_id, *failures)
    progress.flag(client, run_id, "pause")
    found = enqueuer.enqueue(FAKE, ALL, Order(force=force))
    assert (found.run.id, found.why, found.run.state, found.reopened) == (run_id, why, state, reopened)
    assert found.run.done == (before.done if why is not Why.FORCED else 0)
    assert client.llen("rq:queue:fake-sync") == (0 if why is Why.FRESH else 2)
    flag = progress.read(client, [run_id])[run_id].control
    assert flag == ("pause" if why is Why.FRESH else "")  # a new start knows no old request


@pytest.mark.parametrize("running", [False, True])
def test_an_active_run_is_joined_and_cannot_be_forced(
    enqueuer: Enqueuer, database: Database, client: Redis, running: bool
) -> None:
    run_id = enqueuer.enqueue(FAKE, ALL, Order()).run.id
    if running:
        take(database, client, run_id)
    found = enqueuer.enqueue(FAKE, ALL, Order())
    assert (found.run.id, found.why) == (run_id, Why.ACTIVE)
    with pytest.raises(Busy, match=run_id):
        enqueuer.enqueue(FAKE, ALL, Order(force=True))
    assert client.llen("rq:queue:fake-sync") == (0 if running else 2)


@pytest.mark.parametrize(
    ("resource", "selectors", "error"),
    [
        (FakeResource(lacking=(Missing("no cities", "seed"),)), ALL, PrerequisitesNotMet),
        (FAKE, Selectors(), UsageError),
        (FakeResource(announced_too_many=1), ALL, UsageError),
    ],
)
def test_what_cannot_start_leaves_no_trace(
    enqueuer: Enqueuer,
    database: Database,
    client: Redis,
    resource: FakeResource,
    selectors: Selectors,
    error: type[Exception],
) -> None:
    with pytest.raises(error):
        enqueuer.enqueue(resource, selectors, Order())
    assert _rows(database) == [0, 0, 0, 0]
    assert client.dbsize() == 0


@pytest.mark.parametrize("force", [False, True])
def test_what_is_forced_asks_anew_in_a_new_run_too(enqueuer: Enqueuer, *, force: bool) -> None:
    assert enqueuer.enqueue(FAKE, ALL, Order(force=force)).run.anew == int(force)


def test_a_selection_without_units_is_no_run(enqueuer: Enqueuer, database: Database) -> None:
    """It would have succeeded without a call made."""
    with pytest.raises(UsageError, match="no units"):
        enqueuer.enqueue(FAKE, Selectors(), Order())
    assert _rows(database) == [0, 0, 0, 0]


@pytest.mark.parametrize("order", [Order(), Order(shards=1)])
def test_without_redis_no_run_is_created(database: Database, settings: Settings, short: Path, order: Order) -> None:
    dead = connect_cli(f"unix://{short}/nothing.sock")
    enqueuer = Enqueuer(database, dead, dead, settings, ACTOR)
    with pytest.raises(RedisError):
        enqueuer.enqueue(FAKE, ALL, order)
    assert _rows(database) == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("failures", "why", "jobs"),
    [(None, Why.ACTIVE, 2), ((), Why.FRESH, 0), (("a", "d"), Why.RETRIED, 2), (CITIES, Why.RETRIED, 2)],
)
def test_a_retry_queues_what_failed_and_nothing_else(
    enqueuer: Enqueuer,
    database: Database,
    client: Redis,
    failures: tuple[str, ...] | None,
    why: Why,
    jobs: int,
) -> None:
    run_id = enqueuer.enqueue(FAKE, ALL, Order()).run.id
    if failures is not None:
        end(database, client, run_id, *failures)
    found = enqueuer.retry(run_id, Order())
    assert (found.why, found.reopened) == (why, len(failures or ()))
    assert client.llen("rq:queue:fake-sync") == jobs
    with database.read() as transaction:
        pending = transaction.all("SELECT key FROM sync_unit WHERE state = 'pending' ORDER BY ordinal")
    assert [row["key"] for row in pending] == list(CITIES if failures is None else failures)


ASK = """
import sys
from pathlib import Path
from synctl.config import Settings
from synctl.engine.connect import connect_cli
from synctl.engine.enqueue import Enqueuer, Order
from synctl.resource import Selectors
from synctl.store.db import open_database
from tests.engine.fakes import ACTOR, CITIES, FakeResource
import rq
settings = Settings(home=Path(sys.argv[1]), workers={"fake": 2})
url = sys.argv[2]
enqueuer = Enqueuer(
    open_database(settings.database_url), connect_cli(url), connect_cli(url, decode=False), settings, ACTOR)
print("ready", flush=True)
sys.stdin.readline()
found = enqueuer.enqueue(FakeResource(), Selectors(city=CITIES), Order())
print(found.run.id, found.why)
"""


def test_twenty_at_once_get_one_run_and_twenty_answers(
    database: Database, client: Redis, settings: Settings, valkey: EmbeddedServer
) -> None:
    root = Path(__file__).parents[2]
    asking = [
        subprocess.Popen(
            [sys.executable, "-c", ASK, str(settings.home), valkey.url],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root,
        )
        for _ in range(20)
    ]  # fmt: skip
    for one in asking:
        assert one.stdout
        assert one.stdout.readline() == "ready\n"
    for one in asking:
        assert one.stdin
        one.stdin.write("\n")
        one.stdin.flush()
    answers = [one.communicate(timeout=60)[0].split() for one in asking]
    assert [one.returncode for one in asking] == [0] * 20
    (run_id,) = {run_id for run_id, _ in answers}
    assert Counter(why for _, why in answers) == {"active": 19, "created": 1}
    assert _rows(database) == [1, 4, 2, 1]
    assert client.lrange("rq:queue:fake-sync", 0, -1) == [one.job_id for one in expected(database, run_id)]
    assert queues.queued(client, expected(database)) == [True, True]
    assert get(database, run_id).state is RunState.QUEUED


def _rows(database: Database) -> list[int]:
    with database.read() as transaction:
        found = [
            transaction.one(f"SELECT COUNT(*) AS n FROM {table}")
            for table in ("run", "sync_unit", "run_shard", "run_event")
        ]
    return [row["n"] for row in found if row]
