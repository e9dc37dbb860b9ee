"""The same system over PostgreSQL: a run is shared by two workers, one is killed, the counts are exact."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Home, until
from tests.store.databases import empty

CITIES = 12
UNITS = CITIES * 23 * 2


@pytest.mark.slow
def test_a_run_on_postgresql_survives_the_death_of_a_work_horse(home: Home, tmp_path: Path) -> None:
    with empty("postgresql", tmp_path) as url:
        home.environment = {"SYNCTL_DATABASE__URL": url}
        home.run("up")
        run_id = home.json("enqueue", "prayer", "--cities", str(CITIES), "--year", "2026")["run"]

        def middle() -> Any:
            view = home.json("status", run_id)
            return view if view["done"] > 2 and view["lease"] else None

        view = until(middle)
        os.kill(int(view["lease"][0]["holder"].rpartition(":")[2]), signal.SIGKILL)
        home.run("watch", run_id, "--exit")
        view = home.json("status", run_id)
        assert (view["state"], view["done"], view["rows"]) == ("succeeded", UNITS, UNITS * 365)
        day = home.lines("show", "prayer", "--city", "Shanghai", "--method", "1", "--date", "2026-03-29")[0]
        assert len(day["times"]) == 11
        assert home.json("enqueue", "prayer", "--cities", str(CITIES), "--year", "2026")["why"] == "fresh"
        home.run("down")
