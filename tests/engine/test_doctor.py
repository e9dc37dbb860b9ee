"""The doctor: what is wrong is named with what mends it, nothing is changed, and nothing makes it faint."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any, cast

import pytest
from msgspec.structs import replace
from redis import Redis

from synctl.config import DatabaseSettings, RedisSettings, Settings
from synctl.engine.doctor import CHECKS, Finding, Status, examination, examine, exit_code, machine
from synctl.engine.doctor.examination import Check
from synctl.engine.doctor.patient import Patient
from synctl.engine.enqueue import Enqueuer, Order
from synctl.engine.server import EmbeddedServer
from synctl.errors import ConfigError, ExitCode
from synctl.resource import Selectors
from synctl.store.db import Database
from tests.engine.fakes import CITIES, FakeResource
from tests.engine.patients import NOBODY, looked, no_home, of, register


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
    (no_home, "database", "does not exist", "synctl up", ExitCode.PREREQUISITES),
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
