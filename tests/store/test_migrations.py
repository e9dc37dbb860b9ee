"""Migrations: what they build is what the models say, once, whoever runs them and dies on the way."""

from __future__ import annotations

import os
import re
import sqlite3
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import TYPE_CHECKING

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text
from sqlmodel import SQLModel

from synctl.errors import DatabaseUnreachable
from synctl.store import models
from synctl.store.db import open_database, sqlite_path
from synctl.store.migrate import HEAD, current, upgrade
from synctl.store.migrations.apply import config, engine_for
from synctl.store.reference import City, seed_madhabs, seed_methods
from synctl.store.sqlite import PAGE_BYTES
from tests.store.databases import DIALECTS, empty

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from sqlalchemy import Connection


@pytest.fixture(params=DIALECTS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with empty(request.param, tmp_path) as found:
        yield found


def test_head_is_the_newest_revision() -> None:
    assert ScriptDirectory.from_config(config()).get_heads() == [HEAD]


def test_alembic_finds_no_difference_to_the_models(url: str) -> None:
    upgrade(url)
    with engine_for(url).connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, SQLModel.metadata) == []


@pytest.mark.parametrize("dialect", DIALECTS)
def test_the_schema_is_what_the_models_create_to_the_letter(tmp_path: Path, dialect: str) -> None:
    """Alembic compares no WITHOUT ROWID, check constraint or condition of an index."""
    (tmp_path / "created").mkdir()
    with empty(dialect, tmp_path) as migrated, empty(dialect, tmp_path / "created") as created:
        upgrade(migrated)
        with engine_for(created).begin() as connection:
            SQLModel.metadata.create_all(connection)
            wanted = _schema(connection)
        with engine_for(migrated).connect() as connection:
            assert _schema(connection) == wanted


def test_no_column_of_a_unique_key_may_be_null(url: str) -> None:
    """Where it may, a row without it is no double of another: they pile up."""
    upgrade(url)
    found = inspect(engine_for(url))
    for table in found.get_table_names():
        nullable = {column["name"] for column in found.get_columns(table) if column["nullable"]}
        keys: list[Sequence[str | None]] = [found.get_pk_constraint(table)["constrained_columns"]]
        keys += [index["column_names"] for index in found.get_indexes(table) if index["unique"]]
        keys += [constraint["column_names"] for constraint in found.get_unique_constraints(table)]
        assert [key for key in keys if nullable.intersection(key)] == [], table


def _schema(connection: Connection) -> dict[str, list[str]]:
    """Everything created, as text, by name; the order of columns and constraints left out."""
    if connection.dialect.name == "sqlite":
        sql = "SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql IS NOT NULL"
    else:
        here = "current_schema()"
        sql = (
            f"SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = {here} UNION ALL"
            " SELECT conrelid::regclass || '.' || conname, pg_get_constraintdef(oid) FROM pg_constraint"
            f" WHERE connamespace = {here}::regnamespace UNION ALL"
            " SELECT table_name || '.' || column_name, data_type || ' ' || is_nullable || ' ' ||"
            f" coalesce(column_default, '') FROM information_schema.columns WHERE table_schema = {here}"
            " AND table_name <> 'prayer_schedule'"
        )
    schema = connection.dialect.default_schema_name or ""
    rows = connection.execute(text(sql))
    return {
        name: sorted(_parts(re.sub(rf"\b(?:test_\w+|{schema})\.", "", definition)))
        for name, definition in rows
        if not name.startswith("alembic_version")
    }


def _parts(definition: str) -> list[str]:
    """Columns and constraints, each on its own; one that was added later stands on the line of the last."""
    definition = re.sub(r", (\w+ [A-Z]+)", r",\n\1", definition)
    return [part for part in re.split(r",?\s*\n\s*|(?<=[\w')])(?=\)$)", definition) if part]


def test_a_new_database_has_no_revision_and_is_not_created_by_asking(tmp_path: Path) -> None:
    path = tmp_path / "synctl.db"
    with closing(open_database(f"sqlite:///{path}")) as database:
        assert current(database) is None
    assert not path.exists()


def test_upgrading_twice_does_nothing_the_second_time(url: str) -> None:
    assert upgrade(url) is True
    assert upgrade(url) is False
    with closing(open_database(url)) as database:
        assert current(database) == HEAD


def test_the_folder_of_a_new_file_is_created(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path}/a%20b/c/synctl.db")
    assert (tmp_path / "a b/c/synctl.db").is_file()


def test_a_new_file_has_large_pages(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path}/new.db")
    with closing(sqlite3.connect(tmp_path / "new.db")) as raw:
        assert raw.execute("PRAGMA page_size").fetchone() == (PAGE_BYTES,)


OPEN = """
import sys, time
from contextlib import closing
from synctl.store.db import open_database
start = float(sys.argv[2])
for copy in range(40):
    time.sleep(max(0.0, start + copy * 0.05 - time.time()))
    with closing(open_database(f"sqlite:///{sys.argv[1]}/{copy}.db")) as database, database.write() as one:
        one.execute("UPDATE alembic_version SET version_num = version_num")
"""


