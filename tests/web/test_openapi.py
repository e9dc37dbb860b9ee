"""The OpenAPI document says what is served, and what is served is what it says."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route

from synctl.web import documents, openapi
from synctl.web.app import OPERATIONS
from synctl.web.operations import Operation
from tests.web.conftest import Served


def test_every_route_of_the_api_is_documented(served: Served) -> None:
    served_routes = {
        (method, route.path)
        for route in served.nobody.app.routes  # type: ignore[attr-defined]
        if isinstance(route, Route) and route.path.startswith("/api/")
        for method in (route.methods or set()) - {"HEAD"}
    } - {("GET", "/api/openapi.json")}
    document = served.reader.get("/api/openapi.json").json()
    assert {(m.upper(), path) for path, methods in document["paths"].items() for m in methods} == served_routes


def test_the_document_is_a_valid_one(served: Served) -> None:
    answer = served.reader.get("/api/openapi.json")
    OpenAPIV31SpecValidator(answer.json()).validate()
    assert answer.json() == openapi.document(OPERATIONS)


def test_every_reference_leads_somewhere() -> None:
    document = openapi.document(OPERATIONS)

    def references(node: Any) -> Any:
        if isinstance(node, dict):
            yield from [node["$ref"]] if "$ref" in node else []
            for value in node.values():
                yield from references(value)
        elif isinstance(node, list):
            for value in node:
                yield from references(value)

    known = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert set(references(document)) <= known
    identities = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(set(identities)) == len(identities)


@pytest.mark.parametrize("operation", [one for one in OPERATIONS if one.method == "GET"], ids=lambda one: one.name)
def test_what_is_answered_is_what_is_documented(served: Served, operation: Operation) -> None:
    """Strictly: no field more, none less, each of its type."""
    run = served.client.post("/api/runs", json={"resource": "prayer", "city": ["London"], "methods": "3"}).json()["run"]
    answer = served.reader.get(operation.path.format(run=run, resource="prayer"))
    assert answer.status_code == 200
    msgspec.json.decode(answer.content, type=operation.answers[200], strict=True)


def test_what_changes_answer_is_documented(served: Served) -> None:
    order = {"resource": "prayer", "city": ["Lahore"], "methods": "3", "year": 2033}
    queued = served.client.post("/api/runs", json=order)
    path = f"/api/runs/{msgspec.json.decode(queued.content, type=documents.Queued).run}"
    msgspec.json.decode(served.client.post(f"{path}/retry").content, type=documents.Retried)
    served.until_state(path.rpartition("/")[2], "succeeded")
    msgspec.json.decode(served.client.delete(path).content, type=documents.Deleted)
