"""A long sync never blocks another resource, and its rows come once, however many ask."""

from __future__ import annotations

import time

from tests.e2e.conftest import Home, until
from tests.upstream.aladhan import serve
from tests.upstream.faults import Faults, parse

PLUGIN = '''
from synctl.resource import Batch, Plan, Unit


class Slow:
    """Holds its queue: its units end only when the run is stopped."""

    name = "quran"

    def prerequisites(self, database, settings):
        return []

    def plan(self, selectors, database, settings, today):
        return Plan("quran", "none", {}, "a long sync", 1, [Unit("endless", [])])

    def concurrency(self, source, settings):
        return 1

    def open(self, source, context):
        self.stop = context.stop
        return self

    def process(self, spec):
        self.stop.wait(600)
        return Batch([])

    def close(self):
        pass


RESOURCE = Slow()
'''


def test_a_run_starts_within_a_second_while_another_queue_is_held(home: Home) -> None:
    """A resource from outside the package, by an entry point, holds `quran-sync`."""
    plugin = home.path / "plugin"
    (plugin / "held-1.dist-info").mkdir(parents=True)
    (plugin / "held.py").write_text(PLUGIN)
    (plugin / "held-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: held\nVersion: 1\n")
    (plugin / "held-1.dist-info" / "entry_points.txt").write_text("[synctl.resources]\nquran = held:RESOURCE\n")
    home.environment = {"PYTHONPATH": str(plugin)}
    home.run("up")
    held = home.json("enqueue", "quran")["run"]
    until(lambda: home.json("status", held)["state"] == "running")
    asked = time.monotonic()
    run_id = home.json("enqueue", "prayer", "--city", "London", "--methods", "3", "--from", "today")["run"]
    home.run("watch", run_id, "--exit")
    assert time.monotonic() - asked < 20  # three start-ups on a busy machine included; blocked, ten minutes
    events = home.lines("history", run_id)
    assert [event["state"] for event in events] == ["queued", "running", "succeeded"]
    assert home.json("status", held)["state"] == "running"
    assert home.json("cancel", held, "--wait")["state"] == "cancelled"


def test_failed_units_are_listed_with_their_cause_and_retried_alone(home: Home) -> None:
    with serve(Faults(*parse("wrong-school@method=4"))) as upstream:
        home.environment = {
            "SYNCTL_SOURCES__ALADHAN__BASE_URL": f"{upstream.url}/v1",
            "SYNCTL_SOURCES__ALADHAN__RATE": "0",
        }
        home.run("up")
        selection = ("prayer", "--cities", "5", "--methods", "3,4", "--madhab", "shafi", "--from", "2026-03-01")
        order = ("enqueue", *selection, "--to", "2026-03-31", "--source", "aladhan")
        home.run(*order, "--wait", code=3)
        view = home.json("status")[0]
        assert (view["state"], view["done"], view["failed"], view["rows"]) == ("partial", 5, 5, 5 * 31)
        failed = home.lines("errors", view["run"])
        assert {(unit["error"], unit["attempts"]) for unit in failed} == {("MismatchError", 1)}
        assert all("prayer.school" in unit["message"] for unit in failed)
        upstream.faults.rules.clear()
        before = len(upstream.seen)
        assert home.json(*order)["why"] == "retried"
        home.run("watch", view["run"], "--exit")
        assert len(upstream.seen) - before == 5
        assert home.json(*order)["why"] == "fresh"
        view = home.json("status", view["run"])
        assert (view["state"], view["done"], view["failed"], view["rows"]) == ("succeeded", 10, 0, 10 * 31)


def test_both_sources_give_the_same_rows(home: Home) -> None:
    with serve() as upstream:
        home.environment = {
            "SYNCTL_SOURCES__ALADHAN__BASE_URL": f"{upstream.url}/v1",
            "SYNCTL_SOURCES__ALADHAN__RATE": "0",
        }
        home.run("up")
        chosen = ("--city", "London", "--city", "Lahore", "--year", "2026")
        shown = []
        for source in ("calculated", "aladhan"):
            home.run("enqueue", "prayer", *chosen, "--source", source, "--wait")
            days = home.lines("show", "prayer", "--city", "London", "--from", "2026-01-01", "--to", "2026-12-31")
            assert {day["source"] for day in days} == {source}
            shown.append([(day["method"], day["madhab"], day["date"], day["times"]) for day in days])
        assert len(shown[0]) == 23 * 2 * 365
        differing = [a for a, b in zip(*shown, strict=True) if a != b]
        assert not differing, differing[:3]
        assert {run["state"] for run in home.json("status")} == {"succeeded"}
