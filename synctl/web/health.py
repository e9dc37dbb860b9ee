"""Whether the server lives, and whether what it needs answers: for who has no token. Changes nothing."""

from __future__ import annotations

import logging

from redis.exceptions import RedisError
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from synctl.errors import SynctlError
from synctl.redact import redacted
from synctl.store import migrate
from synctl.web.backend import Backend
from synctl.web.dispatch import Work

log = logging.getLogger("synctl.web")


def routes(backend: Backend, work: Work) -> list[Route]:
    """Return `/healthz` and `/readyz`."""

    async def alive(_: Request) -> Response:
        return PlainTextResponse("ok\n")

    async def ready(_: Request) -> Response:
        found = {"database": await work.do(lambda: _database(backend)), "redis": await work.do(lambda: _redis(backend))}
        return JSONResponse({"ready": all(found.values()), **found}, 200 if all(found.values()) else 503)

    return [Route("/healthz", alive, methods=["GET"]), Route("/readyz", ready, methods=["GET"])]


def _database(backend: Backend) -> bool:
    try:
        return migrate.current(backend.database) == migrate.HEAD
    except SynctlError as error:
        log.warning("not ready: %s", redacted(str(error)))
        return False


def _redis(backend: Backend) -> bool:
    try:
        return bool(backend.client.ping())
    except RedisError as error:
        log.warning("not ready: Redis: %s", redacted(str(error)))
        return False
