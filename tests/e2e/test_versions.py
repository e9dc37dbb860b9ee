"""A database of another version: what it holds is not denied, and what mends it is said."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest

from synctl.store import migrate
from tests.e2e.conftest import Home


@pytest.mark.parametrize(
    ("revision", "word", "cure"), [("r0000", "older", "synctl db upgrade"), ("r9999", "newer", "upgrade synctl")]
)
def test_a_database_of_another_version_is_not_called_empty(home: Home, revision: str, word: str, cure: str) -> None:
    migrate.upgrade(f"sqlite:///{home.path}/synctl.db")
    with closing(sqlite3.connect(home.path / "synctl.db")) as database, database:
        database.execute("UPDATE alembic_version SET version_num = ?", (revision,))
    said = home.run("status", code=5).stderr
    assert f"the database is of an {word} synctl (revision {revision}): {cure}".replace("an newer", "a newer") in said
