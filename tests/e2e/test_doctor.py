"""`synctl doctor` against a real stack: it is silent where all is well, and says so where it is not."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from synctl.engine.supervisor import SupervisorLock
from tests.e2e.conftest import Home, until


def told(home: Home, *, code: int) -> dict[str, Any]:
    """Findings by check; of several the last."""
    return {one["check"]: one for one in home.json("doctor", "--offline", code=code)}


def test_doctor_tells_a_stack_that_is_well_from_one_whose_workers_died(stack: Home) -> None:
    found = told(stack, code=0)
    assert {one["status"] for one in found.values()} == {"ok", "skipped"}
    assert all(set(one) == {"check", "status", "message", "hint"} for one in found.values())
    pid = int(found["supervisor"]["message"].split()[-1])
    said = stack.run("doctor", "--offline").stdout.splitlines()
    assert said[-1] == "All well."
    assert len(said) == len(found) + 1

    stack.json("enqueue", "prayer", "--cities", "100", "--year", "2026")
    until(lambda: stack.json("status")[0]["state"] == "running")
    os.kill(pid, signal.SIGTERM)  # the workers checkpoint, and nobody starts them again
    until(lambda: stack.json("status")[0]["state"] == "queued")
    until(lambda: SupervisorLock(stack.path).holder() is None)
    found = told(stack, code=4)
    assert found["workers prayer"]["status"] == "error"
    assert "synctl up" in found["workers prayer"]["hint"]
    assert found["supervisor"]["hint"] == "synctl up"
    assert "prayer-sync 0" not in found["queues"]["message"]
    assert stack.json("status")[0]["state"] == "queued"  # to look changed nothing


@pytest.mark.parametrize(
    ("environment", "code", "says"),
    [
        ({}, 10, "synctl up"),
        ({"SYNCTL_HOME": "/dev/null/home"}, 10, "cannot be created"),
        ({"SYNCTL_REDIS__URL": "redis://127.0.0.1:1/0"}, 10, "nothing listens there"),
        ({"SYNCTL_PRAYER__CITYS": "3"}, 4, "SYNCTL_PRAYER__CITIES"),
        ({"SYNCTL_DATABASE__URL": "sqlite:///garbage.db"}, 10, "not a database"),
        ({"PYTHONIOENCODING": "ascii", "LC_ALL": "C"}, 10, "synctl up"),
    ],
)
def test_doctor_never_faints_and_creates_nothing(home: Home, environment: dict[str, str], code: int, says: str) -> None:
    (home.path / "garbage.db").write_text("garbage " * 1000)
    before = sorted(home.path.rglob("*"))
    result = home.run("doctor", "--offline", code=code, **environment)
    assert says in result.stdout
    assert result.stderr == ""
    assert sorted(home.path.rglob("*")) == before


@pytest.mark.skipif(os.geteuid() == 0 and not shutil.which("setpriv"), reason="root may write everywhere")
def test_a_home_that_may_only_be_read_is_looked_at_as_any_other(home: Home) -> None:
    home.run("seed", "--cities", "100")
    powerless = ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] if os.geteuid() == 0 else []
    home.path.chmod(0o500)
    try:
        done = subprocess.run(
            [*powerless, sys.executable, "-m", "synctl", "doctor", "--offline"],
            capture_output=True, text=True, check=False, cwd=Path("/"), env=home.environ(), timeout=60,
        )  # fmt: skip
    finally:
        home.path.chmod(0o700)
    lines = {line[2:].partition("  ")[0].rstrip(): line for line in done.stdout.splitlines()}
    assert (done.returncode, done.stderr) == (10, "")
    assert "cannot be written" in lines["home"]
    assert "revision" in lines["migrations"]
    assert "100 cities" in lines["prerequisites"]
