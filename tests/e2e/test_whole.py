"""The main job at its real size, and the package outside of its checkout. Minutes long."""

from __future__ import annotations

import os
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.e2e.conftest import Home, until

PROJECT = Path(__file__).parents[2]
SUM_OF_ROWS = "SELECT COUNT(*), SUM(fajr + isha * 3 + asr * 7), COUNT(DISTINCT unit_id) FROM prayer_time"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_default_run_stores_a_year_of_a_hundred_cities_once(home: Home) -> None:
    first = home.start("run", "prayer")
    out, err = first.communicate(timeout=500)
    assert first.returncode == 0, out + err
    assert "4,600 units, 1,679,000 rows" in out
    again = home.run("run", "prayer")
    assert "is fresh" in again.stdout
    assert home.json("status")[0]["rows"] == 1_679_000
    home.run("up")
    rows_before = home.sql(SUM_OF_ROWS)

    forced = home.json("enqueue", "prayer", "--force")["run"]
    until(lambda: home.json("status", forced)["state"] == "succeeded", 400)
    view = home.json("status", forced)
    assert (view["state"], view["done"], view["unchanged"], view["changed"]) == ("succeeded", 4600, 4600, 0)
    assert home.sql(SUM_OF_ROWS) == rows_before

    stale = home.json("enqueue", "prayer", "--cities", "99", "--if-stale", "7d")
    until(lambda: home.json("status", stale["run"])["state"] == "succeeded", 400)
    assert (stale["units"], stale["fresh"]) == (4554, 4554)
    view = home.json("status", stale["run"])
    assert (view["state"], view["done"], view["changed"]) == ("succeeded", 4554, 0)
    attempts = "SELECT SUM(attempts) FROM sync_unit u JOIN run r ON r.seq = u.run_seq WHERE r.id = ?"
    assert home.sql(attempts, stale["run"]) == [(0,)]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_an_installed_package_works_outside_the_checkout(tmp_path: Path, home: Home) -> None:
    wheels = tmp_path / "wheels"
    subprocess.run(
        [sys.executable, "-m", "pip", "wheel", "-q", "--no-deps", "--no-build-isolation", "-w", wheels, PROJECT],
        check=True,
    )
    venv.create(tmp_path / "venv", with_pip=True)
    python = tmp_path / "venv" / "bin" / "python"
    requirements = PROJECT / "requirements.txt"
    subprocess.run([python, "-m", "pip", "install", "-q", "--require-hashes", "-r", requirements], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "--no-deps", *wheels.glob("*.whl")], check=True)
    environment = {**os.environ, "SYNCTL_HOME": str(home.path), "PYTHONPATH": ""}
    command = [str(python.parent / "synctl"), "run", "prayer", "--city", "London", "--from", "2026-03-29"]
    ended = subprocess.run(
        [*command, "--to", "2026-03-29"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "46 units, 46 rows" in ended.stdout
