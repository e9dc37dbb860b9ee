"""A unit that kills the process that works on it: it alone is given up, whatever was worked on beside it."""

from __future__ import annotations

import os
import sys

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
        if spec[0] == "{GUILTY}" and not os.path.exists(os.environ["SYNCTL_HOME"] + "/cured"):
            os.kill(os.getpid(), 9)
        return Batch([], body_hash="same")

    def close(self):
        pass


RESOURCE = Poison()
'''


def test_the_unit_that_kills_its_process_fails_and_all_others_are_done(home: Home) -> None:
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
    home.run("up")
    run = home.json("enqueue", "poison", "--shards", "2")["run"]
    until(lambda: home.sql("SELECT state FROM run")[0][0] not in ("queued", "running"))
    assert home.sql("SELECT state, done, failed FROM run") == [("partial", UNITS - 1, 1)]
    (failed,) = home.lines("errors", run)
    assert (failed["unit"], failed["error"], failed["attempts"], failed["deaths"]) == (GUILTY, "ProcessDied", 3, 3)
    assert failed["message"] == "its process died 3 times while it was worked on"
    taken_over = [event for event in home.lines("history", run) if event["kind"] == "taken-over"]
    assert len(taken_over) == 3

    (home.path / "cured").touch()
    home.run("retry", run, "--wait")
    assert home.sql("SELECT state, done, failed FROM run") == [("succeeded", UNITS, 0)]
