"""A long sync never blocks another resource; failed units come again alone; both sources store the same rows."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Call, Home, until
from tests.upstream.aladhan import serve
from tests.upstream.faults import parse
from tests.upstream.server import LoopbackServer

PLUGIN = '''
from synctl.resource import Batch, Plan, Unit


class Held:
    """A unit for each city: `endless` ends only when the run is stopped."""

    name = "tafsir"

    def prerequisites(self, database, settings):
        return []

    def plan(self, selectors, database, settings, today):
        cities = list(selectors.city)
        units = [Unit(city, [city]) for city in cities]
        return Plan("tafsir", "none", {"cities": cities}, "a test", len(cities), units)

    def overlap(self, one, other):
        return False

    def concurrency(self, source, settings):
        return 1

    def open(self, source, context):
        self.stop = context.stop
        return self

    def process(self, spec, known):
        if spec == ["endless"]:
            self.stop.wait(600)
        return Batch([])

    def close(self):
        pass


RESOURCE = Held()
'''
MARCH = ("--from", "2026-03-01", "--to", "2026-03-31")
STARTS_WITHIN_MS = 1000


@pytest.fixture(scope="module")
def upstream() -> Iterator[LoopbackServer]:
    with serve() as server:
        yield server


@pytest.fixture(scope="module")
def stack(module_home: Home, upstream: LoopbackServer) -> Home:
    """A stack with a resource from outside the package: `tafsir`, by an entry point."""
    plugin = module_home.path / "plugin"
    (plugin / "held-1.dist-info").mkdir(parents=True)
    (plugin / "held.py").write_text(PLUGIN)
    (plugin / "held-1.dist-info" / "METADATA").write_text("Metadata-Version: 2.1\nName: held\nVersion: 1\n")
    (plugin / "held-1.dist-info" / "entry_points.txt").write_text("[synctl.resources]\ntafsir = held:RESOURCE\n")
    workers = {"SYNCTL_WORKERS__PRAYER": "2", "SYNCTL_WORKERS__TAFSIR": "1"}
    module_home.use(upstream, PYTHONPATH=str(plugin), **workers)
    module_home.run("up")
    return module_home


@pytest.mark.parametrize(
    ("saturated", "by", "workers", "other"),
    [
        ("tafsir", ("--city", "endless"), 1, ("prayer", "--city", "London", "--methods", "3", "--from", "today")),
        ("prayer", ("--city", "Lahore", *MARCH, "--source", "aladhan"), 2, ("tafsir", "--city", "quick")),
    ],
    ids=["prayer beside tafsir", "tafsir beside prayer"],
)
def test_a_run_starts_within_a_second_while_every_worker_of_another_queue_is_busy(
    stack: Home, upstream: LoopbackServer, saturated: str, by: tuple[str, ...], workers: int, other: tuple[str, ...]
) -> None:
    upstream.faults.rules = parse("hang(600)")
    held = stack.json("enqueue", saturated, *by)["run"]
    until(lambda: len(stack.json("status", held)["lease"]) == workers)
    run_id = stack.json("enqueue", *other)["run"]
    stack.run("watch", run_id, "--exit")
    events = stack.sql("SELECT state, at FROM run_event WHERE run_id = ? ORDER BY id", run_id)
    assert [state for state, _ in events] == ["queued", "running", "succeeded"]
    assert events[1][1] - events[0][1] < STARTS_WITHIN_MS
    assert stack.json("status", held)["state"] == "running"
    assert stack.json("cancel", held, "--wait")["state"] == "cancelled"


def test_failed_units_are_listed_with_their_cause_and_retried_alone(
    stack: Home, upstream: LoopbackServer, call: Call
) -> None:
    upstream.faults.rules = parse("wrong-school@method=4")
    order = (
        "enqueue",
        "prayer",
        "--cities",
        "5",
        "--methods",
        "3,4",
        "--madhab",
        "shafi",
        *MARCH,
        "--source",
        "aladhan",
    )
    run_id = call(stack, *order, "--json").json["run"]
    call(stack, "watch", run_id, "--exit", code=3)
    view = call(stack, "status", run_id, "--json").json
    assert (view["state"], view["done"], view["failed"], view["rows"]) == ("partial", 5, 5, 5 * 31)
    failed = call(stack, "errors", run_id, "--json").lines
    assert {(unit["error"], unit["attempts"]) for unit in failed} == {("MismatchError", 1)}
    assert all("prayer.school" in unit["message"] for unit in failed)
    upstream.faults.rules.clear()
    before = len(upstream.seen)
    assert call(stack, *order, "--json").json["why"] == "retried"
    call(stack, "watch", run_id, "--exit")
    assert len(upstream.seen) - before == 5
    assert call(stack, *order, "--json").json["why"] == "fresh"
    view = call(stack, "status", run_id, "--json").json
    assert (view["state"], view["done"], view["failed"], view["rows"]) == ("succeeded", 10, 0, 10 * 31)


def test_both_sources_store_the_same_rows(stack: Home, upstream: LoopbackServer, call: Call) -> None:
    """Requesting, decoding and storing add and lose nothing.

    That is all: the stand-in answers from the calculated source. That the numbers are AlAdhan's is proved by its
    recorded answers (test_recorded.py here and in tests/sources).
    """
    upstream.faults.rules.clear()
    shown = []
    for source in ("calculated", "aladhan"):
        chosen = ("--city", "London", "--methods", "3,4,15", "--year", "2026")
        call(stack, "enqueue", "prayer", *chosen, "--source", source, "--wait")
        days = call(
            stack, "show", "prayer", "--city", "London", "--methods", "3,4,15",
            "--from", "2026-01-01", "--to", "2026-12-31", "--json",
        ).lines  # fmt: skip
        assert {day["source"] for day in days} == {source}
        shown.append([(day["method"], day["madhab"], day["date"], day["times"]) for day in days])
    assert len(shown[0]) == 3 * 2 * 365
    differing = [a for a, b in zip(*shown, strict=True) if a != b]
    assert not differing, differing[:3]
