"""Whatever dies, freezes or is wiped, the database ends as if nothing had happened: SYNCTL_CHAOS_SEEDS=1-10."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.__main__ import seeds
from tests.chaos.baseline import Baseline, made_baseline
from tests.chaos.observers import SITECUSTOMIZE, sitecustomize_works
from tests.chaos.storm import available, storm
from tests.store.databases import DIALECTS, VARIABLE

SEEDS = seeds(os.environ.get("SYNCTL_CHAOS_SEEDS", "1"))
DISTURBANCES = 200


@pytest.fixture(scope="module")
def baseline() -> Iterator[Baseline]:
    with made_baseline() as made:
        yield made


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("dialect", DIALECTS)
@pytest.mark.parametrize("seed", SEEDS)
def test_nothing_is_lost_and_nothing_doubled_whatever_dies(seed: int, dialect: str, baseline: Baseline) -> None:
    if not available(dialect):
        pytest.skip(f"{VARIABLE} holds no PostgreSQL URL")
    verdict = storm(seed, dialect, DISTURBANCES, baseline)
    print(verdict.text())
    assert not verdict.wrong, verdict.text()
    assert verdict.disturbances.total() >= DISTURBANCES


def test_an_observer_of_sqlite_is_refused_a_write(tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text(SITECUSTOMIZE)
    assert sitecustomize_works(sys.executable, tmp_path)
