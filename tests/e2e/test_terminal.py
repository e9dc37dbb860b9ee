"""What a real terminal shows: a full screen with keys, bars that fit, no leftovers, an interrupt that stops no run."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

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
    order = (*ORDER, "--from", "2026-03-01", "--to", "2026-03-31")
    run_id = call(stack, *order, "--json").json["run"]
    until(lambda: call(stack, "status", run_id, "--json").json["state"] == "running")
    terminal = _following(stack, order, columns=80)
    terminal.expect("rows")  # of a frame: what is said before has none
    drawn = (terminal.before or b"") + b"rows"
    terminal.sendintr()
    terminal.expect(pexpect.EOF)
    terminal.close()
    assert terminal.exitstatus == 130
    shown = _screen(80, drawn + (terminal.before or b"")).display
    assert f"{run_id}  exists already and is running" in shown[0]
    assert sum("running" in line for line in shown[1:]) == 1  # no head of an older frame is left
    assert call(stack, "status", run_id, "--json").json["state"] == "running"
    assert call(stack, "cancel", run_id, "--wait", "--json").json["state"] == "cancelled"


def test_keys_act_on_the_selected_run_and_the_screen_is_right_after_each(stack: Home, call: Call) -> None:
    first, second = (
        call(stack, *ORDER, "--from", f"2026-0{month}-01", "--to", f"2026-0{month}-28", "--json").json["run"]
        for month in (5, 6)
    )
    screen = Screen(stack)
    screen.wait("running")
    assert first in screen.text
    assert second in screen.text
    selected = first if f"▸ {first}" in screen.text else second
    screen.press("\r", "sign of life")
    screen.press("\x1b", "workers and queues")
    screen.press("?", "cancel it, after a y")
    screen.press("?", "workers and queues")
    screen.press("p", f"{selected} is paus")
    until(lambda: call(stack, "status", selected, "--json").json["state"] == "paused")
    screen.press("r", f"{selected} is ")
    until(lambda: call(stack, "status", selected, "--json").json["state"] in {"queued", "running"})
    screen.press("c", f"cancel {selected}? y/n")
    screen.press("n", "cancel: no")
    screen.press("cy", f"{selected} is cancel")
    until(lambda: call(stack, "status", selected, "--json").json["state"] == "cancelled")
    asked = [one for one in call(stack, "history", selected, "--json").lines if one["state"].startswith("cancel")]
    assert asked[0]["reason"] == "from synctl watch"  # at once where the run was queued again, else on request
    screen.press("e", "no unit has failed")
    screen.resize(40, 12)
    screen.press("\x1b", "prayer…")
    assert all(len(line.rstrip()) <= 40 for line in screen.text.splitlines())
    screen.process.send("q")
    assert screen.end() == 0
    other = second if selected == first else first
    call(stack, "cancel", other, "--wait")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["SIGINT", "SIGTERM"])
def test_a_signal_leaves_the_terminal_as_it_was(stack: Home, number: signal.Signals, code: int) -> None:
    screen = Screen(stack)
    screen.wait("Nothing is running")
    screen.process.kill(number)
    assert screen.end() == code


def test_a_terminal_that_goes_away_ends_the_view(stack: Home) -> None:
    screen = Screen(stack)
    screen.wait("Nothing is running")
    os.close(screen.process.child_fd)
    assert screen.process.pid is not None
    _, status = os.waitpid(screen.process.pid, 0)
    assert os.waitstatus_to_exitcode(status) == 128 + signal.SIGHUP


def test_keys_are_those_of_the_terminal_where_standard_input_is_something_else(stack: Home) -> None:
    process = pexpect.spawn(
        "/bin/sh", ["-c", f"exec {sys.executable} -m synctl watch < /dev/null"],
        env=stack.environ(), dimensions=(ROWS_SHOWN, 80), timeout=60,
    )  # fmt: skip
    process.expect("q quit")
    process.send("q")
    process.expect(pexpect.EOF)
    process.close()
    assert process.exitstatus == 0


def test_a_named_run_that_has_ended_is_told_and_left(stack: Home, call: Call) -> None:
    run_id = call(stack, "enqueue", *LONDON, "--from", "2026-07-01", "--wait", "--json").json["run"]
    screen = Screen(stack, run_id, "--exit")
    assert screen.end() == 0
    assert f"{run_id}  succeeded, 2/2 units".encode() in screen.written


def test_with_exit_it_ends_where_nothing_runs_and_when_everything_has_ended(stack: Home, call: Call) -> None:
    said, code = pexpect.run(
        f"{sys.executable} -m synctl watch --exit", env=stack.environ(), timeout=PATIENCE_S, withexitstatus=True
    )
    assert (code, said.startswith(b"No run is queued or running.")) == (0, True)
    run_id = call(stack, *ORDER, "--from", "2026-08-01", "--to", "2026-08-28", "--json").json["run"]
    screen = Screen(stack, "--exit")
    screen.wait("running")
    call(stack, "cancel", run_id, "--wait")
    assert screen.end() == 7
    assert f"{run_id}  cancelled".encode() in screen.written


@pytest.mark.timeout(180)
def test_bars_fit_the_terminal(stack: Home, upstream: LoopbackServer, call: Call) -> None:
    """Whatever COLUMNS says; and of a run that moves, only the last frame is left."""
    order = (*ORDER, "--from", "2026-04-01", "--to", "2026-04-30")
    call(stack, *order, "--json")
    terminals = {columns: _following(stack, order, columns=columns) for columns in (40, 80, 200)}
    drawn = {}
    for columns, terminal in terminals.items():
        terminal.expect("running")
        drawn[columns] = (terminal.before or b"") + b"running"
    upstream.faults.released.set()
    for columns, terminal in terminals.items():
        terminal.expect(pexpect.EOF)
        screen = _screen(columns, drawn[columns] + (terminal.before or b""))
        shown = [line.rstrip() for line in screen.display if line.strip()]
        shown = shown[next(at for at, line in enumerate(shown) if "succeeded" in line) :]
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
    until(lambda: all(_asks_redis(one.pid) for one in both))  # one that came after the cancel would start the run again
    busy = call(stack, *("enqueue", *LONDON, "--year", "2027", "--no-wait", "--wait", "--quiet"), code=8)
    assert re.fullmatch(
        rf"synctl: {run['run']} is ahead and .*: running, held by \S+:\d+ (and 1 more )?for \d+ s; .*\n", busy.err
    )
    call(stack, "cancel", run["run"], "--reason", "the wrong\nyear")
    for one in both:
        out, err = one.communicate(timeout=PATIENCE_S)
        tells = f"`synctl history {run['run']}` tells who and when"
        said = f"synctl: {run['run']} cancelled: the wrong year; {tells}\n"
        assert (one.returncode, out, err) == (7, "", said)


def _asks_redis(pid: int) -> bool:
    """Whether a command has come as far as to ask for its run; its standard streams are pipes."""
    with suppress(FileNotFoundError):  # it was closed meanwhile
        return any(str(file.readlink()).startswith("socket:") for file in Path(f"/proc/{pid}/fd").iterdir())
    return False


def test_a_cron_job_without_a_database_says_so_in_one_line(home: Home, call: Call) -> None:
    said = call(home, "enqueue", "prayer", "--wait", "--quiet", code=5)
    assert (said.out, said.err) == ("", "synctl: prerequisites not met: the database is not set up: synctl up\n")


class Screen:
    """`synctl watch` in a terminal of its own, and what that shows."""

    def __init__(self, home: Home, *arguments: str) -> None:
        self.process = pexpect.spawn(
            sys.executable, ["-m", "synctl", "watch", *arguments],
            env=home.environ(), dimensions=(ROWS_SHOWN, 80), timeout=60,
        )  # fmt: skip
        self._screen = pyte.Screen(80, ROWS_SHOWN)
        self._stream = pyte.ByteStream(self._screen)
        self.written = b""

    @property
    def text(self) -> str:
        """All lines, now."""
        while True:
            try:
                read = self.process.read_nonblocking(65_536, timeout=0.05)
            except (pexpect.TIMEOUT, pexpect.EOF):
                return "\n".join(self._screen.display)
            self.written += read
            self._stream.feed(read)

    def press(self, keys: str, shown: str) -> None:
        """Press keys and wait until something is shown."""
        self.process.send(keys)
        self.wait(shown)

    def wait(self, shown: str) -> None:
        """Wait until something is shown."""
        until(lambda: shown in self.text, 20)

    def resize(self, columns: int, lines: int) -> None:
        """Give the terminal another size."""
        self.process.setwinsize(lines, columns)
        self._screen.resize(lines, columns)

    def end(self) -> int | None:
        """Wait for the end; the terminal must be as it was."""
        self.process.expect(pexpect.EOF)
        self.written += self.process.before or b""
        self.process.close()
        assert self.written.rpartition(b"\x1b[?1049h")[2].count(b"\x1b[?25h\x1b[?1049l") == 1
        status: int | None = self.process.exitstatus
        return status


def _following(home: Home, order: tuple[str, ...], columns: int) -> pexpect.spawn:
    return pexpect.spawn(
        sys.executable, ["-m", "synctl", *order, "--watch"],
        env=home.environ(), dimensions=(ROWS_SHOWN, columns), timeout=60,
    )  # fmt: skip


def _screen(columns: int, drawn: bytes) -> pyte.Screen:
    screen = pyte.Screen(columns, ROWS_SHOWN)
    pyte.ByteStream(screen).feed(drawn)
    return screen
