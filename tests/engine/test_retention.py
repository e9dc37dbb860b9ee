"""Old runs and the engine: who sees to them, and what becomes of a run that is asked for again without its units."""

from __future__ import annotations

import pytest
from redis import Redis

from synctl.config import RetentionSettings
from synctl.engine import retention
from synctl.engine.enqueue import Enqueuer, Order, Why
from synctl.engine.retention import Housekeeper
from synctl.errors import IllegalTransition
from synctl.resource import Selectors
from synctl.states import RunState
from synctl.store.db import Database
from tests.engine.fakes import ACTOR, CITIES, FakeResource, end, get

FAKE, ALL = FakeResource(), Selectors(city=CITIES)
DAYS_30 = RetentionSettings(units="30d")


@pytest.fixture
def partial(enqueuer: Enqueuer, database: Database, client: Redis) -> str:
    """A run that ended 31 days ago; of its four units one failed."""
    run_id = enqueuer.enqueue(FAKE, ALL, Order()).run.id
    end(database, client, run_id, "b")
    _age(database)
    return run_id


def _age(database: Database) -> None:
    with database.write() as transaction:
        transaction.execute(
            "UPDATE run SET finished_at = finished_at - :age WHERE finished_at IS NOT NULL", age=31 * 86_400_000
        )


def _units(database: Database, state: str = "%") -> int:
    with database.read() as transaction:
        row = transaction.one("SELECT COUNT(*) AS n FROM sync_unit WHERE state LIKE :state", state=state)
    assert row is not None
    return int(row["n"])


def _prune(database: Database) -> None:
    rests: list[float] = []
    for _ in retention.remove(database, ACTOR, retention.limits(30 * 86_400, None), rests.append):
        pass
    assert all(rest >= 0 for rest in rests)


def test_what_failed_can_still_be_queued_again(
    enqueuer: Enqueuer, database: Database, client: Redis, partial: str
) -> None:
    _prune(database)
    assert _units(database) == 1
    found = enqueuer.retry(partial, Order())
    assert (found.why, found.reopened, found.run.done, found.run.total) == (Why.RETRIED, 1, 3, 4)
    assert end(database, client, partial).state is RunState.SUCCEEDED


def test_of_a_run_that_a_newer_one_has_replaced_nothing_can_be_queued_again(
    enqueuer: Enqueuer, database: Database, client: Redis, partial: str
) -> None:
    with database.write() as transaction:
        transaction.execute("UPDATE run SET id = 'fake-20260101-0000000000'")
    end(database, client, enqueuer.enqueue(FAKE, ALL, Order()).run.id)
    _prune(database)
    with pytest.raises(
        IllegalTransition, match=r"cannot retry fake-20260101-0000000000: its units were pruned 2\d{3}-"
    ):
        enqueuer.retry("fake-20260101", Order())
    assert get(database, "fake-20260101-0000000000").state is RunState.PARTIAL


@pytest.mark.parametrize(("force", "why", "reopened"), [(True, Why.FORCED, 4), (False, Why.FRESH, 0)])
def test_the_same_order_fills_a_pruned_run_again_only_if_it_is_forced(
    enqueuer: Enqueuer, database: Database, client: Redis, force: bool, why: Why, reopened: int
) -> None:
    run_id = enqueuer.enqueue(FAKE, ALL, Order()).run.id
    end(database, client, run_id)
    _age(database)
    _prune(database)
    assert _units(database) == 0
    found = enqueuer.enqueue(FAKE, ALL, Order(force=force))
    assert (found.run.id, found.why, found.reopened, _units(database)) == (run_id, why, reopened, reopened)
    if force:
        after = end(database, client, run_id)
        assert (after.state, after.done, after.pruned_at) == (RunState.SUCCEEDED, 4, None)


def test_a_run_whose_failed_units_are_gone_is_filled_by_its_own_order(
    enqueuer: Enqueuer, database: Database, client: Redis, partial: str
) -> None:
    _prune(database)
    with database.write() as transaction:
        transaction.execute("DELETE FROM sync_unit")
    found = enqueuer.enqueue(FAKE, ALL, Order())
    assert (found.run.id, found.why, found.reopened, _units(database, "pending")) == (partial, Why.RETRIED, 4, 4)


def test_one_of_all_workers_sees_to_old_runs_once_an_hour(database: Database, client: Redis, partial: str) -> None:
    one, other = Housekeeper(client, DAYS_30), Housekeeper(client, DAYS_30)
    one.tend(database, ACTOR)
    assert _units(database) == 1
    with database.write() as transaction:
        transaction.execute("UPDATE sync_unit SET state = 'done'")
    for worker in (other, one):
        worker.tend(database, ACTOR)
    assert _units(database) == 1
    client.flushall()
    other.tend(database, ACTOR)
    assert _units(database) == 0


def test_what_takes_longer_than_a_slice_goes_on_the_next_time(
    database: Database, client: Redis, partial: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synctl.store.retention.BATCH", 1)
    monkeypatch.setattr(retention, "SLICE_S", 0.0)
    worker = Housekeeper(client, DAYS_30)
    left = []
    for _ in range(5):
        worker.tend(database, ACTOR)
        left.append(_units(database))
    assert left == [3, 2, 1, 1, 1]


def test_where_nothing_is_to_go_redis_is_not_asked(database: Database, client: Redis, partial: str) -> None:
    Housekeeper(client, RetentionSettings(units="off")).tend(database, ACTOR)
    assert (client.keys("*"), _units(database)) == ([], 4)
