"""The doctor: what is wrong is named with what mends it, nothing is changed, and nothing makes it faint."""

from __future__ import annotations

import os
import shutil
import socket
import sqlite3
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
from redis import Redis

from synctl.clock import now_ms
from synctl.config import DatabaseSettings, PrayerSettings, RedisSettings, Settings, Sources, Upstream
from synctl.engine import keys
from synctl.engine.doctor import CHECKS, Finding, Status, broker, clocks, examination, examine, exit_code, machine
from synctl.engine.doctor import upstreams as upstreams_
from synctl.engine.doctor.examination import Check
from synctl.engine.doctor.finding import size
from synctl.engine.doctor.patient import Patient
from synctl.engine.enqueue import Enqueuer, Order
from synctl.engine.progress import ShardProgress
from synctl.engine.server import EmbeddedServer
from synctl.errors import ConfigError, ExitCode
from synctl.resource import Selectors
from synctl.store import migrate
from synctl.store.db import Database, open_database
from synctl.store.reference import seed_reference
from tests.engine.fakes import CITIES, FakeResource, age, take
from tests.store.databases import empty

NOBODY = "redis://127.0.0.1:1/0"


@pytest.fixture
def whole(settings: Settings, database: Database, client: Redis, valkey: EmbeddedServer) -> Settings:
    """Settings with which nothing is wrong but that nobody works."""
    seed_reference(database, 100, None)
    return replace(settings, redis=RedisSettings(url=valkey.url))


def looked(settings: Settings) -> list[Finding]:
    return list(examine(lambda: settings, offline=True))


def of(findings: list[Finding], check: str) -> list[Finding]:
    return [one for one in findings if one.check == check]


def register(client: Redis, resource: str, silent_s: float = 0, pid: int = 7) -> None:
    """Say what a worker of RQ says of itself."""
    key = f"rq:worker:{resource}-{pid}"
    said = datetime.now(UTC) - timedelta(seconds=silent_s)
    client.sadd("rq:workers", key)
    client.hset(
        key,
        mapping={
            "queues": f"{resource}-sync",
            "state": "idle",
            "hostname": "here",
            "pid": pid,
            "last_heartbeat": said.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        },
    )


def test_where_nothing_is_wrong_every_check_says_what_is_so(whole: Settings, client: Redis) -> None:
    register(client, "fake")
    register(client, "prayer")
    found = looked(whole)
    assert [one for one in found if one.status not in {Status.OK, Status.SKIPPED}] == []
    kinds = {"workers" if one.check.startswith("workers ") else one.check for one in found}
    assert kinds == {one.name for one in CHECKS}
    assert [one.message for one in found if one.status is Status.SKIPPED] == ["not looked at: offline"]
    assert "23 named methods, 100 cities, 2 madhabs" in of(found, "prerequisites")[0].message
    assert exit_code(found) is ExitCode.OK


def test_looking_changes_nothing(
    whole: Settings, client: Redis, connection: Redis, database: Database, enqueuer: Enqueuer
) -> None:
    enqueuer.enqueue(FakeResource(), Selectors(city=CITIES), Order())
    register(client, "gone", silent_s=10_000)
    database.close()  # the last one to close removes the log: to read must not create it again

    def everything() -> object:
        redis = {key: (connection.type(key), connection.dump(key)) for key in sorted(connection.keys("*"))}
        return redis, {path: (path.stat().st_mtime_ns, path.read_bytes()) for path in whole.home.iterdir()}

    before = everything()
    assert of(looked(whole), "workers fake")[0].status is Status.ERROR
    assert everything() == before


def test_a_user_of_redis_who_may_only_read_is_enough(whole: Settings, client: Redis, valkey: EmbeddedServer) -> None:
    acl = cast("Any", client).execute_command
    for allowed, warned in (("+ping +info +time", set()), ("", {"redis", "clock"})):
        acl("ACL", "SETUSER", "reader", "reset", "on", ">word", "~*", "+@read", *allowed.split())
        url = valkey.url.replace("unix://", "unix://reader:word@")
        found = looked(replace(whole, redis=RedisSettings(url=url)))
        acl("ACL", "DELUSER", "reader")
        assert {one.check for one in found if one.status is Status.WARNING} - {"supervisor"} == warned
        assert exit_code(found) is ExitCode.OK
        assert all("word" not in one.message for one in found if one.check == "redis")


def _no_home(settings: Settings) -> Settings:
    return replace(settings, home=settings.home / "none")


def _home_is_a_file(settings: Settings) -> Settings:
    (settings.home / "file").write_text("")
    return replace(settings, home=settings.home / "file")


def _file(settings: Settings, content: bytes) -> Settings:
    path = settings.home / "other.db"
    path.write_bytes(content)
    return replace(settings, database=DatabaseSettings(url=f"sqlite:///{path}"))


def _no_database(settings: Settings) -> Settings:
    return _file(settings, b"this is no database, whatever its name says" * 100)


def _torn_database(settings: Settings) -> Settings:
    with closing(sqlite3.connect(settings.home / "synctl.db")) as raw:
        raw.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    whole = (settings.home / "synctl.db").read_bytes()
    return _file(settings, whole[:4096] + os.urandom(len(whole) - 4096))


