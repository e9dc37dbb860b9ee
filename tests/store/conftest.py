"""A migrated database for each test, of every kind there is."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from synctl.store import migrate
from synctl.store.db import Database, open_database
from tests.store.databases import DIALECTS, empty


@pytest.fixture(params=DIALECTS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    with empty(request.param, tmp_path) as url:
        migrate.upgrade(url)
        with closing(open_database(url)) as opened:
            yield opened
