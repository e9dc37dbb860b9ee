"""An upstream that limits, fails or is gone: the fleet waits together, says so, and loses no unit to it."""

from __future__ import annotations

import sqlite3
from itertools import pairwise
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.conftest import Home, until
from tests.upstream.aladhan import serve
from tests.upstream.faults import Faults, parse
from tests.upstream.server import LoopbackServer

FEBRUARY = ("--from", "2026-02-01", "--to", "2026-02-28")
LONDON = ("prayer", "--city", "London", *FEBRUARY, "--source", "aladhan")
EVERYWHERE = 100 * 23 * 2


def _use(home: Home, upstream: LoopbackServer, **settings: object) -> None:
    chosen = {"sources__aladhan__base_url": f"{upstream.url}/v1", "sources__aladhan__rate": 0, **settings}
    home.environment = {f"SYNCTL_{name.upper()}": str(value) for name, value in chosen.items()}
    home.environment |= {"SYNCTL_WORKERS__QURAN": "0", "SYNCTL_WORKERS__HADITH": "0"}


def _host(upstream: LoopbackServer) -> str:
    return upstream.url.removeprefix("http://")


def _metrics(home: Home, upstream: LoopbackServer) -> dict[str, float]:
    """What is measured of a host, statuses added up."""
    found: dict[str, float] = {}
    for family in text_string_to_metric_families(home.run("metrics").stdout):
        for sample in family.samples:
            if sample.labels.get("host") == _host(upstream):
                name = sample.name.removeprefix("synctl_upstream_")
                found[name] = found.get(name, 0) + sample.value
    return found


def _succeeded(home: Home, run_id: str, units: int) -> None:
    home.run("watch", run_id, "--exit")
    view = home.json("status", run_id)
    assert (view["state"], view["done"], view["failed"], view["rows"]) == ("succeeded", units, 0, units * 28)
    with sqlite3.connect(home.path / "synctl.db") as database:
        assert database.execute("SELECT COUNT(*) FROM prayer_time").fetchone() == (units * 28,)


def test_a_limited_run_says_what_it_waits_for_and_can_be_cancelled_meanwhile(home: Home) -> None:
    with serve(Faults(*parse("rate-limit(120)@method=4"))) as upstream:
        _use(home, upstream)
        home.run("up")
        run_id = home.json("enqueue", *LONDON)["run"]

        def waiting() -> Any:
            view = home.json("status", run_id)
            waits = view["reason"].startswith(f"waiting for {_host(upstream)} (rate limited, ")
            return view if waits and view["units_per_s"] == 0 else None  # the other shard has to learn of it, too

        view = until(waiting)
        assert view["state"] == "running"
        assert view["eta_s"] is None or view["eta_s"] > 60
        assert f"waiting for {_host(upstream)} (rate limited, " in home.run("status").stdout
        until(lambda: _metrics(home, upstream)["limited_total"])  # told once a second
        metrics = _metrics(home, upstream)
        assert metrics["request_duration_seconds_count"] >= metrics["limited_total"] >= 1
        assert 60 < metrics["closed_seconds"] <= 120
        assert metrics["failing"] == 1
        assert home.json("cancel", run_id, "--wait")["state"] == "cancelled"
        asked = len(upstream.seen)
        upstream.faults.rules.clear()
        assert len(upstream.seen) == asked


@pytest.mark.slow
def test_an_upstream_that_is_gone_for_a_while_costs_no_unit(home: Home) -> None:
    with serve() as upstream:
        host, port = upstream.url.removeprefix("http://").split(":")
        _use(home, upstream, retry__backoff=0.1)
        upstream.faults.latency = 0.05
        home.run("up")
        run_id = home.json("enqueue", "prayer", "--cities", "5", *FEBRUARY, "--source", "aladhan")["run"]
        until(lambda: len(upstream.seen) > 5)
    until(lambda: home.json("status", run_id)["reason"].startswith(f"waiting for {host}:{port} (unreachable, "))
    with serve(host=host, port=int(port)):
        _succeeded(home, run_id, 230)
    assert home.lines("errors", run_id) == []


