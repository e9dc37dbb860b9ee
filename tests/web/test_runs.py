"""Runs by REST: the same functions as the commands, the same fields, the same words."""

from __future__ import annotations

from typing import Any

import pytest

from tests.web.conftest import LONDON, Served


@pytest.fixture(scope="module")
def done(served: Served) -> str:
    """A run that succeeded."""
    answer = served.client.post("/api/runs", json={**LONDON, "reason": "the tests"})
    assert answer.status_code == 202
    run = answer.json()["run"]
    served.until_state(run, "succeeded")
    return str(run)


def test_an_order_is_accepted_and_a_repeated_one_finds_the_run_and_says_why(served: Served) -> None:
    order = {**LONDON, "year": 2031}
    first = served.client.post("/api/runs", json=order)
    run = first.json()["run"]
    assert (first.status_code, first.json()["why"], first.headers["location"]) == (202, "created", f"/api/runs/{run}")
    served.until_state(run, "succeeded")
    again = served.client.post("/api/runs", json=order)
    assert (again.status_code, again.json()["run"], again.json()["why"]) == (200, run, "fresh")


def test_a_run_is_what_status_writes(served: Served, done: str) -> None:
    assert served.reader.get(f"/api/runs/{done}").json() == served.home.json("status", done)
    assert done in {run["run"] for run in served.reader.get("/api/runs").json()["runs"]}
    assert served.reader.get(f"/api/runs/{done}/units").json()["units"] == served.home.lines("units", done)


def test_the_audit_trail_names_the_token(served: Served, done: str) -> None:
    first = served.reader.get(f"/api/runs/{done}/events").json()["events"][0]
    assert (first["event"], first["who"], first["reason"]) == ("created", "web:ops", "the tests")
    assert served.home.lines("history", done)[0]["who"] == "web:ops"


def test_a_run_is_paused_resumed_cancelled_retried_and_deleted_in_the_name_of_a_token(served: Served) -> None:
    order = {"resource": "prayer", "cities": 400, "methods": "3,4,5", "year": 2032}
    run = served.client.post("/api/runs", json=order).json()["run"]
    path = f"/api/runs/{run}"
    served.until_state(run, "running")
    live = served.client.delete(path)
    assert (live.status_code, live.json()["outcome"]) == (409, "busy")
    paused = served.client.post(f"{path}/pause", json={"reason": "lunch"})
    assert (paused.status_code, paused.json()["state"] in ("pausing", "paused")) == (200, True)
    served.until_state(run, "paused")
    assert served.client.post(f"{path}/resume").json()["state"] in ("queued", "running")
    assert served.client.post(f"{path}/cancel").json()["state"] in ("cancelling", "cancelled")
    served.until_state(run, "cancelled")
    refused = served.client.post(f"{path}/pause")
    assert (refused.status_code, refused.headers["content-type"]) == (409, "application/problem+json")
    assert refused.json()["type"] == "urn:synctl:problem:illegal-transition"
    retried = served.client.post(f"{path}/retry")
    assert (retried.status_code, retried.json()["why"]) == (202, "retried")
    served.client.post(f"{path}/cancel")
    served.until_state(run, "cancelled")
    deleted = served.client.delete(path)
    assert (deleted.status_code, deleted.json()) == (200, {"run": run, "deleted": True})
    assert served.client.get(path).status_code == 404
    asked = ("created", "request", "deleted")
    kept = served.home.sql("SELECT kind, who FROM run_event WHERE run_id = ? ORDER BY id", run)
    assert [who for kind, who in kept if kind in asked] == ["web:ops"] * sum(kind in asked for kind, _ in kept)
    assert set(asked) <= {kind for kind, _ in kept}
    told = served.reader.get(f"{path}/events").json()
    assert (told["run"], [event["event"] for event in told["events"]]) == (run, [kind for kind, _ in kept])
    assert served.reader.get("/api/runs/prayer-20000101-0000000000/events").status_code == 404


def test_a_paused_run_is_deleted(served: Served) -> None:
    run = served.client.post("/api/runs", json={"resource": "quran", "edition": ["quran-uthmani"]}).json()["run"]
    assert served.client.post(f"/api/runs/{run}/pause").json()["state"] == "paused"  # quran has no worker here
    assert served.client.delete(f"/api/runs/{run}").status_code == 200


