"""Quran, hadith and prayer at once, each in its own queue: none waits for another, all of them are verified."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from tests.e2e.conftest import Home, until
from tests.upstream import aladhan, alquran, hadith
from tests.upstream.faults import Faults, parse
from tests.upstream.server import LoopbackServer

STARTS_WITHIN_MS = 1000
ORDERS = {
    "prayer": ("--city", "London", "--from", "2026-03-01", "--to", "2026-03-31", "--source", "aladhan"),
    "quran": ("--edition", "quran-uthmani", "--edition", "en.sahih", "--edition", "en.transliteration",
              "--source", "alquran"),
    "hadith": ("--edition", "eng-bukhari", "--edition", "eng-muslim", "--edition", "eng-nawawi",
               "--edition", "eng-qudsi"),
}  # fmt: skip
SETTINGS = {"prayer": ("aladhan", "/v1"), "quran": ("alquran", "/v1"), "hadith": ("hadith_api", "")}


@pytest.fixture
def upstreams() -> Iterator[dict[str, LoopbackServer]]:
    """AlAdhan's hangs in one method until it is told to go on."""
    with ExitStack() as servers:
        yield {
            "prayer": servers.enter_context(aladhan.serve(Faults(*parse("hang(600)@method=4")))),
            "quran": servers.enter_context(alquran.serve()),
            "hadith": servers.enter_context(hadith.serve()),
        }


def test_three_resources_at_once(home: Home, upstreams: dict[str, LoopbackServer]) -> None:
    for resource, (source, path) in SETTINGS.items():
        prefix = f"SYNCTL_SOURCES__{source.upper()}"
        home.environment |= {f"{prefix}__BASE_URL": f"{upstreams[resource].url}{path}", f"{prefix}__RATE": "0"}
        home.environment[f"SYNCTL_WORKERS__{resource.upper()}"] = "1"
    home.run("up")
    runs = {resource: home.json("enqueue", resource, *order)["run"] for resource, order in ORDERS.items()}
    for resource in ("quran", "hadith"):
        home.run("watch", runs[resource], "--exit")
    until(lambda: home.json("status", runs["prayer"])["done"] >= 40)
    assert home.json("status", runs["prayer"])["state"] == "running"  # all the while
    upstreams["prayer"].faults.rules = []
    upstreams["prayer"].faults.released.set()
    home.run("watch", runs["prayer"], "--exit")
    for resource, run_id in runs.items():
        events = home.sql("SELECT state, at FROM run_event WHERE run_id = ? ORDER BY id", run_id)
        states = [state for state, _ in events]
        assert list(dict.fromkeys(states)) == ["queued", "running", "succeeded"], resource
        assert events[1][1] - events[0][1] < STARTS_WITHIN_MS, resource
    assert home.sql("SELECT COUNT(*) FROM quran_ayah") == [(3 * 6236,)]
    assert home.sql("SELECT COUNT(*) FROM hadith_edition WHERE unit_id IS NOT NULL") == [(4,)]
    assert home.sql("SELECT COUNT(*) FROM prayer_time") == [(46 * 31,)]
    home.run("verify")
