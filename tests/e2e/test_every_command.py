"""Every command that shows something, in a real terminal of two sizes: it fits, tells something, leaves nothing."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator

import pexpect
import pyte
import pytest

from synctl.cli.commands import COMMANDS
from tests.e2e.conftest import Call, Home
from tests.upstream.aladhan import serve
from tests.upstream.faults import Faults, parse
from tests.upstream.server import LoopbackServer

SIZES = [(80, 24), (200, 50), (40, 12)]
CONFIG = """
[schedule.nightly]
cron = "15 2 * * *"
resource = "prayer"
cities = 100
"""
SHOWN: dict[str, list[str]] = {
    "status": ["{bad}"],
    "units": ["{bad}"],
    "errors": ["{bad}"],
    "changes": ["{good}"],
    "history": ["{bad}"],
    "quarantine": ["list"],
    "coverage": ["prayer"],
    "verify": [],
    "show": ["prayer", "--city", "London", "--date", "2026-03-15"],
    "locks": [],
    "doctor": ["--offline"],
    "reap": ["--dry-run"],
    "prune": ["--dry-run"],
    "db": ["current"],
    "schedule": ["list"],
    "config": ["show"],
    "logs": ["{bad}"],
    "help": ["exit-codes"],
    "cities": ["list", "London"],
    "completion": ["bash"],
    "export": ["prayer", "--city", "London", "--format", "csv"],
    "metrics": [],
}
"""What each is called with."""
CHANGES = {"run", "up", "down", "seed", "enqueue", "pause", "resume", "cancel", "delete", "retry", "worker"}
"""They change something; their own tests run them."""
OTHERS = {"watch", "serve"}
"""Have tests of their own (test_terminal.py, tests/web)."""
AS_IT_IS = {"completion", "export", "metrics", "config"}
"""Written for machines or files: lines are as long as they are."""
CODES = {"doctor": {0, 3, 4}, "verify": {0, 3}}


@pytest.fixture(scope="module")
def upstream() -> Iterator[LoopbackServer]:
    with serve(Faults(*parse("wrong-method@method=4"))) as server:
        yield server


@pytest.fixture(scope="module")
def stack(module_home: Home, upstream: LoopbackServer) -> Home:
    """A home in which a run succeeded and another was partial."""
    module_home.use(upstream)
    (module_home.path / "synctl.toml").write_text(CONFIG, encoding="utf-8")
    module_home.run("up")
    return module_home


@pytest.fixture(scope="module")
def names(stack: Home) -> dict[str, str]:
    order = (
        "enqueue",
        "prayer",
        "--city",
        "London",
        "--source",
        "aladhan",
        "--from",
        "2026-03-01",
        "--to",
        "2026-03-31",
    )
    return {
        "good": stack.json(*order, "--methods", "3", "--wait")["run"],
        "bad": stack.json(*order, "--methods", "3,4", "--wait", code=3)["run"],
    }


def test_every_command_is_looked_at() -> None:
    assert set(SHOWN) | CHANGES | OTHERS == set(COMMANDS)


@pytest.mark.slow
@pytest.mark.parametrize("command", SHOWN)
@pytest.mark.parametrize(("columns", "lines"), SIZES, ids=str)
def test_it_fits_the_terminal_and_leaves_nothing_behind(
    stack: Home, names: dict[str, str], call: Call, command: str, columns: int, lines: int
) -> None:
    words = [command, *(word.format(**names) for word in SHOWN[command])]
    process = pexpect.spawn(
        sys.executable, ["-m", "synctl", *words], env=stack.environ(), cwd=str(stack.path),
        dimensions=(lines, columns), timeout=60,
    )  # fmt: skip
    process.expect(pexpect.EOF)
    drawn: bytes = process.before or b""
    process.close()
    assert process.exitstatus in CODES.get(command, {0}), drawn.decode()
    assert b"Traceback" not in drawn
    assert b"\x1b[?" not in drawn  # no cursor hidden, no other screen
    plain = re.sub(r"\x1b\[[0-9;]*m", "", drawn.decode())
    assert plain.strip()
    if command not in AS_IT_IS:
        screen = pyte.Screen(columns + 200, 2000)
        pyte.ByteStream(screen).feed(drawn)
        tables = [line.rstrip() for line in screen.display if "───" in line]  # sentences are wrapped by the terminal
        assert [line for line in tables if len(line) > columns] == []
