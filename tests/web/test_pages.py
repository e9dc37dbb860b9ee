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
