"""The application: every route, and what all of them pass."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from typing import Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route

from synctl.errors import SynctlError
from synctl.web import doors, fleet, health, live, metrics, openapi, pages, runs, stored
from synctl.web.access import Keyring, Role
from synctl.web.backend import Backend
from synctl.web.dispatch import Work, route
from synctl.web.guard import Guard
from synctl.web.hub import Hub
from synctl.web.problems import Refused, as_response, problem_of
from synctl.web.render import page
from synctl.web.shields import Limits, RefusalLog, SecurityHeaders

OPERATIONS: Final = (*runs.OPERATIONS, *stored.OPERATIONS, *fleet.OPERATIONS)


def make_app(backend: Backend, keyring: Keyring, origins: Collection[str]) -> Starlette:
    """Return the application. `origins`: those of the pages that may use it, as browsers write them."""
    guard, work = Guard(keyring, origins), Work(backend)
    hub = Hub(backend, work)

    async def described(request: Request) -> Response:
        guard.admit(request, Role.READ)
        return JSONResponse(openapi.document(OPERATIONS))

    @asynccontextmanager
    async def living(_: Starlette) -> AsyncIterator[None]:
        polling = asyncio.create_task(hub.run())
        try:
            yield
        finally:
            polling.cancel()
            with suppress(asyncio.CancelledError):
                await polling
            work.close()

    app = Starlette(
        routes=[
            *health.routes(backend, work),
            metrics.route(backend, guard, work),
            *live.routes(hub, guard),
            *doors.routes(guard),
            *pages.routes(backend, guard, work),
            *(route(operation, backend, guard, work) for operation in OPERATIONS),
            Route("/api/openapi.json", described, methods=["GET"]),
        ],
        middleware=[Middleware(SecurityHeaders), Middleware(RefusalLog), Middleware(Limits)],
        exception_handlers=dict.fromkeys((Refused, SynctlError, HTTPException, Exception), _told),
        lifespan=living,
    )
    app.router.redirect_slashes = False  # what is asked for under another path is not there
    return app


async def _told(request: Request, error: Exception) -> Response:
    if isinstance(error, HTTPException) and error.status_code == 404 and _browses(request):
        problem, _ = problem_of(Refused(404, "not-found", "there is no such page"))
        return page("problem.html", problem.status, visitor=None, here="", problem=problem)
    if isinstance(error, HTTPException) and error.status_code == 405:
        return as_response(HTTPException(405, headers={"Allow": ", ".join(sorted(_methods(request)))}))
    return as_response(error)


def _browses(request: Request) -> bool:
    """Whether somebody looks for a page: programs ask below /api, or for no HTML."""
    return "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/api/")


def _methods(request: Request) -> set[str]:
    """Return what may be asked of a path: each method has a route of its own, which knows of no other."""
    routes = [one for one in request.app.routes if isinstance(one, Route)]
    return {method for one in routes if one.matches(request.scope)[0] is not Match.NONE for method in one.methods or ()}
