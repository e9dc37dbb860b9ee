"""schemathesis over the document that is served, against a live stack: no 500, and no answer that is undocumented."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.e2e.conftest import made_home
from tests.helpers import unmeasured
from tests.store.databases import DIALECTS, empty
from tests.web.server import Server

CONFIG = Path(__file__).with_name("schemathesis.toml")
ROOT = Path(__file__).parents[2]
SEED = os.environ.get("SYNCTL_TEST_SEED", "7")
"""One that is set finds the same each time; another one looks elsewhere."""
NOWHERE = "http://127.0.0.1:9"


@contextmanager
def served_on(dialect: str, folder: Path) -> Iterator[Server]:
    """Serve a stack of its own, whose upstreams answer nothing."""
    with empty(dialect, folder) as url, made_home() as home:
        home.environment = {
            "SYNCTL_SOURCES__ALQURAN__BASE_URL": NOWHERE,
            "SYNCTL_SOURCES__HADITH_API__BASE_URL": NOWHERE,
            "SYNCTL_SOURCES__ALADHAN__BASE_URL": NOWHERE,
            **({} if dialect == "sqlite" else {"SYNCTL_DATABASE__URL": url}),
        }
        home.run("up")
        server = Server(home)
        server.start()
        try:
            yield server
        finally:
            server.stop()


def tried(server: Server, *options: str) -> None:
    """Run schemathesis, which tells what it found; then the server must still answer, and have logged no bug."""
    token = server.tokens["operate"]
    ended = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "--config-file", str(CONFIG), "run",
            f"{server.url}/api/openapi.json", "--header", f"Authorization: Bearer {token}",
            "--exclude-path", "/api/events", "--seed", SEED, "--no-color",
            "--generation-database", "none", *options,
        ],
        cwd=server.home.path, env={**unmeasured(), "PYTHONPATH": str(ROOT)}, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert server.answers()
    log = (server.home.path / "logs" / "synctl.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert token not in log


def test_what_the_document_allows_is_answered_as_it_says(tmp_path: Path) -> None:
    with served_on("sqlite", tmp_path) as server:
        tried(server, "--phases", "coverage", "--mode", "positive")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_what_the_document_does_not_allow_is_answered_as_it_says(tmp_path: Path) -> None:
    with served_on("sqlite", tmp_path) as server:
        tried(server, "--phases", "coverage", "--mode", "negative")


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("dialect", DIALECTS)
def test_hundreds_of_orders_and_questions_are_answered_as_the_document_says(dialect: str, tmp_path: Path) -> None:
    with served_on(dialect, tmp_path) as server:
        tried(server, "--max-examples", "150")
