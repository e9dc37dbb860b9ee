"""Metrics: Prometheus reads them, they say what is so, and reading them changes nothing."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path

import pytest
from msgspec.structs import replace
from prometheus_client.parser import text_string_to_metric_families as parsed
from redis import Redis

from synctl.clock import now_ms
from synctl.config import RedisSettings, Settings
from synctl.config.schedules import Schedule
from synctl.engine import keys, registry
from synctl.engine.enqueue import Enqueuer, Order
from synctl.engine.leader import Leadership
from synctl.engine.metrics import exposition
from synctl.engine.metrics.declared import METRICS, Kind
from synctl.engine.metrics.reading import read
from synctl.engine.progress import ProgressWriter, ShardProgress
from synctl.engine.server import EmbeddedServer
from synctl.engine.tally import Tally
from synctl.resource import Selectors
from synctl.states import RunState
from synctl.store import slots
from synctl.store.db import Database, open_database
from synctl.store.slots import SlotState
from tests.engine.fakes import ACTOR, CITIES, FakeResource, end, take

ALADHAN = "api.aladhan.com"
HOUR = 3_600_000
Value = Callable[..., float]


@pytest.fixture
def measured(settings: Settings, valkey: EmbeddedServer, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr(registry, "names", lambda: ["fake"])
    monkeypatch.setattr(registry, "load", lambda _name: FakeResource())
    hourly = Schedule(cron="0 * * * *", resource="fake")
    scheduled = {"hourly": hourly, "off": replace(hourly, enabled=False), "unknown": hourly}
    return replace(settings, redis=RedisSettings(url=valkey.url), workers={"fake": 1}, schedule=scheduled)


@pytest.fixture
def value(measured: Settings) -> Value:
    """Read a metric anew."""

    def value(name: str, **labels: str) -> float:
        found = _values(exposition.text(read(measured)).decode())
        return found[name, frozenset(labels.items())]

    return value


def _values(text: str) -> dict[tuple[str, frozenset[tuple[str, str]]], float]:
    samples = [sample for family in parsed(text) for sample in family.samples]
    values = {(sample.name, frozenset(sample.labels.items())): sample.value for sample in samples}
    assert len(values) == len(samples)
    return values


def _order(enqueuer: Enqueuer, *cities: str) -> str:
    return enqueuer.enqueue(FakeResource(), Selectors(city=cities or CITIES), Order(shards=1)).run.id


def _upstream_is_asked(client: Redis) -> None:
    tally = Tally()
    for seconds in (0.2, 0.3, 40.0):
        tally.request(ALADHAN, 200, seconds, again=seconds > 1)
    tally.request(ALADHAN, None, 5.0, again=True)
    tally.limited(ALADHAN)
    tally.flush(client)
    now = now_ms()
    client.set(keys.budget(ALADHAN), now + 10_000)
    client.hset(keys.host(ALADHAN), mapping={"closed_until": now + 60_000, "open": "1", "why": "rate limited"})
    client.zadd(keys.slots(ALADHAN), {"a": now + 9000, "b": now + 9000, "died": now - 1})


def _a_life(database: Database, client: Redis, enqueuer: Enqueuer, *, at: int) -> str:
    """Have a run that failed in part, one that is worked on and hangs, and one that waits; return the second's id."""
    end(database, client, _order(enqueuer, "a", "b", "c"), "b")
    live = _order(enqueuer, "d", "e")
    (lease,) = take(database, client, live)
    shard = ShardProgress(holder="h:1", at=at, stalled_s=12)
    ProgressWriter(client, lease, 60_000).tick((("done", 1), ("failed", 0)), shard)
    _order(enqueuer, "f")
    with database.write() as transaction:
        transaction.execute(
            "INSERT INTO quarantine (resource, key, rule, message, sample, source, run_id, found_at)"
            " VALUES ('fake', 'b', 'fake.rule', '', '', 'here', 'r', 1)"
        )
        slots.know(transaction, "hourly", "0 * * * *", now_ms() - 2 * HOUR)
    _upstream_is_asked(client)
    return live


