"""What a real terminal shows: bars that fit, no leftovers, an interrupt that stops only the watching."""

from __future__ import annotations

import subprocess
import sys

import pexpect
import pyte
import pytest

from tests.e2e.conftest import Home, until

ORDER = ("enqueue", "prayer", "--cities", "4", "--year", "2026")
LONG_ORDER = ("enqueue", "prayer", "--cities", "10", "--year", "2026")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_bars_fit_the_terminal(stack: Home, columns: int) -> None:
    """Whatever COLUMNS says: it is inherited, and stale once a window is resized."""
    stack.environment = {"COLUMNS": "80", "LINES": "24"}
    run_id = stack.json(*ORDER)["run"]
    terminal = pexpect.spawn(
        sys.executable, ["-m", "synctl", "watch", run_id], env=stack.environ(), dimensions=(24, columns), timeout=60
    )
    terminal.expect(pexpect.EOF)
    screen = pyte.Screen(columns, 24)
    pyte.ByteStream(screen).feed(terminal.before or b"")
    shown = [line.rstrip() for line in screen.display if line.strip()]
    assert "succeeded" in shown[0]
    assert "100.0 %" in shown[1]
    assert any("184/184 units" in line for line in shown)
    assert len(shown) <= 5, shown  # one frame, nothing left of those before
    assert not screen.cursor.hidden


def test_an_interrupt_stops_the_watching_not_the_run(stack: Home) -> None:
    run_id = stack.json(*LONG_ORDER)["run"]
    terminal = pexpect.spawn(
        sys.executable, ["-m", "synctl", "watch", run_id], env=stack.environ(), dimensions=(24, 80), timeout=60
    )
    terminal.expect("running")
    drawn = (terminal.before or b"") + b"running"
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    screen = pyte.Screen(80, 24)
    pyte.ByteStream(screen).feed(drawn + (terminal.before or b""))
    assert sum("running" in line for line in screen.display) == 1  # no head of an older frame is left
    stack.run("watch", run_id, "--exit")


def test_a_reader_that_goes_away_is_no_failure(stack: Home) -> None:
    stack.run("enqueue", "prayer", "--city", "London", "--year", "2026", "--wait")
    show = f"{sys.executable} -m synctl show prayer --city London --from 2026-01-01 --to 2026-12-31 --json"
    piped = subprocess.run(
        ["bash", "-c", f"{show} | head -1; exit ${{PIPESTATUS[0]}}"],
        env=stack.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (piped.returncode, piped.stderr) == (0, "")
    assert piped.stdout.count("\n") == 1


def test_a_cron_job_that_succeeds_prints_nothing(stack: Home) -> None:
    order = ("enqueue", "prayer", "--city", "London", "--from", "today", "--wait", "--quiet")
    for _ in range(2):
        ended = stack.run(*order)
        assert (ended.stdout, ended.stderr) == ("", "")
    until(lambda: stack.json("status")[0]["state"] == "succeeded")