def test_a_copy_is_opened_by_many_at_once(tmp_path: Path) -> None:
    upgrade(f"sqlite:///{tmp_path}/new.db")
    with closing(sqlite3.connect(tmp_path / "new.db")) as raw:
        for copy in range(40):
            raw.execute("VACUUM INTO ?", (f"{tmp_path}/{copy}.db",))  # which is not in WAL mode
    command = [sys.executable, "-c", OPEN, str(tmp_path), str(time.time() + 2)]
    opening = [subprocess.Popen(command) for _ in range(12)]
    assert [one.wait() for one in opening] == [0] * 12


def test_a_folder_that_cannot_be_created_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DatabaseUnreachable, match=r"database .*/file/x/synctl\.db: Not a directory"):
        upgrade(f"sqlite:///{tmp_path}/file/x/synctl.db")


def test_twenty_at_once_migrate_exactly_once(url: str) -> None:
    with ThreadPoolExecutor(20) as pool:
        assert sorted(pool.map(lambda _: _child(url), range(20))) == [0] * 19 + [1]


def _child(url: str) -> int:
    """Upgrade in a process of its own; 1 if it did it, 0 if another one did."""
    pid = os.fork()
    if pid == 0:
        status = 99
        try:
            status = int(upgrade(url))
        finally:
            os._exit(status)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def test_a_process_that_dies_on_the_way_leaves_nothing_half_done(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/synctl.db"
    pid = os.fork()
    if pid == 0:
        connect = sqlite3.connect

        def fatal(*args: object, **options: object) -> sqlite3.Connection:
            connection = connect(*args, **options)  # type: ignore[call-overload]
            # The view is made after every table and before the version is written.
            connection.set_trace_callback(lambda sql: os._exit(9) if "CREATE VIEW" in sql else None)
            return connection  # type: ignore[no-any-return]

        sqlite3.connect = fatal  # type: ignore[assignment]
        try:
            upgrade(url)
        finally:
            os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 9
    with closing(sqlite3.connect(sqlite_path(url))) as connection:
        assert connection.execute("SELECT count(*) FROM sqlite_master").fetchone() == (0,)
    assert upgrade(url) is True


def test_a_schema_of_a_newer_synctl_is_refused(url: str) -> None:
    upgrade(url)
    with closing(open_database(url)) as database:
        with database.write() as transaction:
            transaction.execute("UPDATE alembic_version SET version_num = 'r9999'")
        with pytest.raises(DatabaseUnreachable, match="r9999") as caught:
            upgrade(url)
        assert caught.value.hint == "a newer synctl has made it: upgrade synctl"
        assert current(database) == "r9999"


def test_coordinates_of_zero_or_beyond_the_globe_are_refused(url: str) -> None:
    upgrade(url)
    with closing(open_database(url)) as database:
        for latitude, longitude in ((0, 1), (1, 0), (90.1, 1), (1, -180.1)):
            with pytest.raises(Exception, match=r"city_l(at|ong)itude"), database.write() as transaction:
                transaction.execute(
                    "INSERT INTO city VALUES (1, 'a', 'a', 'GB', :latitude, :longitude, 'UTC', 1, 'file')",
                    latitude=latitude,
                    longitude=longitude,
                )


def test_the_schedule_shows_each_time_on_the_date_it_falls_on(url: str) -> None:
    upgrade(url)
    city = City(6, "Tromsø", "NO", 69.6489, 18.95508, "Europe/Oslo", 52_436)
    with closing(open_database(url)) as database, database.write() as transaction:
        seed_methods(transaction)
        seed_madhabs(transaction)
        transaction.execute(
            "INSERT INTO city VALUES (6, :name, 'tromso', 'NO', :lat, :lon, :zone, 1, 'geonames')",
            name=city.name,
            lat=city.latitude,
            lon=city.longitude,
            zone=city.timezone,
        )
        transaction.execute(
            "INSERT INTO stored_unit (id, resource, key, source, run_id, synced_at, rows)"
            " VALUES (3, 'prayer', 'k', 'calculated', 'prayer-1', 1783036800999, 1)"
        )
        columns = (*models.PrayerTime.model_fields,)
        minutes = {"fajr": -61, "isha": 1440, "midnight": 1441, "lastthird": 1639}
        values = {"city_id": 6, "method_id": 3, "madhab_id": 1, "day": 20_635, "utc_offset": 7200, "unit_id": 3}
        transaction.execute(
            f"INSERT INTO prayer_time ({', '.join(columns)}) VALUES ({', '.join(f':{name}' for name in columns)})",
            **{name: values.get(name, minutes.get(name, 721)) for name in columns},
        )
        row = dict(transaction.all("SELECT * FROM prayer_schedule")[0])
    assert row == {
        "city_id": 6,
        "city": "Tromsø",
        "country": "NO",
        "timezone": "Europe/Oslo",
        "method": "MWL",
        "madhab": "hanafi",
        "date": "2026-07-01",
        **dict.fromkeys(("imsak", "sunrise", "dhuhr", "asr", "sunset", "maghrib", "firstthird"), "2026-07-01 12:01"),
        "fajr": "2026-06-30 22:59",
        "isha": "2026-07-02 00:00",
        "midnight": "2026-07-02 00:01",
        "lastthird": "2026-07-02 03:19",
        "source": "calculated",
        "run_id": "prayer-1",
        "synced_at": "2026-07-03T00:00:00Z",
    }
