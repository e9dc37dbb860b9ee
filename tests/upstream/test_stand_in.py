"""The stand-in of AlAdhan behaves as the real one: its shape as recorded, its quirks one by one."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.upstream import aladhan
from tests.upstream.faults import Fault, Faults, Kind, parse
from tests.upstream.replay import ABSENT, RECORDED
from tests.upstream.server import LoopbackServer

ROOT = Path(__file__).parents[2]
LONDON = {"latitude": "51.5074", "longitude": "-0.1278", "timezonestring": "Europe/London"}
MAKKAH = {"latitude": "21.4225", "longitude": "39.8262", "timezonestring": "Asia/Riyadh"}
TROMSO = {"latitude": "69.6492", "longitude": "18.9553", "timezonestring": "Europe/Oslo"}
JAKARTA = {"latitude": "-6.2088", "longitude": "106.8456", "timezonestring": "Asia/Jakarta"}

Get = Callable[..., httpx.Response]


@pytest.fixture
def server() -> Iterator[LoopbackServer]:
    with aladhan.serve() as running:
        yield running


@pytest.fixture
def get(server: LoopbackServer) -> Iterator[Get]:
    with httpx.Client(base_url=server.url, trust_env=False) as client:

        def ask(path: str, **params: str) -> httpx.Response:
            return client.get(path, params=params or None)

        yield ask


def recorded(name: str) -> Any:
    path = RECORDED / name
    return json.loads(gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes())


def shape(value: Any) -> Any:
    """Keys in their order and the types of values; a list is the shapes that occur in it."""
    if isinstance(value, dict):
        return [(key, shape(inner)) for key, inner in value.items()]
    if isinstance(value, list):
        shapes: list[Any] = []
        for inner in value:
            if shape(inner) not in shapes:
                shapes.append(shape(inner))
        return shapes
    return "number" if type(value) in (int, float) else type(value).__name__


def without_holidays(value: Any) -> Any:
    """The stand-in keeps no holidays, so a list of them is always empty."""
    if isinstance(value, dict):
        return {key: [] if key == "holidays" else without_holidays(inner) for key, inner in value.items()}
    return [without_holidays(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.skipif(not RECORDED.exists(), reason=ABSENT)
@pytest.mark.parametrize(
    ("name", "path", "params"),
    [
        ("raw/calendar-2026-london-m3s0.json.gz", "/v1/calendar/2026", LONDON | {"method": "3", "school": "0"}),
        ("raw/calendar-2026-makkah-m4s0.json.gz", "/v1/calendar/2026", MAKKAH | {"method": "4", "school": "0"}),
        ("raw/calendar-2026-tromso-m3s0.json.gz", "/v1/calendar/2026", TROMSO | {"method": "3"}),
        ("raw/calendar-2026-jakarta-m20s0.json.gz", "/v1/calendar/2026", JAKARTA | {"method": "20"}),
        ("raw/calendar-2028-02-london-m3s1.json.gz", "/v1/calendar/2028/2", LONDON | {"method": "3", "school": "1"}),
        ("raw/timings-2026-03-15-london-m3s0.json.gz", "/v1/timings/15-03-2026", LONDON | {"method": "3"}),
        ("methods.json", "/v1/methods", {}),
    ],
)
def test_bodies_have_the_shape_of_the_recorded_ones(get: Get, name: str, path: str, params: dict[str, str]) -> None:
    theirs, ours = recorded(name), get(path, **params).json()
    assert shape(without_holidays(ours)) == shape(without_holidays(theirs))


@pytest.mark.skipif(not RECORDED.exists(), reason=ABSENT)
def test_gregorian_dates_and_what_was_asked_are_answered_as_recorded(get: Get) -> None:
    theirs = recorded("raw/calendar-2026-makkah-m4s0.json.gz")["data"]
    ours = get("/v1/calendar/2026", **MAKKAH, method="4", school="0").json()["data"]
    for month, days in theirs.items():
        for their, our in zip(days, ours[month], strict=True):
            for key in ("readable", "timestamp", "gregorian"):
                assert our["date"][key] == their["date"][key]
            assert our["meta"] | {"offset": None} == their["meta"] | {"offset": None}


@pytest.mark.skipif(not RECORDED.exists(), reason=ABSENT)
@pytest.mark.parametrize(
    ("name", "path", "params"),
    [
        ("00-400", "/v1/calendar/2026", {}),
        ("02-400", "/v1/calendar/2026/13", LONDON),
        ("04-400", "/v1/calendar/2026", LONDON | {"latitude": "0"}),
        ("05-404", "/v1/calendar/2026/", LONDON),
    ],
)
def test_refusals_have_the_shape_and_layout_of_the_recorded_ones(
    get: Get, name: str, path: str, params: dict[str, str]
) -> None:
    theirs = (RECORDED / f"errors/{name}.body").read_text()
    answer = get(path, **params)
    assert answer.status_code == int(name[-3:])
    assert shape(answer.json()) == shape(json.loads(theirs))
    assert [answer.json()[key] for key in ("code", "status")] == [json.loads(theirs)[key] for key in ("code", "status")]
    assert answer.text.count("\n") == theirs.rstrip().count("\n")


@pytest.mark.parametrize(
    ("params", "method", "school"),
    [
        ({"method": "3", "school": "1"}, 3, "HANAFI"),
        ({"method": "6"}, 2, "STANDARD"),
        ({"method": "999"}, 2, "STANDARD"),
        ({"method": "abc", "school": "hanafi"}, 2, "STANDARD"),
        ({"method": "4", "school": "2"}, 4, "STANDARD"),
    ],
)
def test_what_it_does_not_know_it_silently_replaces(get: Get, params: dict[str, str], method: int, school: str) -> None:
    answer = get("/v1/calendar/2026/3", **LONDON, **params)
    assert answer.status_code == 200
    metas = [day["meta"] for day in answer.json()["data"]]
    assert {(meta["method"]["id"], meta["school"]) for meta in metas} == {(method, school)}


@pytest.mark.parametrize(
    ("asked", "answered"),
    [("15-03-2026", "15-03-2026"), ("31-02-2026", "03-03-2026"), ("rubbish", None), ("15-13-2026", None)],
)
def test_an_odd_date_is_another_day(get: Get, asked: str, answered: str | None) -> None:
    day = get(f"/v1/timings/{asked}", **LONDON).json()["data"]
    assert day["date"]["gregorian"]["date"] == (answered or f"{datetime.now(UTC):%d-%m-%Y}")
    assert all(len(time) == 5 for time in day["timings"].values())


@pytest.mark.parametrize(
    ("path", "params", "status"),
    [
        ("/v1/calendar/2026", {"latitude": "51.5"}, 400),
        ("/v1/calendar/2026", LONDON | {"longitude": "0"}, 400),
        ("/v1/calendar/2026", LONDON | {"timezonestring": "Mars/Olympus"}, 400),
        ("/v1/calendar/2026/13", LONDON, 400),
        ("/v1/calendar/rubbish", LONDON, 400),
        ("/v1/calendar/2026/3/", LONDON, 404),
        ("/v1/methods/", {}, 404),
        ("/v2/methods", {}, 404),
    ],
)
def test_it_refuses_with_a_string_for_data(get: Get, path: str, params: dict[str, str], status: int) -> None:
    answer = get(path, **params)
    assert answer.status_code == status
    assert answer.json()["code"] == status
    assert isinstance(answer.json()["data"], str)


def test_it_redirects_to_relative_addresses(get: Get) -> None:
    methods, timings = get("/methods"), get("/v1/timings", **LONDON)
    assert (methods.status_code, methods.headers["Location"]) == (301, "/v1/methods")
    assert timings.status_code == 302
    assert timings.headers["Location"].startswith("/v1/timings/")
    assert get(timings.headers["Location"]).status_code == 200


def test_a_tag_is_sent_without_quotes_and_never_honoured(server: LoopbackServer) -> None:
    url = f"{server.url}/v1/methods"
    tag = httpx.get(url, trust_env=False).headers["ETag"]
    assert '"' not in tag
    assert httpx.get(url, headers={"If-None-Match": tag}, trust_env=False).status_code == 200


def test_what_is_not_get_is_not_allowed(server: LoopbackServer) -> None:
    answer = httpx.post(f"{server.url}/v1/methods", trust_env=False)
    assert (answer.status_code, answer.json()["status"]) == (405, "NOT_ALLOWED")


def test_a_body_is_packed_only_for_who_accepts_it(server: LoopbackServer) -> None:
    url = f"{server.url}/v1/calendar/2026"
    packed = httpx.get(url, params=LONDON, headers={"Accept-Encoding": "gzip"}, trust_env=False)
    plain = httpx.get(url, params=LONDON, headers={"Accept-Encoding": "identity"}, trust_env=False)
    assert packed.content == plain.content
    assert int(plain.headers["Content-Length"]) == len(plain.content)
    assert int(packed.headers["Content-Length"]) < len(plain.content) / 8


def test_chance_strikes_the_same_requests_for_the_same_seed() -> None:
    def struck(seed: int) -> list[int]:
        faults = Faults(Fault(Kind.ERROR, probability=0.2), seed=seed)
        return [unit for unit in range(500) if faults.choose(unit, {})]

    assert struck(1) == struck(1) != struck(2)
    assert 60 < len(struck(1)) < 140


def test_rules_are_read_from_text() -> None:
    assert parse("rate-limit(2)~0.05,error*1,hang(5)@method=3@school=1,wrong-date@latitude=51.5*2~0.5") == [
        Fault(Kind.RATE_LIMIT, "2", probability=0.05),
        Fault(Kind.ERROR, first=1),
        Fault(Kind.HANG, "5", {"method": "3", "school": "1"}),
        Fault(Kind.WRONG_DATE, only={"latitude": "51.5"}, first=2, probability=0.5),
    ]
    with pytest.raises(ValueError, match="no fault"):
        parse("error!")
    with pytest.raises(ValueError, match="meteor"):
        parse("meteor")


def test_it_runs_as_a_process_of_its_own() -> None:
    command = [sys.executable, "-m", "tests.upstream", "--faults", "error*1", "--latency", "0.01"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        base_url = process.stdout.readline().strip()
        with httpx.Client(trust_env=False) as client:
            statuses = [client.get(f"{base_url}/methods").status_code for _ in range(3)]
            stats = client.get(f"{base_url.removesuffix('/v1')}/_stats").json()
        process.terminate()
        assert process.wait(5) == 0
    assert statuses == [500, 200, 200]
    assert stats == {"requests": 3, "statuses": {"500": 1, "200": 2}, "faults": {"error": 1}}