def _empty_database(settings: Settings) -> Settings:
    return _file(settings, b"")


def _no_postgres(settings: Settings) -> Settings:
    return replace(settings, database=DatabaseSettings(url="postgresql://me:word@127.0.0.1:1/x"))


def _unreadable_postgres_url(settings: Settings) -> Settings:
    return replace(settings, database=DatabaseSettings(url="postgresql://me:word@127.0.0.1:1/x?nonsense=1"))


def _revision(settings: Settings, revision: str) -> Settings:
    with closing(sqlite3.connect(settings.home / "synctl.db")) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    return settings


def _no_cities(settings: Settings) -> Settings:
    with closing(sqlite3.connect(settings.home / "synctl.db")) as raw, raw:
        raw.execute("DELETE FROM city")
    return settings


def _redis(url: str) -> Callable[[Settings], Settings]:
    return lambda settings: replace(settings, redis=RedisSettings(url=url))


BROKEN: list[tuple[Callable[[Settings], Settings], str, str, str, ExitCode]] = [
    (_no_home, "database", "does not exist", "synctl up", ExitCode.PREREQUISITES),
    (_home_is_a_file, "home", "is no folder", "SYNCTL_HOME", ExitCode.PREREQUISITES),
    (_no_database, "database", "not a database", "backup", ExitCode.UNREACHABLE),
    (_torn_database, "database", "malformed", "backup", ExitCode.UNREACHABLE),
    (_empty_database, "migrations", "empty", "synctl up", ExitCode.PREREQUISITES),
    (_no_postgres, "database", "refused", "[database] url", ExitCode.UNREACHABLE),
    (_unreadable_postgres_url, "database", "nonsense", "docs", ExitCode.UNREACHABLE),
    (lambda settings: _revision(settings, "r0000"), "migrations", "r0000", "db upgrade", ExitCode.PREREQUISITES),
    (lambda settings: _revision(settings, "r9999"), "migrations", "newer", "install", ExitCode.PREREQUISITES),
    (_no_cities, "prerequisites", "0 of 100 cities", "seed --cities 100", ExitCode.PREREQUISITES),
    (_redis(NOBODY), "redis", "nothing listens", "[redis] url", ExitCode.UNREACHABLE),
    (_redis("redis://127.0.0.1:many/0"), "redis", "many", "docs", ExitCode.UNREACHABLE),
]


@pytest.mark.parametrize(("ruin", "check", "says", "hint", "code"), BROKEN)
def test_what_is_broken_is_named_with_what_mends_it_and_the_rest_is_looked_at(
    whole: Settings, ruin: Callable[[Settings], Settings], check: str, says: str, hint: str, code: ExitCode
) -> None:
    found = looked(ruin(whole))
    (named,) = [one for one in of(found, check) if one.status is Status.ERROR]
    assert says in named.message
    assert hint in named.hint
    assert exit_code(found) is code
    assert all("word@" not in one.message for one in found)
    assert {one.check.partition(" ")[0] for one in found} >= {one.name.partition(" ")[0] for one in CHECKS}


def test_what_cannot_be_looked_at_says_why(whole: Settings) -> None:
    no_redis = {one.check: one.message for one in looked(_redis(NOBODY)(whole)) if one.status is Status.SKIPPED}
    assert {check for check, message in no_redis.items() if message == "not looked at: no Redis"} == {
        "memory", "persistence", "workers", "queues", "stuck runs",
    }  # fmt: skip
    nothing = {one.check: one.message for one in looked(_no_database(whole))}
    assert nothing["prerequisites"] == nothing["stuck runs"] == "not looked at: no database"


@pytest.mark.parametrize("error", [ConfigError("synctl.toml:3: wrong"), FileNotFoundError(2, "No such file")])
def test_a_configuration_that_cannot_be_read_is_the_only_finding(error: Exception) -> None:
    def load() -> Settings:
        raise error

    first, *rest = examine(load)
    assert (first.check, first.status) == ("configuration", Status.ERROR)
    assert {one.message for one in rest} == {"not looked at: no configuration"}
    assert exit_code([first, *rest]) is ExitCode.FAILED


def test_a_bug_in_a_check_is_a_finding_and_the_next_one_is_made(
    whole: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def bug(patient: Patient) -> Iterator[Finding]:
        raise KeyError("missing")

    monkeypatch.setattr(examination, "CHECKS", (Check("bug", bug), Check("home", machine.home)))
    bad, good = looked(whole)
    assert bad.message == "cannot be looked at: KeyError: 'missing'"
    assert good.status is Status.OK


def test_of_several_errors_the_gravest_decides() -> None:
    def error(code: ExitCode) -> Finding:
        return Finding("", Status.ERROR, "", "", code)

    warned = Finding("", Status.WARNING, "")
    assert exit_code([warned]) is ExitCode.OK
    assert exit_code([warned, error(ExitCode.FAILED)]) is ExitCode.FAILED
    assert exit_code([error(ExitCode.FAILED), error(ExitCode.PREREQUISITES)]) is ExitCode.PREREQUISITES
    assert exit_code([error(ExitCode.PREREQUISITES), error(ExitCode.UNREACHABLE)]) is ExitCode.UNREACHABLE


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
    (found,) = machine.disk(Patient(_no_home(settings), offline=True))
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
