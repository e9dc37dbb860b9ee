"""Which database is meant, under whatever name it is reached."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from uuid import uuid4

import pytest

from synctl.store.db import open_database, sqlite_path
from synctl.store.identity import identity_of
from tests.store.databases import DIALECTS, empty, migrated


@pytest.fixture(params=DIALECTS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    with migrated(request.param, tmp_path) as found:
        yield found


def known(url: str) -> str:
    with closing(open_database(url)) as database:
        return identity_of(database)


def test_it_is_the_same_for_all_who_ask_and_another_for_each_database(url: str, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    with migrated("sqlite", tmp_path / "other") as other:
        assert known(url) == known(url) != known(other)


def test_a_database_that_is_not_set_up_or_has_lost_its_name_is_nobody_s(url: str, tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    with empty("sqlite", tmp_path / "new") as new:
        assert known(new) == ""
        assert not sqlite_path(new).exists()  # nothing is made by asking
    with closing(open_database(url)) as database:
        with database.write() as transaction:
            transaction.execute("DELETE FROM ledger_identity")
        assert identity_of(database) == ""


def test_a_link_is_the_same_and_a_copy_another(tmp_path: Path) -> None:
    with migrated("sqlite", tmp_path) as url:
        path = sqlite_path(url)
        path.with_name("link.db").symlink_to(path)
        assert known(f"sqlite:///{path.with_name('link.db')}") == known(url)
        with closing(sqlite3.connect(path)) as database:
            database.execute("VACUUM INTO ?", [str(path.with_name("copy.db"))])
        assert known(f"sqlite:///{path.with_name('copy.db')}") not in ("", known(url))


def test_who_may_not_read_the_name_goes_without(tmp_path: Path) -> None:
    connect = pytest.importorskip("psycopg").connect
    with migrated("postgresql", tmp_path) as url, connect(url, autocommit=True) as owner:
        role = f"role_{uuid4().hex}"
        owner.execute(f"CREATE ROLE {role} LOGIN")
        try:
            assert known(url.replace("synctl@", f"{role}@")) == ""
        finally:
            owner.execute(f"DROP ROLE {role}")
