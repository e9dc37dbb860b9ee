"""The form that queues a run: what is left empty is the default."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute

from synctl.engine import registry
from synctl.errors import SynctlError
from synctl.web import runs as api
from synctl.web.access import Role
from synctl.web.asked import NewRun
from synctl.web.backend import Backend
from synctl.web.dispatch import Work, decoded
from synctl.web.doors import Visit, door
from synctl.web.guard import Guard
from synctl.web.operations import Call, Nothing
from synctl.web.problems import Refused, problem_of
from synctl.web.render import page

_WORDS: Final = ("country", "edition", "collection")
_LINES: Final = ("city",)
_FIELDS: Final = (
    "resource", "cities", *_LINES, *_WORDS, "methods", "madhab", "year", "from", "to", "source", "if_stale", "force",
    "reason",
)  # fmt: skip


def order_routes(backend: Backend, guard: Guard, work: Work) -> list[BaseRoute]:
    """Return the form, and what it sends."""

    async def form(visit: Visit) -> Response:
        return await shown(visit, {"resource": "prayer"}, None)

    async def enqueue(visit: Visit) -> Response:
        try:
            order = decoded(NewRun, _order(visit.form))
            call = Call(backend, visit.caller.actor, {}, Nothing(), order)
            document: Any = (await work.do(lambda: api.enqueue(call))).document
        except (Refused, SynctlError) as error:
            return await shown(visit, visit.form, error)
        return RedirectResponse(f"/runs/{document['run']}?note={document['why']}", 303)

    async def shown(visit: Visit, given: Mapping[str, str], error: Exception | None) -> Response:
        problem = None if error is None else problem_of(error)[0]
        return page(
            "enqueue.html", problem.status if problem else 200, visitor=visit.visitor, here="/enqueue", problem=problem,
            given={name: given.get(name, "") for name in _FIELDS},
            prerequisites=await work.do(lambda: _prerequisites(backend)),
        )  # fmt: skip

    return [
        door("/enqueue", form, guard, role=Role.OPERATE),
        door("/enqueue", enqueue, guard, role=Role.OPERATE, method="POST"),
    ]


def _order(form: Mapping[str, str]) -> dict[str, object]:
    """Return the fields that are filled in, as the API takes them."""
    found: dict[str, object] = {}
    for name in _FIELDS:
        text = form.get(name, "").strip()
        if text and name in _LINES:
            found[name] = [line.strip() for line in text.splitlines() if line.strip()]
        elif text and name in _WORDS:
            found[name] = re.split(r"[\s,]+", text)
        elif text:
            found[name] = text
    return found


def _prerequisites(backend: Backend) -> dict[str, Sequence[tuple[str, str]]]:
    """Return what each resource lacks, with what mends it."""
    return {
        name: [(lack.what, lack.mend) for lack in registry.load(name).prerequisites(backend.database, backend.settings)]
        for name in registry.names()
    }