def test_all_that_is_declared_is_written_as_it_is_declared_and_no_more(
    measured: Settings, database: Database, client: Redis, enqueuer: Enqueuer
) -> None:
    _a_life(database, client, enqueuer, at=now_ms())
    families = {family.name: family for family in parsed(exposition.text(read(measured)).decode())}
    assert set(families) == {metric.name.removesuffix("_total") for metric in METRICS}
    for metric in METRICS:
        family = families[metric.name.removesuffix("_total")]
        assert (family.type, family.documentation) == (metric.kind, metric.help)
        for sample in family.samples:
            assert set(sample.labels) - {"le"} == set(metric.labels), sample
    assert all(metric.name.endswith("_total") == (metric.kind is Kind.COUNTER) for metric in METRICS)


def test_runs_and_what_they_did(database: Database, client: Redis, enqueuer: Enqueuer, value: Value) -> None:
    live = _a_life(database, client, enqueuer, at=now_ms() - 7000)
    of_fake = {"resource": "fake"}
    assert [value("synctl_runs", state=str(state), **of_fake) for state in RunState] == [
        {RunState.QUEUED: 1, RunState.RUNNING: 1, RunState.PARTIAL: 1}.get(state, 0) for state in RunState
    ]
    units = {state: value("synctl_run_units", state=state, **of_fake) for state in ("open", "done", "failed")}
    assert units == {"open": 3, "done": 2, "failed": 1}
    assert value("synctl_open_units", **of_fake) == 3
    assert value("synctl_last_run_state", state="partial", **of_fake) == 1
    assert value("synctl_last_run_state", state="succeeded", **of_fake) == 0
    assert value("synctl_last_success_timestamp_seconds", **of_fake) == 0
    assert value("synctl_runs_waiting", waits_for="worker", **of_fake) == 1
    assert 0 < value("synctl_runs_waiting_seconds", **of_fake) < 60
    assert value("synctl_stored_units", **of_fake) == 2
    assert value("synctl_quarantined_units", rule="fake.rule", **of_fake) == 1
    assert 7 <= value("synctl_heartbeat_age_seconds", run=live, **of_fake) < 60
    assert value("synctl_shards", lease="held", **of_fake) == 1
    assert value("synctl_queue_jobs", **of_fake) == 1
    assert value("synctl_workers", state="idle", **of_fake) == 0


def test_a_run_that_hangs_is_stalled_while_it_says_so(
    database: Database, client: Redis, enqueuer: Enqueuer, value: Value
) -> None:
    _a_life(database, client, enqueuer, at=now_ms() + 60_000)
    assert value("synctl_stalled_runs", resource="fake") == 1


def test_requests_and_the_budget_of_an_upstream(client: Redis, database: Database, value: Value) -> None:
    _upstream_is_asked(client)
    name, good = "synctl_upstream_request_duration_seconds", {"host": ALADHAN, "status": "2xx"}
    added = [value(f"{name}_bucket", le=bound, **good) for bound in ("0.1", "0.25", "0.5", "30.0", "+Inf")]
    assert added == [0, 1, 2, 2, 3]
    assert value(f"{name}_count", **good) == 3
    assert value(f"{name}_sum", **good) == pytest.approx(40.5)
    assert value(f"{name}_count", host=ALADHAN, status="none") == 1
    assert value("synctl_upstream_limited_total", host=ALADHAN) == 1
    assert value("synctl_upstream_retries_total", host=ALADHAN) == 2
    assert (value("synctl_upstream_in_flight", host=ALADHAN), value("synctl_upstream_rate_limit", host=ALADHAN)) == (
        2,
        4,
    )
    assert 0 < value("synctl_upstream_reserved_seconds", host=ALADHAN) <= 10
    assert 0 < value("synctl_upstream_closed_seconds", host=ALADHAN) <= 60
    assert value("synctl_upstream_failing", host=ALADHAN) == 1
    assert value("synctl_upstream_failing", host="api.alquran.cloud") == 0


