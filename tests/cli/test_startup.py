"""Start-up: what a command does not need is not loaded. Modules are counted, since times are noisy."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from synctl.cli.main import run
from tests.helpers import unmeasured

HEAVY = {"alembic", "asyncio", "httpx", "pydantic", "redis", "rich", "rq", "sqlalchemy", "sqlmodel", "tenacity"}
HEAVY |= {"jinja2", "starlette", "uvicorn"}
PROGRAM = """
import sys
from synctl.cli.main import run
code = run(sys.argv[1:])
print(code, *sys.modules, file=sys.stderr)
"""
DATACLASSES = """
import dataclasses, sys
made = []
make = dataclasses._process_class
dataclasses._process_class = lambda cls, *options: made.append(cls.__module__) or make(cls, *options)
from synctl.cli.main import run
run(sys.argv[1:])
print(*made, file=sys.stderr)
"""


@pytest.mark.parametrize(
    ("arguments", "needed", "most"),
    [
        (["--help"], (), 180),
        (["status", "--help"], (), 260),
        (["status"], (), 260),
        (["status", "--limit", "5", "--state", "failed"], (), 260),
        (["seed", "--cities", "0"], (), 260),
        (["enqueue", "prayer", "--dry-run"], ("asyncio", "redis"), 440),
    ],
    ids=lambda value: str(sorted(value) if isinstance(value, set) else value),  # in one order in all processes
)
def test_a_command_loads_only_what_it_needs(
    arguments: list[str], needed: tuple[str, ...], most: int, tmp_path: Path
) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env={**unmeasured(), "SYNCTL_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)},
        check=True,
    )
    loaded = set(ended.stderr.splitlines()[-1].split()[1:])
    assert HEAVY & loaded == set(needed)
    assert len(loaded) <= most


def test_records_are_structs(tmp_path: Path) -> None:
    """To make a dataclass takes a millisecond, a struct a fiftieth of it."""
    ended = subprocess.run(
        [sys.executable, "-c", DATACLASSES, "enqueue", "prayer", "--dry-run"],
        capture_output=True,
        text=True,
        env={**unmeasured(), "SYNCTL_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)},
        check=True,
    )
    made = {module for module in ended.stderr.splitlines()[-1].split() if module.startswith("synctl.")}
    assert made <= {"synctl.cli.coercion"}  # a kind of Typer's


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["status", "--limit", "x"], "'x' is not a valid integer"),
        (["status", "--limit", "0"], "0 is not at least 1"),
        (["seed", "--cities", "1.5"], "'1.5' is not a valid integer"),
    ],
    ids=str,
)
def test_what_is_no_number_is_told(arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(arguments) == 2
    assert said in capsys.readouterr().err
