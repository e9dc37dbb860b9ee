"""Each check of the doctor: where it draws its line, and what it says."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from msgspec.structs import replace
from redis import Redis

from synctl.clock import now_ms
from synctl.config import DatabaseSettings, PrayerSettings, Settings, Sources, Upstream
from synctl.engine import keys
from synctl.engine.doctor import Finding, Status, broker, clocks, exit_code, machine
from synctl.engine.doctor import upstreams as upstreams_
from synctl.engine.doctor.finding import size
from synctl.engine.doctor.patient import Patient
from synctl.engine.enqueue import Enqueuer, Order
from synctl.engine.progress import ShardProgress
from synctl.errors import ExitCode
from synctl.resource import Selectors
from synctl.store import migrate
from synctl.store.db import Database, open_database
from synctl.store.reference import seed_reference
from tests.engine.fakes import CITIES, FakeResource, age, take
from tests.engine.patients import looked, no_home, of, register
from tests.store.databases import empty


def test_settings_are_told_by_the_file_they_come_from(settings: Settings) -> None:
    origins = {
        "a": "synctl.toml:3",
        "b": "synctl.toml:9",
        "c": ".env:1 SYNCTL_C",
        "d": "environment SYNCTL_D",
        "e": "default",
    }
    (found,) = machine.configuration(Patient(replace(settings, origins=origins), offline=True))
    assert found.message == (
        "1 setting from .env, 2 settings from synctl.toml, 1 setting from the environment; the rest are defaults"
    )


@pytest.mark.parametrize(
    ("free", "total", "status"),
    [(2 << 30, 20 << 30, Status.OK), (1023 << 20, 2 << 30, Status.WARNING), (4 << 30, 100 << 30, Status.WARNING)],
)
def test_little_room_is_a_warning(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, free: int, total: int, status: Status
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free, total=total))
    (found,) = machine.disk(Patient(no_home(settings), offline=True))
    assert found.status is status


@pytest.mark.parametrize(
    ("check", "info", "status", "says"),
    [
        (
            broker.memory,
            {"used_memory": 3 << 20, "maxmemory_policy": "noeviction"},
            Status.OK,
            "3.0 MiB used, no limit",
        ),
        (broker.memory, {"used_memory": 3, "maxmemory_policy": "allkeys-lru"}, Status.WARNING, "forget"),
        (
            broker.memory,
            {"used_memory": 95, "maxmemory": 100, "maxmemory_policy": "noeviction"},
            Status.WARNING,
            "full",
        ),
        (broker.memory, {}, Status.OK, "policy not known"),
        (broker.persistence, {"aof_enabled": 1, "aof_last_write_status": "ok"}, Status.OK, "on"),
        (broker.persistence, {"aof_enabled": 1, "aof_last_write_status": "err"}, Status.ERROR, "failed"),
        (broker.persistence, {"aof_enabled": 0}, Status.WARNING, "off"),
    ],
)
def test_memory_and_persistence_of_redis_are_judged(
    settings: Settings,
    check: Callable[[Patient], Iterator[Finding]],
    info: dict[str, Any],
    status: Status,
    says: str,
) -> None:
    (found,) = check(Patient(settings, offline=True, info=info))
    assert found.status is status
    assert says in found.message


@pytest.mark.parametrize(
    ("ahead_ms", "status", "says"),
    [
        (0, Status.OK, "agrees"),
        (1500, Status.OK, "1.5 s"),
        (3000, Status.WARNING, "behind"),
        (-9000, Status.WARNING, "ahead of"),
    ],
)
def test_a_clock_that_is_off_is_a_warning(settings: Settings, ahead_ms: int, status: Status, says: str) -> None:
    stand_in = SimpleNamespace(time=lambda: divmod((now_ms() + ahead_ms) * 1000, 1_000_000))
    (found,) = clocks.clock(Patient(settings, offline=True, redis=cast("Redis", stand_in)))
    assert found.status is status
    assert says in found.message


def test_a_resource_with_a_queued_run_needs_somebody_who_listens(
    whole: Settings, client: Redis, enqueuer: Enqueuer
) -> None:
    enqueuer.enqueue(FakeResource(), Selectors(city=CITIES), Order())
    (nobody,) = of(looked(whole), "workers fake")
    assert (nobody.status, nobody.message) == (Status.ERROR, "1 run waits, but no worker listens")
    assert "synctl worker fake" in nobody.hint
    register(client, "fake", silent_s=40)
    (silent,) = of(looked(whole), "workers fake")
    assert silent.status is Status.ERROR
    assert "here:7 has said nothing for 40 s" in silent.message
    register(client, "fake", pid=8)
    (one_of_two,) = of(looked(whole), "workers fake")
    assert one_of_two.status is Status.WARNING
    assert one_of_two.message.startswith("1 listens; here:7")
    assert of(looked(whole), "queues")[0].message.startswith("jobs that wait: fake-sync 2, prayer-sync 0, ")
    assert of(looked(whole), "workers prayer")[0].message == "none listens, nothing waits"


def test_what_the_reaper_would_settle_is_an_error(
    whole: Settings, client: Redis, database: Database, enqueuer: Enqueuer
) -> None:
    assert of(looked(whole), "stuck runs")[0].message == "none"
    run_id = enqueuer.enqueue(FakeResource(), Selectors(city=CITIES), Order()).run.id
    client.flushall()
    age(database)
    found = of(looked(whole), "stuck runs")
    assert [(one.status, one.hint) for one in found] == [(Status.ERROR, "synctl reap")] * 2
    assert all(run_id in one.message for one in found)


def test_a_run_that_lives_but_gets_nowhere_is_a_warning(
    whole: Settings, client: Redis, database: Database, enqueuer: Enqueuer
) -> None:
    run_id = enqueuer.enqueue(FakeResource(), Selectors(city=CITIES), Order()).run.id
    take(database, client, run_id)
    assert of(looked(whole), "stuck runs")[0].status is Status.OK
    said = ShardProgress(holder="here:7", at=now_ms(), stalled_s=130)
    client.hset(keys.progress(run_id), "shard:0", msgspec.json.encode(said))
    (found,) = of(looked(whole), "stuck runs")
    assert (found.status, found.hint) == (Status.WARNING, f"synctl status {run_id}")
    assert "no unit for 130 s" in found.message


@pytest.fixture
def port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening.getsockname()[1]


def reached(settings: Settings) -> dict[str, Finding]:
    return {one.check: one for one in upstreams_.upstreams(Patient(settings, offline=False))}


def with_sources(settings: Settings, **urls: str) -> Settings:
    sources = {name: Upstream(base_url=url) for name, url in urls.items()}
    return replace(settings, sources=Sources(**cast("Any", sources)))


def test_an_upstream_that_is_the_default_source_must_be_there(settings: Settings, port: int) -> None:
    there, gone, odd = f"http://127.0.0.1:{port}/v1", "http://127.0.0.1:1/v1", "http://127.0.0.1:99999"
    found = reached(with_sources(settings, aladhan=gone, alquran=there, hadith_api=odd))
    assert [one.status for one in found.values()] == [Status.WARNING, Status.OK, Status.WARNING]
    default = replace(settings, prayer=PrayerSettings(source="aladhan"))
    found = reached(with_sources(default, aladhan=gone, alquran=there, hadith_api=odd))
    assert found["upstream aladhan"].status is Status.ERROR
    assert "127.0.0.1:1: Connection refused; it is the default source of prayer" in found["upstream aladhan"].message
    assert exit_code(found.values()) is ExitCode.FAILED


def test_where_a_proxy_leads_to_upstreams_it_is_the_proxy_that_must_be_there(
    settings: Settings, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.setenv("NO_PROXY", "")
    monkeypatch.setenv("http_proxy", f"127.0.0.1:{port}")
    url = "http://upstream.invalid/v1"
    found = reached(with_sources(settings, aladhan=url, alquran=url, hadith_api=url))
    assert {one.status for one in found.values()} == {Status.OK}


def test_an_upstream_that_says_nothing_is_given_up(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    end = threading.Event()
    monkeypatch.setattr(upstreams_, "WITHIN_S", 0.1)

    def hang(*_: object, **__: object) -> None:
        end.wait(60)
        raise OSError

    monkeypatch.setattr(socket, "create_connection", hang)
    try:
        assert all("no connection within" in one.message for one in reached(settings).values())
    finally:
        end.set()


@pytest.mark.parametrize(
    ("octets", "text"),
    [(0, "0 B"), (1023, "1023 B"), (1536, "1.5 KiB"), (1 << 40, "1.0 TiB"), (5 << 50, "5,120.0 TiB")],
)
def test_sizes_are_readable(octets: int, text: str) -> None:
    assert size(octets) == text


def test_a_database_that_is_only_read_is_found_up_to_date_while_others_write(
    whole: Settings, database: Database
) -> None:
    with database.write() as transaction:
        transaction.execute("UPDATE city SET name = 'Elsewhere'")
        (found,) = of(looked(whole), "migrations")
    assert found.message == f"revision {migrate.HEAD}, the newest"


def test_a_session_of_postgresql_that_may_only_read_is_enough(whole: Settings, client: Redis, tmp_path: Path) -> None:
    with empty("postgresql", tmp_path) as url:
        migrate.upgrade(url)
        with closing(open_database(url)) as database:
            seed_reference(database, 100, None)
        read_only = f"{url}%20-cdefault_transaction_read_only%3Don"
        found = looked(replace(whole, database=DatabaseSettings(url=read_only)))
    assert exit_code(found) is ExitCode.OK
    assert of(found, "database")[0].message.startswith("PostgreSQL 1")
    assert [one.message.partition(" to ")[0] for one in of(found, "clock")] == [
        "agrees with that of Redis",
        "agrees with that of PostgreSQL",
    ]


def test_a_file_that_may_not_be_written_is_read(whole: Settings, database: Database, tmp_path: Path) -> None:
    database.close()
    path = tmp_path / "synctl.db"
    path.chmod(0o400)
    (found,) = of(looked(whole), "database")
    assert found.status is (Status.OK if os.access(path, os.W_OK) else Status.WARNING)  # root may write it
