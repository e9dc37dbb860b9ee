"""The OpenAPI document, made of the operations: what is not declared is neither served nor documented."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any, Final

import msgspec

from synctl import __version__
from synctl.web.dispatch import SAFE
from synctl.web.operations import Operation
from synctl.web.problems import MEDIA_TYPE, Problem

_EVERY: Final = (400, 401, 403, 422, 429, 503)
"""Refusals that any operation may answer with."""
_WITH_BODY: Final = (408, 413, 415)
_MEANS: Final = {
    200: "Found or done; nothing is queued.",
    202: "Queued: what becomes of it, the run tells.",
    400: "Malformed parameters or JSON.",
    401: "No token, or a wrong one.",
    403: "The token's role does not suffice, or the origin is foreign.",
    404: "No such run or resource.",
    408: "The body did not come.",
    409: "The state of the run or of the database does not allow it.",
    413: "The body is too long.",
    415: "The body is no application/json.",
    422: "It asks for what cannot be.",
    429: "Too many wrong tokens.",
    503: "Redis or the database does not answer.",
}

_EVENTS: Final[dict[str, Any]] = {
    "operationId": "follow_events",
    "summary": "Follow events as they happen",
    "description": (
        "Server-sent events: `data` is an EventDocument, `id` its id. With `after`, or Last-Event-ID, every event after"
        " that one comes first. The WebSocket /ws?after=ID sends the same documents. Role: read."
    ),
    "parameters": [
        {"name": "after", "in": "query", "required": False, "schema": {"type": "integer", "minimum": 0}},
        {"name": "Last-Event-ID", "in": "header", "required": False, "schema": {"type": "integer", "minimum": 0}},
    ],
    "responses": {
        "200": {
            "description": "Events, without end.",
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
        },
        **{
            str(status): {
                "description": _MEANS[status],
                "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
            }
            for status in (400, 401, 403, 429, 503)
        },
    },
}


def document(operations: Iterable[Operation]) -> dict[str, Any]:
    """Return the document."""
    all_of_them = list(operations)
    types: set[type[msgspec.Struct]] = {Problem}
    for one in all_of_them:
        types |= {one.query, *one.answers.values(), *([one.body] if one.body else [])}
    ordered = sorted(types, key=lambda kind: kind.__name__)
    _, schemas = msgspec.json.schema_components(ordered, ref_template="#/components/schemas/{name}")
    queries = {one.query.__name__ for one in all_of_them}
    paths: dict[str, dict[str, Any]] = {}
    for one in all_of_them:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, schemas)
    paths["/api/events"] = {"get": _EVENTS}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "synctl",
            "version": __version__,
            "summary": "Follows and steers runs. The documents are those of the commands with --json.",
        },
        "security": [{"token": []}, {"session": []}],
        "paths": paths,
        "components": {
            "schemas": {name: schema for name, schema in schemas.items() if name not in queries},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": "synctl_session"},
            },
        },
    }


def _operation(one: Operation, schemas: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "operationId": one.name,
        "summary": one.summary,
        "description": f"{one.call.__doc__} Role: {one.role}.",
        "parameters": [*_path_parameters(one.path), *_query_parameters(schemas[one.query.__name__])],
        "responses": {},
    }
    for status, kind in one.answers.items():
        found["responses"][str(status)] = _answer(status, "application/json", kind)
    refusals = {*_EVERY, *one.problems, *(() if one.method in SAFE else _WITH_BODY)}
    for status in sorted(refusals):
        found["responses"][str(status)] = _answer(status, MEDIA_TYPE, Problem)
    if one.body is not None:
        found["requestBody"] = {
            "required": any(field.required for field in msgspec.structs.fields(one.body)),
            "content": {"application/json": {"schema": _reference(one.body)}},
        }
    return found


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(schema: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "query", "required": False, "schema": one}
        for name, one in schema.get("properties", {}).items()
    ]


def _answer(status: int, media_type: str, kind: type[msgspec.Struct]) -> dict[str, Any]:
    return {"description": _MEANS[status], "content": {media_type: {"schema": _reference(kind)}}}


def _reference(kind: type[msgspec.Struct]) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{kind.__name__}"}
