"""What a real terminal shows: bars that fit, no leftovers, an interrupt that stops only the watching."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator

import pexpect
import pyte
import pytest

from tests.e2e.conftest import PATIENCE_S, Call, Home, until
from tests.upstream.aladhan import serve
from tests.upstream.faults import Faults, parse
from tests.upstream.server import LoopbackServer

ORDER = ("enqueue", "prayer", "--cities", "1", "--source", "aladhan")
LONDON = ("prayer", "--city", "London", "--methods", "3")
UNITS = 46
ROWS_SHOWN = 24


@pytest.fixture(scope="module")
def upstream() -> Iterator[LoopbackServer]:
    """Answers for one method only when it is released: until then a run goes on."""
    with serve(Faults(*parse("hang(600)@method=3"))) as server:
        yield server


@pytest.fixture(scope="module")
def stack(module_home: Home, upstream: LoopbackServer) -> Home:
    module_home.use(upstream, COLUMNS="80", LINES="24")  # what a terminal had once, and programs inherit
    module_home.run("up")
    return module_home


def test_an_interrupt_stops_the_watching_not_the_run(stack: Home, call: Call) -> None:
    run_id = call(stack, *ORDER, "--from", "2026-03-01", "--to", "2026-03-31", "--json").json["run"]
    terminal = _watching(stack, run_id, columns=80)
    terminal.expect("running")
    drawn = (terminal.before or b"") + b"running"
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    screen = _screen(80, drawn + (terminal.before or b""))
    assert sum("running" in line for line in screen.display) == 1  # no head of an older frame is left
    assert call(stack, "status", run_id, "--json").json["state"] == "running"
    assert call(stack, "cancel", run_id, "--wait", "--json").json["state"] == "cancelled"


@pytest.mark.timeout(180)
def test_bars_fit_the_terminal(stack: Home, upstream: LoopbackServer, call: Call) -> None:
    """Whatever COLUMNS says; and of a run that moves, only the last frame is left."""
    run_id = call(stack, *ORDER, "--from", "2026-04-01", "--to", "2026-04-30", "--json").json["run"]
    terminals = {columns: _watching(stack, run_id, columns=columns) for columns in (40, 80, 200)}
    drawn = {}
    for columns, terminal in terminals.items():
        terminal.expect("running")
        drawn[columns] = (terminal.before or b"") + b"running"
    upstream.faults.released.set()
    for columns, terminal in terminals.items():
        terminal.expect(pexpect.EOF)
        screen = _screen(columns, drawn[columns] + (terminal.before or b""))
        shown = [line.rstrip() for line in screen.display if line.strip()]
        assert "succeeded" in shown[0]
        assert "100.0 %" in shown[1]
        assert any(f"{UNITS}/{UNITS} units" in line for line in shown)
        assert len(shown) <= 5, shown  # one frame, nothing left of those before
        assert not screen.cursor.hidden


def test_a_reader_that_goes_away_is_no_failure(stack: Home, call: Call) -> None:
    call(stack, "enqueue", *LONDON, "--year", "2026", "--wait")
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


def test_a_cron_job_that_succeeds_prints_nothing(stack: Home, call: Call) -> None:
    for _ in range(2):
        ended = call(stack, "enqueue", *LONDON, "--from", "today", "--wait", "--quiet")
        assert (ended.out, ended.err) == ("", "")
    assert {run["state"] for run in call(stack, "status", "--json").json} <= {"succeeded", "cancelled"}


def test_cron_jobs_that_overlap_are_one_run_and_say_in_one_line_what_went_wrong(stack: Home, call: Call) -> None:
    cron = ("enqueue", "prayer", "--cities", "100", "--year", "2027", "--wait", "--quiet")
    both = [stack.start(*cron) for _ in range(2)]
    (run,) = until(lambda: [one for one in call(stack, "status", "--json").json if one["state"] == "running"])
    busy = call(stack, *("enqueue", *LONDON, "--year", "2027", "--no-wait", "--wait", "--quiet"), code=8)
    assert re.fullmatch(
        rf"synctl: {run['run']} is ahead and .*: running, held by \S+:\d+ (and 1 more )?for \d+ s; .*\n", busy.err
    )
    call(stack, "cancel", run["run"], "--reason", "the wrong\nyear")
    for one in both:
        out, err = one.communicate(timeout=PATIENCE_S)
        assert (one.returncode, out) == (7, "")
        tells = f"`synctl history {run['run']}` tells who and when"
        assert err == f"synctl: {run['run']} cancelled: the wrong year; {tells}\n"


def test_a_cron_job_without_a_database_says_so_in_one_line(home: Home, call: Call) -> None:
    said = call(home, "enqueue", "prayer", "--wait", "--quiet", code=5)
    assert (said.out, said.err) == ("", "synctl: prerequisites not met: the database is not set up: synctl up\n")


def _watching(home: Home, run_id: str, columns: int) -> pexpect.spawn:
    return pexpect.spawn(
        sys.executable, ["-m", "synctl", "watch", run_id],
        env=home.environ(), dimensions=(ROWS_SHOWN, columns), timeout=60,
    )  # fmt: skip


def _screen(columns: int, drawn: bytes) -> pyte.Screen:
    screen = pyte.Screen(columns, ROWS_SHOWN)
    pyte.ByteStream(screen).feed(drawn)
    return screen
