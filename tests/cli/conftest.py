"""A home with stored data for the tests of a module, which only read it."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from synctl.store.db import open_database
from tests.cli.stored import little_of_everything
from tests.e2e.conftest import Home
from tests.e2e.conftest import call as call  # noqa: PLC0414 - a fixture
from tests.store.databases import migrated


@pytest.fixture(scope="module")
def filled() -> Iterator[Home]:
    """No stack: what only reads needs none."""
    folder = Path(tempfile.mkdtemp(prefix="synctl-"))
    with migrated("sqlite", folder) as url, closing(open_database(url)) as database:
        little_of_everything(database, folder)
    yield Home(folder)
    shutil.rmtree(folder)
