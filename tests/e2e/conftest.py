"""A stack of its own for each module: a home in a short path, and the real command."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

PATIENCE_S = 60.0


@dataclass
class Home:
    """A SYNCTL_HOME and the commands run in it."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command, its output captured."""
        return subprocess.Popen(
            [sys.executable, "-m", "synctl", *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.path,
            env={**self.environ(), **environment},
        )

    def python(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a piece of Python in this home, its output captured."""
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, env=self.environ()
        )

    def run(self, *arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end and check its exit code."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=PATIENCE_S)
        assert process.returncode == code, f"{arguments}: exit {process.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run a command with --json and return its document."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def lines(self, *arguments: str) -> list[Any]:
        """Run a command with --json and return its documents, one a line."""
        return [json.loads(line) for line in self.run(*arguments, "--json").stdout.splitlines()]

    def environ(self) -> dict[str, str]:
        """Return the environment of a command in this home."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SYNCTL_")}
        return {
            **kept,
            "SYNCTL_HOME": str(self.path),
            "XDG_CONFIG_HOME": str(self.path / "no-config"),
            **self.environment,
        }


def until(condition: Callable[[], Any], seconds: float = PATIENCE_S) -> Any:
    """Poll until the condition gives something true, and return that."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.02)
    raise AssertionError(f"not within {seconds} s: {condition}")


@contextmanager
def made_home() -> Iterator[Home]:
    """Make a home with nothing in it, and stop whatever runs there at the end."""
    path = Path(tempfile.mkdtemp(prefix="synctl-"))
    made = Home(path)
    try:
        yield made
    finally:
        made.start("down").communicate(timeout=PATIENCE_S)
        shutil.rmtree(path, ignore_errors=True)


@pytest.fixture
def home() -> Iterator[Home]:
    """A home for one test."""
    with made_home() as made:
        yield made


@pytest.fixture(scope="module")
def module_home() -> Iterator[Home]:
    """A home for the tests of a module."""
    with made_home() as made:
        yield made


@pytest.fixture
def stack(home: Home) -> Home:
    """A home whose stack is up."""
    home.run("up")
    return home
