"""The web interface over PostgreSQL: every page, a run by REST, and its events, as over SQLite."""

from __future__ import annotations

import json
from pathlib import Path

import httpx
import pytest

from tests.helpers import until
from tests.web.conftest import LONDON
from tests.web.test_openapi_fuzz import served_on


@pytest.mark.slow
def test_a_run_is_queued_shown_and_followed_on_postgresql(tmp_path: Path) -> None:
    with served_on("postgresql", tmp_path) as server:
        headers = server.headers("operate")
        run = server.post("/api/runs", LONDON)["run"]

        def view() -> dict[str, object]:
            found: dict[str, object] = httpx.get(f"{server.url}/api/runs/{run}", headers=headers).json()
            return found

        until(lambda: view()["state"] == "succeeded")
        assert view() == server.home.json("status", run)
        with httpx.Client(base_url=server.url, headers={"Origin": server.url}) as browser:
            assert browser.post("/login", data={"token": server.tokens["operate"]}).status_code == 303
            for page in ("/", "/?state=succeeded&resource=prayer", f"/runs/{run}", "/coverage?year=2030", "/fleet"):
                shown = browser.get(page)
                assert shown.status_code == 200, page
            assert run in browser.get("/").text
            assert browser.get(f"/runs/{run}").text.count('class="cell done"') == 1 + int(str(view()["total"]))
        seen = []
        with httpx.stream("GET", f"{server.url}/api/events?after=0", headers=headers) as answer:
            for line in answer.iter_lines():
                if line.startswith("data: "):
                    seen.append(json.loads(line.removeprefix("data: ")))
                if seen and seen[-1]["state"] == "succeeded":
                    break
        assert [one["event"] for one in seen if one["id"]][:2] == ["created", "state"]
        assert {one["run"] for one in seen} == {run}