def test_pages_lead_through_all_runs_and_units_once(served: Served, done: str) -> None:
    path, seen = "/api/runs?limit=1", []
    while path:
        page = served.reader.get(path).json()
        seen += [run["run"] for run in page["runs"]]
        path = page["next"]
    assert len(seen) == len(set(seen)) == len(served.reader.get("/api/runs?limit=500").json()["runs"])
    assert done in seen
    only = served.reader.get("/api/runs?state=succeeded&resource=prayer&since=1h&limit=1").json()
    assert {run["state"] for run in only["runs"]} == {"succeeded"}
    if only["next"]:
        assert "state=succeeded" in only["next"]
    recent, old = (served.reader.get(f"/api/runs?limit=500&since={one}").json() for one in ("yesterday", "2020-01-01"))
    assert done in [run["run"] for run in recent["runs"]]
    assert len(old["runs"]) == len(seen)


@pytest.mark.parametrize(
    ("order", "status", "outcome", "told"),
    [
        ({"resource": "prayers"}, 422, "usage", "did you mean"),
        ({"resource": "prayer", "city": ["Lundon"]}, 422, "usage", "Lundon"),
        ({"resource": "prayer", "year": 12}, 422, "usage", "year"),
        ({"resource": "prayer", "from": "soon"}, 422, "usage", "no date"),
        ({"resource": "prayer", "if_stale": "soon"}, 422, "usage", "no age"),
        ({"resource": "prayer", "if_stale": "7d", "force": True}, 422, "usage", "exclude"),
        ({"resource": "prayer", "cites": 3}, 422, None, "cites"),
        ({"resource": "prayer", "cities": 0}, 422, None, "cities"),
        ({"resource": "prayer", "cities": "all"}, 422, None, "cities"),
        ({"resource": "quran", "city": ["London"]}, 422, "usage", "--city"),
        ([], 422, None, "object"),
        ({}, 422, None, "resource"),
    ],
    ids=str,
)
def test_what_cannot_be_is_told(served: Served, order: Any, status: int, outcome: str | None, told: str) -> None:
    before = served.reader.get("/api/runs?limit=500").json()
    answer = served.client.post("/api/runs", json=order)
    problem = answer.json()
    assert (answer.status_code, problem["status"], problem.get("outcome")) == (status, status, outcome)
    assert told in problem["detail"]
    assert served.reader.get("/api/runs?limit=500").json()["next"] == before["next"]


@pytest.mark.parametrize(
    ("url", "status"),
    [
        ("/api/runs?state=done", 400),
        ("/api/runs?limit=0", 400),
        ("/api/runs?limit=5&limit=6", 400),
        ("/api/runs?colour=red", 400),
        ("/api/runs?before=99999999999999999999", 400),
        ("/api/runs?since=soon", 422),
        ("/api/runs?since=2026-02-30", 422),
        ("/api/runs?resource=pryer", 422),
        ("/api/runs/nothing-like-it", 404),
        ("/api/runs/%00", 404),
        ("/api/runs/..%2f..%2fetc", 404),
        ("/api/runs/%f0%9f%98%80/units", 404),
        ("/api/coverage/prayers", 404),
        ("/api/coverage/quran?year=2026", 422),
        ("/api/coverage/prayer?year=3", 422),
        ("/api/nothing", 404),
    ],
)
def test_a_wrong_url_is_a_problem(served: Served, url: str, status: int) -> None:
    answer = served.reader.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json()["status"] == status


@pytest.mark.usefixtures("done")
def test_coverage_workers_budgets_and_schedules_are_told(served: Served) -> None:
    reader = served.reader
    assert reader.get("/api/coverage").json()["resources"] == served.home.json("coverage")
    year = reader.get("/api/coverage/prayer?year=2030&city=London").json()["cities"][0]
    assert (year["city"], year["country"], len(year["months"])) == ("London", "GB", 12)
    assert reader.get("/api/coverage/quran").json()["editions"][0]["edition"] == "quran-uthmani"
    fleet = reader.get("/api/workers").json()
    assert {one["queue"] for one in fleet["workers"]} == {"prayer-sync"}
    assert {one["resource"]: one["workers"] for one in fleet["queues"]}["prayer"] == len(fleet["workers"])
    assert {one["source"] for one in reader.get("/api/budgets").json()["budgets"]} == {
        "aladhan", "alquran", "hadith_api",
    }  # fmt: skip
    assert reader.get("/api/schedules").json() == {"leader": None, "schedules": []}
