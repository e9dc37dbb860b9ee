"""A migrated database for each test, of every kind there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from synctl.store.db import Database, open_database
from synctl.store.reference import seed_reference
from tests.store.databases import DIALECTS, migrated


@pytest.fixture(params=DIALECTS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with migrated(request.param, tmp_path) as url, closing(open_database(url)) as opened:
        yield opened


@pytest.fixture(scope="module", params=DIALECTS)
def world(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """A database with everything that ships; tests that share it only read."""
    with (
        migrated(request.param, tmp_path_factory.mktemp("world")) as url,
        closing(open_database(url)) as database,
    ):
        seed_reference(database, None, None)
        yield database


@pytest.fixture
def own_cities(tmp_path: Path) -> Path:
    path = tmp_path / "own.csv"
    path.write_text(
        "name,country,latitude,longitude,timezone\n"
        "Our Village,GB,53.1,-1.5,Europe/London\n"
        "قرية,PS,31.9,35.2,Asia/Hebron\n",
        encoding="utf-8",
    )
    return path