@pytest.mark.slow
def test_an_outage_that_lasts_too_long_ends_the_run_and_retry_goes_on(home: Home) -> None:
    with serve(Faults(*parse("error(503)"))) as upstream:
        _use(home, upstream, retry__backoff=0.05, retry__outage=1, sources__aladhan__breaker=3)
        home.run("up")
        ended = home.run("enqueue", *LONDON, "--wait", code=9)
        assert f"{_host(upstream)} has served nobody for " in ended.stdout
        view = home.json("status")[0]
        assert (view["state"], view["done"], view["failed"]) == ("failed", 0, 0)
        upstream.faults.rules.clear()
        home.run("retry", view["run"], "--wait")
        _succeeded(home, view["run"], 46)


@pytest.mark.slow
def test_a_fifth_of_all_requests_may_fail(home: Home) -> None:
    rules = "error~0.07,truncate~0.06,hang(30)~0.04,not-json~0.02,rate-limit(1)~0.01"
    with serve(Faults(*parse(rules), seed=3)) as upstream:
        _use(home, upstream, sources__aladhan__timeout=1, retry__backoff=0.05)
        home.run("up")
        selection = ("prayer", "--cities", "6", *FEBRUARY, "--source", "aladhan")
        _succeeded(home, home.json("enqueue", *selection)["run"], 6 * 23 * 2)
        failed = sum(1 for seen in upstream.seen if seen.fault is not None)
        assert 0.1 < failed / len(upstream.seen) < 0.3


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_five_of_4600_units_fail_for_good_and_only_they_are_retried(home: Home) -> None:
    """Of every kind: two that look like an outage, two refused, one that is not what was asked for."""
    rules = "error@method=1@latitude={0},truncate@method=2@latitude={0},refused@method=3@latitude={0}"
    with serve() as upstream:
        _use(home, upstream, retry__backoff=0.05)
        home.run("up")
        home.run("enqueue", "prayer", "--city", "London", "--methods", "1", "--madhab", "shafi", *FEBRUARY,
                 "--source", "aladhan", "--wait")  # fmt: skip
        latitude = upstream.seen[-1].params["latitude"]
        for rule in (*rules.format(latitude).split(","), f"error(404)@method=4@latitude={latitude}"):
            upstream.faults.rules.extend(parse(f"{rule}@school=0"))
        upstream.faults.rules.extend(parse(f"wrong-school@method=5@latitude={latitude}@school=1"))
        order = ("enqueue", "prayer", *FEBRUARY, "--source", "aladhan")
        run_id = home.json(*order)["run"]
        home.patience_s = 300
        home.run("watch", run_id, "--exit", code=3)
        view = home.json("status", run_id)
        assert (view["state"], view["done"], view["failed"]) == ("partial", EVERYWHERE - 5, 5)
        listed = home.lines("errors", run_id)
        assert {(unit["error"], unit["http_status"]) for unit in listed} == {
            ("TransientError", 500),
            ("TransientError", None),  # half a body
            ("RejectedError", 200),
            ("RejectedError", 404),
            ("MismatchError", 200),
        }
        assert all(unit["message"] for unit in listed)
        upstream.faults.rules.clear()
        before = len(upstream.seen)
        home.run("retry", run_id, "--wait")
        assert len(upstream.seen) - before == 5
        _succeeded(home, run_id, EVERYWHERE)


@pytest.mark.slow
def test_three_workers_use_the_whole_budget_and_no_more(home: Home) -> None:
    with serve(Faults(*parse("rate-limit(5)@method=12@school=1*1"))) as upstream:
        _use(home, upstream, workers__prayer=3, sources__aladhan__rate=10, sources__aladhan__burst=1)
        home.run("up")
        order = ("prayer", "--cities", "5", *FEBRUARY, "--source", "aladhan", "--shards", "3")
        run_id = home.json("enqueue", *order)["run"]
        limits = "rate-limit(5)@method=12@school=1*1"
        until(lambda: any(seen.status == 429 for seen in list(upstream.seen)))
        upstream.faults.rules[:] = [fault for fault in upstream.faults.rules if fault not in parse(limits)]
        home.run("watch", run_id, "--exit")
        times = sorted(seen.at for seen in upstream.seen)
        limited = [seen.at for seen in upstream.seen if seen.status == 429]
        assert len(limited) == 1
        assert len({seen.params["method"] for seen in upstream.seen}) == 23
        closed, since = max((after - before, before) for before, after in pairwise(times))
        assert closed >= 5
        assert since == limited[0]  # nobody asked from then on
        allowed = (times[-1] - times[0] - closed) * 10
        assert 0.97 <= round((len(times) - 2) / allowed, 2) <= 1.0  # a request may be some ms late
