"""REST and `--json` are two doors to one thing: the same documents, field by field."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Call
from tests.web.conftest import LONDON, Served

OPTIONS = ("prayer", "--city", "London", "--methods", "3", "--madhab", "shafi", "--year", "2030")


@pytest.fixture(scope="module")
def run(served: Served) -> str:
    """A run that ended with a unit that failed and one that broke a rule."""
    order = {**LONDON, "city": ["London", "Lahore", "Cairo"], "year": 2035, "reason": "to compare"}
    found = str(served.client.post("/api/runs", json=order).json()["run"])
    served.until_state(found, "succeeded")
    with served.backend.database.write() as transaction:
        for ordinal, state in ((0, "failed"), (1, "quarantined")):
            transaction.execute(
                "UPDATE sync_unit SET state = :state, error_class = 'RejectedError', http_status = 422,"
                " message = 'not today' WHERE ordinal = :ordinal AND run_seq = (SELECT seq FROM run WHERE id = :run)",
                state=state, ordinal=ordinal, run=found,
            )  # fmt: skip
        transaction.execute(
            "UPDATE run SET state = 'partial', failed = 2, quarantined = 1, done = 1 WHERE id = :run", run=found
        )
    return found


def test_a_run_its_units_and_its_errors(served: Served, run: str, call: Call) -> None:
    one = served.reader.get(f"/api/runs/{run}").json()
    assert one == call(served.home, "status", run, "--json").json
    assert one["errors"]
    errors = served.reader.get(f"/api/runs/{run}/errors").json()
    assert errors["causes"] == one["errors"]
    assert errors["units"] == call(served.home, "errors", run, "--json").lines
    assert len(errors["units"]) == 2
    for states in ([], ["failed"], ["failed", "quarantined"]):
        asked = {"state": states}
        options = [word for state in states for word in ("--state", state)]
        units = served.reader.get(f"/api/runs/{run}/units", params=asked).json()["units"]
        assert units == call(served.home, "units", run, *options, "--json").lines


def test_the_list_of_runs(served: Served, run: str, call: Call) -> None:
    listed = served.reader.get("/api/runs?limit=500").json()["runs"]
    assert listed == call(served.home, "status", "--json").json
    assert run in {one["run"] for one in listed}


def test_the_audit_trail(served: Served, run: str, call: Call) -> None:
    told = served.reader.get(f"/api/runs/{run}/events").json()["events"]
    lines = call(served.home, "history", run, "--json").lines
    shared = ("run", "at", "state", "who", "origin")
    assert [[one[name] for name in shared] for one in told] == [[one[name] for name in shared] for one in lines]
    assert [(one["event"], one["reason"] or "") for one in told] == [(one["kind"], one["reason"]) for one in lines]


def test_what_becomes_of_an_order(served: Served, call: Call) -> None:
    first = served.client.post("/api/runs", json=LONDON).json()
    served.until_state(first["run"], "succeeded")
    assert served.client.post("/api/runs", json=LONDON).json() == call(served.home, "enqueue", *OPTIONS, "--json").json
    assert set(first) == set(call(served.home, "enqueue", *OPTIONS, "--json").json)
    retried = served.client.post(f"/api/runs/{first['run']}/retry")
    assert (retried.status_code, retried.json()) == (200, call(served.home, "retry", first["run"], "--json").json)


@pytest.mark.usefixtures("run")
def test_coverage_and_schedules(served: Served, call: Call) -> None:
    reader = served.reader
    assert reader.get("/api/coverage").json()["resources"] == call(served.home, "coverage", "--json").json
    cities = reader.get("/api/coverage/prayer?year=2035&limit=1000").json()["cities"]
    assert cities == call(served.home, "coverage", "prayer", "--year", "2035", "--json").lines
    for name in ("quran", "hadith"):
        assert (
            reader.get(f"/api/coverage/{name}").json()["editions"]
            == call(served.home, "coverage", name, "--json").lines
        )
    assert reader.get("/api/schedules").json() == call(served.home, "schedule", "list", "--json").json


@pytest.mark.parametrize(
    ("body", "options"),
    [
        ({"resource": "prayers"}, ["prayers"]),
        ({"resource": "prayer", "city": ["Lundon"]}, ["prayer", "--city", "Lundon"]),
        ({"resource": "prayer", "methods": "999"}, ["prayer", "--methods", "999"]),
        ({"resource": "quran", "city": ["London"]}, ["quran", "--city", "London"]),
        ({"resource": "prayer", "from": "2030-02-01", "to": "2030-01-01"},
         ["prayer", "--from", "2030-02-01", "--to", "2030-01-01"]),
        ({"resource": "prayer", "year": 2030, "from": "2030-01-01"},
         ["prayer", "--year", "2030", "--from", "2030-01-01"]),
        ({"resource": "prayer", "source": "nowhere"}, ["prayer", "--source", "nowhere"]),
    ],
    ids=str,
)  # fmt: skip
def test_what_cannot_be_is_told_in_the_same_words(
    served: Served, body: dict[str, object], options: list[str], call: Call
) -> None:
    problem = served.client.post("/api/runs", json=body).json()
    said = call(served.home, "enqueue", *options, code=problem["exit_code"])
    assert problem["detail"] in said.err
    assert problem.get("hint", "") in said.err
