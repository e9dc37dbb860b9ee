"""`/metrics`: what `synctl metrics` prints, for a scraper that sends a token. Changes nothing."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from synctl.engine.metrics import exposition, reading
from synctl.web.access import Role
from synctl.web.backend import Backend
from synctl.web.dispatch import Work
from synctl.web.guard import Guard

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"


def route(backend: Backend, guard: Guard, work: Work) -> Route:
    """Return the route."""

    async def metrics(request: Request) -> Response:
        guard.admit(request, Role.READ)
        text = await work.do(lambda: exposition.text(reading.read(backend.settings)))
        return Response(text, media_type=MEDIA_TYPE)

    return Route("/metrics", metrics, methods=["GET"])