def test_a_schedule_is_late_until_its_moments_are_settled(
    measured: Settings, database: Database, client: Redis, value: Value
) -> None:
    now = now_ms()
    with database.write() as transaction:
        for name in ("hourly", "off"):
            slots.know(transaction, name, "0 * * * *", now - 2 * HOUR)
    assert 3600 <= value("synctl_schedule_lag_seconds", schedule="hourly") <= 7260
    assert value("synctl_scheduler_up") == 0
    Leadership(client, keys.SCHEDULER).hold()
    assert value("synctl_scheduler_up") == 1
    moments = measured.schedule["hourly"].when.between(now - 2 * HOUR, now, newest=2)
    with database.write() as transaction:
        for moment in moments:
            slot = slots.claim(transaction, "hourly", moment, "2026-11-24", ACTOR, now)
    assert slot is not None
    assert value("synctl_schedule_lag_seconds", schedule="hourly") == pytest.approx((now - moments[-1]) / 1000, abs=60)
    with database.write() as transaction:
        slots.settle(transaction, slot, SlotState.ENQUEUED, "created", None, now)
    assert value("synctl_schedule_lag_seconds", schedule="hourly") < 60  # unless the hour has just struck
    lags = {one.labels for one in read(measured) if one.name == "synctl_schedule_lag_seconds"}
    assert lags == {("hourly",)}


def test_workers_that_say_nothing_are_not_counted_as_alive(client: Redis, database: Database, value: Value) -> None:
    for name, said in (("fresh", "2999-01-01T00:00:00Z"), ("stale", "2020-01-01T00:00:00Z")):
        client.sadd(keys.RQ_WORKERS, f"rq:worker:{name}")
        client.hset(
            f"rq:worker:{name}",
            mapping={"queues": "fake-sync", "state": "busy", "pid": "1", "hostname": "h", "last_heartbeat": said},
        )
    assert value("synctl_workers", resource="fake", state="busy") == 1
    assert value("synctl_workers_silent", resource="fake") == 1


def test_reading_changes_nothing(
    measured: Settings, database: Database, client: Redis, connection: Redis, enqueuer: Enqueuer
) -> None:
    _a_life(database, client, enqueuer, at=now_ms())
    before = _state(connection, measured.home)
    read(measured)
    assert _state(connection, measured.home) == before


def _state(connection: Redis, home: Path) -> tuple[object, object]:
    files = {path: hashlib.sha256(path.read_bytes()).digest() for path in _files(home) if path.suffix != ".db-shm"}
    return {key: connection.dump(key) for key in connection.keys("*")}, files


def _files(home: Path) -> Iterable[Path]:
    return sorted(path for path in home.rglob("*") if path.is_file() and not path.name.endswith("-shm"))


def test_what_is_down_is_a_metric(measured: Settings, database: Database, valkey: EmbeddedServer) -> None:
    dead = replace(measured, redis=RedisSettings(url="redis://127.0.0.1:1/0"))
    found = _values(exposition.text(read(dead)).decode())
    assert found["synctl_redis_up", frozenset()] == 0
    assert found["synctl_database_up", frozenset()] == 1
    assert found["synctl_open_units", frozenset({("resource", "fake")})] == 0
    assert not any(name.startswith(("synctl_upstream", "synctl_workers")) for name, _ in found)


@pytest.mark.parametrize("kind", ["none", "not a database", "an empty one"])
def test_a_database_that_cannot_be_read_is_a_metric(
    measured: Settings, valkey: EmbeddedServer, client: Redis, tmp_path_factory: pytest.TempPathFactory, kind: str
) -> None:
    home = tmp_path_factory.mktemp("home")
    if kind == "not a database":
        (home / "synctl.db").write_bytes(b"no database" * 1000)
    if kind == "an empty one":
        with closing(open_database(f"sqlite:///{home}/synctl.db")) as empty, empty.write() as transaction:
            transaction.execute("CREATE TABLE something (x INTEGER)")
    files = list(_files(home))
    found = _values(exposition.text(read(replace(measured, home=home))).decode())
    assert found["synctl_database_up", frozenset()] == (kind == "an empty one")
    assert found["synctl_database_migrated", frozenset()] == 0
    assert found["synctl_redis_up", frozenset()] == 1
    assert ("synctl_queue_jobs", frozenset({("resource", "fake")})) in found
    assert list(_files(home)) == files


def test_objects_are_the_samples_of_the_text(measured: Settings, database: Database, client: Redis) -> None:
    _upstream_is_asked(client)
    samples = [one for one in read(measured) if not one.name.startswith("synctl_disk")]
    objects = exposition.objects(samples)
    text = _values(exposition.text(samples).decode())
    assert {(one["sample"], frozenset(one["labels"].items())): one["value"] for one in objects} == text  # type: ignore[attr-defined]
    assert {one["name"] for one in objects} <= {metric.name for metric in METRICS}
