"""The pages as the server renders them: without a script, with forms that only our own pages can send."""

from __future__ import annotations

import re

import pytest
from starlette.testclient import TestClient

from tests.web.conftest import LONDON, OPERATE, ORIGIN, READ, Served


def visitor(served: Served, token: str) -> TestClient:
    client = TestClient(served.nobody.app, base_url=ORIGIN, raise_server_exceptions=False, headers={"Origin": ORIGIN})
    client.portal = served.nobody.portal
    answer = client.post("/login", data={"token": token}, follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    return client


@pytest.fixture(scope="module")
def operator(served: Served) -> TestClient:
    return visitor(served, OPERATE)


def csrf(client: TestClient) -> str:
    found = re.search(r'name="csrf" value="(\w+)"', client.get("/").text)
    assert found is not None
    return found[1]


def test_who_is_not_logged_in_is_asked_to(served: Served) -> None:
    for path in ("/", "/enqueue", "/coverage", "/fleet", "/runs/anything"):
        answer = served.nobody.get(path, follow_redirects=False)
        assert (answer.status_code, answer.headers["location"]) == (303, "/login")
    wrong = served.nobody.post("/login", data={"token": "wrong"}, headers={"Origin": ORIGIN})
    assert wrong.status_code in (401, 429)
    assert "set-cookie" not in wrong.headers


def test_the_cookie_is_for_the_server_alone(served: Served) -> None:
    answer = served.nobody.post("/login", data={"token": READ}, headers={"Origin": ORIGIN}, follow_redirects=False)
    cookie = answer.headers["set-cookie"]
    assert READ not in cookie
    assert {"HttpOnly", "SameSite=strict", "Path=/"} <= set(cookie.split("; "))
    served.nobody.cookies.clear()


def test_a_run_is_queued_shown_and_changed_by_forms(served: Served, operator: TestClient) -> None:
    form = {"csrf": csrf(operator), "resource": "prayer", "city": "London\nLahore", "methods": "3", "year": "2036"}
    page = operator.post("/enqueue", data=form)
    assert page.status_code == 200
    assert "Queued." in page.text
    run = page.url.path.rpartition("/")[2]
    served.until_state(run, "succeeded")
    text = operator.get(f"/runs/{run}").text
    assert "web:ops" in text
    assert text.count('class="cell done"') == 1 + 4
    again = operator.post("/enqueue", data=form)
    assert "It succeeded today" in again.text
    refused = operator.post(f"/runs/{run}/pause", data={"csrf": csrf(operator)})
    assert refused.status_code == 409
    assert "cannot pause" in refused.text
    assert operator.get(f"/runs/{run}/cancel").status_code == 200
    assert operator.post(f"/runs/{run}/delete", data={"csrf": csrf(operator)}).url.path == "/"
    assert operator.get(f"/runs/{run}").status_code == 404


@pytest.mark.parametrize("path", ["/", "/?state=succeeded&resource=prayer", "/enqueue", "/coverage", "/fleet"])
def test_every_page_is_shown(operator: TestClient, path: str) -> None:
    answer = operator.get(path)
    assert answer.status_code == 200
    assert "<script>" not in answer.text
    assert "style=" not in answer.text
    assert answer.text.count('aria-current="page"') == 1


def test_what_cannot_be_is_told_beside_the_form_that_keeps_what_was_written(operator: TestClient) -> None:
    form = {"csrf": csrf(operator), "resource": "prayer", "city": '<b>"Lundon', "year": "soon"}
    answer = operator.post("/enqueue", data=form)
    assert (answer.status_code, "<b>" in answer.text) == (400, False)
    answer = operator.post("/enqueue", data={**form, "year": "2030"})
    assert (answer.status_code, "<b>" in answer.text) == (422, False)
    assert "&lt;b&gt;" in answer.text


@pytest.mark.parametrize(
    ("csrf_given", "origin", "status"),
    [(None, ORIGIN, 403), ("0" * 64, ORIGIN, 403), ("right", "http://elsewhere.example", 403), ("right", None, 403)],
    ids=["no token", "a wrong token", "a foreign page", "no origin"],
)
def test_a_form_of_somebody_else_changes_nothing(
    served: Served, operator: TestClient, csrf_given: str | None, origin: str | None, status: int
) -> None:
    known = csrf(operator)
    form = {**{name: str(value) for name, value in LONDON.items()}, "city": "London", "year": "2041"}
    if csrf_given is not None:
        form["csrf"] = known if csrf_given == "right" else csrf_given
    client = TestClient(operator.app, base_url=ORIGIN, raise_server_exceptions=False)
    client.portal = operator.portal
    client.cookies = operator.cookies
    headers = {} if origin is None else {"Origin": origin}
    assert client.post("/enqueue", data=form, headers=headers).status_code == status
    assert client.post("/api/runs", json={**LONDON, "year": 2041}, headers=headers).status_code == 403
    assert "2041" not in served.reader.get("/api/runs?limit=500").text


def test_a_reader_is_offered_no_change(served: Served) -> None:
    reader = visitor(served, READ)
    assert "/enqueue" not in reader.get("/").text
    assert reader.get("/enqueue").status_code == 403
    assert reader.post("/enqueue", data={"csrf": csrf(reader), "resource": "prayer"}).status_code == 403


def test_logging_out_ends_the_session_of_the_browser(served: Served) -> None:
    reader = visitor(served, READ)
    assert reader.post("/logout", data={"csrf": csrf(reader)}).url.path == "/login"
    assert reader.get("/", follow_redirects=False).status_code == 303


@pytest.mark.parametrize("path", ["/static/app.js", "/static/app.css", "/static/icon.svg"])
def test_the_files_of_the_page_are_served(served: Served, path: str) -> None:
    assert served.nobody.get(path).status_code == 200


@pytest.mark.parametrize("path", ["/static/", "/static/../pages.py", "/static/%2e%2e/pages.py", "/static/..%2fapp.py"])
def test_no_other_file_is_served(served: Served, path: str) -> None:
    assert served.nobody.get(path).status_code in (303, 404)


def test_of_a_pruned_run_the_list_and_the_page_say_so_and_when(served: Served, operator: TestClient) -> None:
    order = {**LONDON, "city": ["London", "Lahore", "Cairo"], "year": 2044}
    run = str(served.client.post("/api/runs", json=order).json()["run"])
    served.until_state(run, "succeeded")
    of_the_run = "run_seq = (SELECT seq FROM run WHERE id = :run)"

    def change(*statements: str) -> None:
        with served.backend.database.write() as transaction:
            for one in statements:
                transaction.execute(one, run=run)

    assert "runed" not in operator.get(f"/runs/{run}").text
    change(
        f"UPDATE sync_unit SET state = 'failed', message = 'not today' WHERE ordinal = 0 AND {of_the_run}",
        f"DELETE FROM sync_unit WHERE state = 'done' AND {of_the_run}",
        "UPDATE run SET state = 'partial', failed = 1, done = 2, pruned_at = 1764288000000 WHERE id = :run",
    )
    moment = "2025-11-28 00:00:00 UTC"
    text = operator.get(f"/runs/{run}").text
    assert f"Those that were done were pruned {moment}: they are counted, no longer listed." in text
    assert "not today" in text
    assert f"/runs/{run}/retry" in text
    change(f"DELETE FROM sync_unit WHERE {of_the_run}")
    text = operator.get(f"/runs/{run}").text
    assert f"Its units were pruned {moment}: they are counted, no longer listed." in text
    assert "Why units failed was pruned with them." in text
    assert "No unit failed" not in text
    assert f"/runs/{run}/retry" not in text
    assert f'units pruned <time datetime="2025-11-28T00:00:00Z">{moment}</time>' in operator.get("/").text
    for place in ("units", "errors"):
        told = served.reader.get(f"/api/runs/{run}/{place}").json()
        assert (told["units"], told["pruned_at"]) == ([], "2025-11-28T00:00:00Z")
    assert operator.post(f"/runs/{run}/delete", data={"csrf": csrf(operator)}).url.path == "/"


@pytest.mark.parametrize(("path", "html"), [("/nothing", True), ("/runs/a/b/c", True), ("/api/nothing", False)])
def test_a_browser_that_asks_for_no_such_page_is_told_in_one(operator: TestClient, path: str, html: bool) -> None:
    answer = operator.get(path, headers={"Accept": "text/html,*/*;q=0.8"})
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html" if html else "application/problem+json")
    assert operator.get(path).headers["content-type"] == "application/problem+json"


def test_commands_in_what_is_told_look_like_commands(operator: TestClient) -> None:
    text = operator.get("/runs/prayer-20200101-0000000000").text
    assert "<code>synctl status</code> lists the runs" in text
