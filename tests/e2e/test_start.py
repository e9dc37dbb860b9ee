"""What `up` says where the stack cannot start, and that a stack which works logs no error."""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from synctl.engine.stack import WORKERS_WITHIN_S
from tests.e2e.conftest import Home, until

WITHOUT_A_PACKAGE = "import sys\nif {!r} in sys.orig_argv:\n    sys.modules['redis'] = None\n"


def test_up_says_at_once_that_a_worker_ended_and_why(home: Home, tmp_path: Path) -> None:
    begun = time.monotonic()
    said = home.run("up", code=1, PYTHONPATH=_without_a_package(tmp_path, "worker")).stderr
    assert time.monotonic() - begun < WORKERS_WITHIN_S
    assert said.startswith("synctl: worker prayer ")
    assert " ended with 1 (" in said
    assert "redis" in said
    assert said.endswith(f"; see `synctl logs`, and {home.path}/logs; `synctl down` ends the attempts\n")
    assert said.count("\n") == 1
    home.run("down")
    home.run("up")


def test_up_says_at_once_that_the_supervisor_ended_and_why(home: Home, tmp_path: Path) -> None:
    begun = time.monotonic()
    said = home.run("up", code=1, PYTHONPATH=_without_a_package(tmp_path, "--detached")).stderr
    assert time.monotonic() - begun < WORKERS_WITHIN_S
    assert said.startswith("synctl: the supervisor ended with 1 (")
    assert said.endswith(f"; see `synctl logs`, and {home.path}/logs\n")


def _without_a_package(folder: Path, argument: str) -> str:
    """Return a PYTHONPATH on which redis is missing in processes that have this argument."""
    (folder / "sitecustomize.py").write_text(WITHOUT_A_PACKAGE.format(argument))
    return os.pathsep.join([str(folder), *filter(None, [os.environ.get("PYTHONPATH")])])


def test_shards_that_end_with_their_run_log_no_error(home: Home) -> None:
    """One of two settles the run, at its end and at a pause; the other one learns of it."""
    home.run("up")
    run_id = home.json("enqueue", "prayer", "--cities", "500", "--methods", "3,4", "--year", "2028")["run"]
    until(lambda: len(home.json("status", run_id)["lease"]) == 2)
    home.run("pause", run_id, "--wait")
    home.run("resume", run_id, "--wait")
    home.run("watch", run_id, "--exit")
    logged = until(lambda: (said := home.lines("logs", run_id, "--lines", "1000")) and _all_ended(said) and said)
    assert [line for line in logged if line["level"] in ("warning", "error")] == []


def _all_ended(logged: list[Any]) -> bool:
    said: list[str] = [line["message"] for line in logged if line["logger"] == "synctl.job"]
    return sum(one.startswith("ended, ") for one in said) == sum(one.startswith("taken, ") for one in said)
