"""A unit that kills the process that works on it: it alone is given up, whatever was worked on beside it."""

from __future__ import annotations

import os
import signal
import sys

import pytest

from tests.e2e.conftest import Home, until

UNITS, GUILTY = 24, "u07"
CODE = f'''
import os
from collections.abc import Iterator

from synctl.resource import Batch, Plan, Unit


class Poison:
    name = "poison"
    rules = {{}}

    def prerequisites(self, database, settings):
        return []

    def plan(self, selectors, database, settings, today):
        units = [Unit(f"u{{n:02}}", [f"u{{n:02}}"]) for n in range({UNITS})]
        return Plan(self.name, "here", {{}}, "units", len(units), units)

    def overlap(self, one, other):
        return True

    def audit(self, transaction, settings):
        return iter(())

    def concurrency(self, source, settings):
        return 4

    def open(self, source, context):
        return self

    def process(self, spec, known):
        if spec[0] == "{GUILTY}":
            with open(os.environ["SYNCTL_HOME"] + "/deaths") as file:
                number, times = map(int, file.read().split())
            if times:
                with open(os.environ["SYNCTL_HOME"] + "/deaths", "w") as file:
                    file.write(f"{{number}} {{times - 1}}")
                os.kill(os.getpid(), number)
        return Batch([], body_hash="same")

    def close(self):
        pass


RESOURCE = Poison()
'''


@pytest.fixture
def home(home: Home) -> Home:
    """One whose workers have a poison to work on."""
    plugin = home.path / "plugin"
    (plugin / "synctl_poison-1.0.dist-info").mkdir(parents=True)
    (plugin / "poison.py").write_text(CODE, encoding="utf-8")
    (plugin / "synctl_poison-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: synctl-poison\nVersion: 1.0\n"
    )
    (plugin / "synctl_poison-1.0.dist-info" / "entry_points.txt").write_text(
        "[synctl.resources]\npoison = poison:RESOURCE\n"
    )
    home.environment |= {
        "PYTHONPATH": os.pathsep.join([str(plugin), *sys.path]),
        "SYNCTL_WORKERS__POISON": "2",
        "SYNCTL_WORKERS__PRAYER": "0",
    }
    return home


def deadly(home: Home, number: signal.Signals, times: int) -> None:
    """Have the unit kill its process so often."""
    (home.path / "deaths").write_text(f"{number:d} {times}")


def worked(home: Home, number: signal.Signals, times: int, outcome: tuple[str, int, int]) -> str:
    """Have the unit kill its process so often, and the run end with this state, units done and failed; return it."""
    deadly(home, number, times)
    home.run("up")
    run: str = home.json("enqueue", "poison", "--shards", "2")["run"]
    until(lambda: home.sql("SELECT state FROM run")[0][0] not in ("queued", "running"))
    assert home.sql("SELECT state, done, failed FROM run") == [outcome]
    return run


def test_the_unit_that_crashes_its_process_fails_and_all_others_are_done(home: Home) -> None:
    run = worked(home, signal.SIGSEGV, 1000, ("partial", UNITS - 1, 1))
    (failed,) = home.lines("errors", run)
    assert (failed["unit"], failed["error"], failed["attempts"], failed["deaths"]) == (GUILTY, "ProcessDied", 3, 3)
    assert failed["message"] == "its process died 3 times while it was worked on, 3 of them in a crash or out of memory"
    assert failed["crashes"] == 3
    taken_over = [event for event in home.lines("history", run) if event["kind"] == "taken-over"]
    assert len(taken_over) == 3

    deadly(home, signal.SIGSEGV, 0)
    home.run("retry", run, "--wait")
    assert home.sql("SELECT state, done, failed FROM run") == [("succeeded", UNITS, 0)]


def test_a_unit_whose_process_is_killed_from_outside_is_done_all_the_same(home: Home) -> None:
    run = worked(home, signal.SIGKILL, 6, ("succeeded", UNITS, 0))
    (unit,) = [one for one in home.lines("units", run, "--limit", "100") if one["unit"] == GUILTY]
    assert (unit["deaths"], unit["crashes"]) == (6, 0)


@pytest.mark.slow
def test_a_unit_that_is_killed_for_ever_is_given_up_in_the_end(home: Home) -> None:
    run = worked(home, signal.SIGKILL, 1000, ("partial", UNITS - 1, 1))
    (failed,) = home.lines("errors", run)
    assert (failed["error"], failed["deaths"], failed["crashes"]) == ("ProcessDied", 20, 0)
