"""A stack of its own for each module: a home in a short path, and the real command."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from synctl.cli import main
from tests.helpers import PATIENCE_S, unmeasured, until
from tests.upstream.server import LoopbackServer

__all__ = ["PATIENCE_S", "Call", "Home", "Said", "made_home", "until"]


@dataclass
class Home:
    """A SYNCTL_HOME and the commands run in it. Only `prayer` has workers, unless a test asks for others."""

    path: Path
    environment: dict[str, str] = field(default_factory=dict)
    patience_s: float = PATIENCE_S
    """For a command to end: more where it waits for a large run."""

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

    def use(self, upstream: LoopbackServer, **more: str) -> None:
        """Have commands and workers that start from now on sync from a stand-in, as fast as it answers."""
        self.environment |= {
            "SYNCTL_SOURCES__ALADHAN__BASE_URL": f"{upstream.url}/v1",
            "SYNCTL_SOURCES__ALADHAN__RATE": "0",
            **more,
        }

    def sql(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Ask the database itself, read-only."""
        with closing(sqlite3.connect(f"file:{self.path}/synctl.db?mode=ro", uri=True)) as database:
            return database.execute(query, parameters).fetchall()

    def python(self, code: str, *arguments: str) -> subprocess.Popen[str]:
        """Start a piece of Python in this home, its output captured."""
        return subprocess.Popen(
            [sys.executable, "-c", code, *arguments], stdout=subprocess.PIPE, text=True, env=self.environ()
        )

    def run(self, *arguments: str, code: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end and check its exit code."""
        process = self.start(*arguments, **environment)
        out, err = process.communicate(timeout=self.patience_s)
        assert process.returncode == code, f"{arguments}: exit {process.returncode}\n{out}\n{err}"
        return subprocess.CompletedProcess(arguments, process.returncode, out, err)

    def json(self, *arguments: str, code: int = 0) -> Any:
        """Run a command with --json and return its document."""
        return json.loads(self.run(*arguments, "--json", code=code).stdout)

    def lines(self, *arguments: str) -> list[Any]:
        """Run a command with --json and return its documents, one a line."""
        return [json.loads(line) for line in self.run(*arguments, "--json").stdout.splitlines()]

    def environ(self, *, measured: bool = True) -> dict[str, str]:
        """Return the environment of a command in this home."""
        given = os.environ if measured else unmeasured()
        kept = {name: value for name, value in given.items() if not name.startswith("SYNCTL_")}
        return {
            **kept,
            "SYNCTL_HOME": str(self.path),
            "XDG_CONFIG_HOME": str(self.path / "no-config"),
            "SYNCTL_WORKERS__QURAN": "0",
            "SYNCTL_WORKERS__HADITH": "0",
            **self.environment,
        }


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


@dataclass(frozen=True, slots=True)
class Said:
    """What a command wrote."""

    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its document."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[Any]:
        """Its documents, one a line."""
        return [json.loads(line) for line in self.out.splitlines()]


Call = Callable[..., Said]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """Run a command of a home in this process, as `Home.run` does in one of its own, which takes far longer."""

    def run(home: Home, *arguments: str, code: int = 0, **environment: str) -> Said:
        capsys.readouterr()
        with monkeypatch.context() as patch:
            for name in [name for name in os.environ if name.startswith("SYNCTL_")]:
                patch.delenv(name)
            for name, value in {**home.environ(), **environment}.items():
                patch.setenv(name, value)
            patch.chdir(home.path)
            ended = main.run(list(arguments))
        out, err = capsys.readouterr()
        assert ended == code, f"{arguments}: exit {ended}\n{out}\n{err}"
        return Said(out, err)

    return run
