"""What only PostgreSQL does: rows go through a staging table, and nobody holds its locks from the grave."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from synctl.errors import DatabaseUnreachable, Unstorable
from synctl.processors.prayer_unit import TABLE
from synctl.store.db import Database, open_database
from synctl.store.postgres import PostgresDatabase
from synctl.store.upsert import Table, upsert_rows
from tests.store.databases import migrated

UNIT = Table("stored_unit", ("resource", "key"), ("source", "run_id", "synced_at", "rows"))
METHOD = Table("method", ("id",), ("code", "name", "params", "named"))


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    with migrated("postgresql", tmp_path) as found:
        yield found


@pytest.fixture
def database(url: str) -> Iterator[Database]:
    with closing(open_database(url)) as opened:
        yield opened


def _unit(key: str, rows: object = 1, resource: object = "prayer") -> tuple[object, ...]:
    return (resource, key, "here", "run", 1, rows)


def _count(database: Database) -> int:
    with database.read() as transaction:
        row = transaction.one("SELECT COUNT(*) AS n FROM stored_unit")
    assert row is not None
    return int(row["n"])


@pytest.mark.parametrize(
    "row",
    [
        _unit("a", rows=2**31),  # psycopg's binary COPY would cut it to what fits, in silence
        _unit("a", rows=2**70),
        _unit("a", rows="many"),
        _unit("a", rows=None),
        _unit("a\0b"),
        _unit("\ud800"),
        _unit("a", resource=5),
    ],
    ids=["wide", "wider", "text", "null", "nul", "surrogate", "number"],
)
def test_a_value_that_does_not_fit_its_column_is_refused_and_never_cut(
    database: Database, row: tuple[object, ...]
) -> None:
    with pytest.raises(Unstorable, match=r"^(database|table) "), database.write() as transaction:
        upsert_rows(transaction, UNIT, [_unit("good"), row])
    assert _count(database) == 0
    with database.write() as transaction:
        assert upsert_rows(transaction, UNIT, [_unit("good")]) == 1


@pytest.mark.parametrize("minute", [2**15, 2**31, -(2**63), 2**63, 0.5, "noon"])
@pytest.mark.parametrize("fresh", [True, False])
def test_nor_is_a_time_of_a_unit(database: Database, minute: object, *, fresh: bool) -> None:
    signed = Table(TABLE.name, TABLE.key, (*TABLE.values, "unit_id"))
    rows = [(1, 3, 0, day, 0, *[300] * 10, minute) for day in range(3)]
    with pytest.raises(Unstorable), database.write() as transaction:
        transaction.upsert_units(signed, [(9, rows)], fresh=fresh)
    with database.read() as transaction:
        assert transaction.all("SELECT 1 FROM prayer_time") == []


def _fail(database: Database, *rows: tuple[object, ...]) -> None:
    with database.write() as transaction:
        upsert_rows(transaction, UNIT, rows)
        raise ZeroDivisionError


def test_a_staging_table_outlives_commits_and_rollbacks_without_keeping_rows(database: Database) -> None:
    with pytest.raises(ZeroDivisionError):
        _fail(database, _unit("lost"))
    for written in (2, 0):
        with database.write() as transaction:
            assert upsert_rows(transaction, UNIT, [_unit("a"), _unit("b")]) == written
            assert upsert_rows(transaction, UNIT, [_unit("a", rows=5)]) == 1
            assert upsert_rows(transaction, METHOD, [(99, "X", "x", "{}", True)]) == written / 2
            assert upsert_rows(transaction, UNIT, [_unit("a", rows=1)]) == 1
    with pytest.raises(ZeroDivisionError):
        _fail(database, _unit("lost"))
    with database.write() as transaction:
        assert upsert_rows(transaction, UNIT, [_unit("c")]) == 1
    assert _count(database) == 3


def test_a_write_transaction_that_was_left_lying_lets_go_of_its_locks(
    url: str, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synctl.store.postgres.ABANDONED_MS", 200)

    def freeze() -> None:
        with frozen.write() as transaction:
            upsert_rows(transaction, UNIT, [_unit("frozen")])
            with database.write() as other:  # waits for the row that the frozen one has, and gets it
                assert upsert_rows(other, UNIT, [_unit("frozen", rows=7)]) == 1
            transaction.execute("UPDATE stored_unit SET rows = 1")

    with closing(PostgresDatabase(url)) as frozen:
        with pytest.raises(DatabaseUnreachable, match="idle-in-transaction"):
            freeze()
        with frozen.write() as transaction:
            assert upsert_rows(transaction, UNIT, [_unit("frozen", rows=7)]) == 0


def test_a_read_may_take_its_time(url: str, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("synctl.store.postgres.ABANDONED_MS", 50)
    with closing(PostgresDatabase(url)) as slow, slow.read() as transaction:
        with database.read() as other:
            other.one("SELECT pg_sleep(0.3)")
        assert transaction.one("SELECT 1 AS n") == {"n": 1}


def test_what_the_url_says_of_the_link_wins(url: str) -> None:
    told = PostgresDatabase(f"{url}{'&' if '?' in url else '?'}application_name=mine")
    with closing(told), told.read() as transaction:
        assert transaction.one("SELECT current_setting('application_name') AS name") == {"name": "mine"}


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ("-cdefault_transaction_read_only=on", "read-only transaction"),
        ("-crole=pg_monitor", "permission denied for table waiver"),
        ("-csearch_path=nowhere", 'relation "waiver" does not exist'),
    ],
    ids=["replica", "rights", "tables"],
)
def test_what_a_server_refuses_is_one_line_with_what_to_do(url: str, options: str, says: str) -> None:
    refusing = PostgresDatabase(f"{url}{'&' if '?' in url else '?'}options={options.replace('=', '%3D')}")
    with closing(refusing), pytest.raises(DatabaseUnreachable, match=says) as caught, refusing.write() as transaction:
        transaction.execute("DELETE FROM waiver")
    assert caught.value.hint
