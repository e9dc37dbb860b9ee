"""Turns an operation into a route: lets the caller in, reads parameters and body, calls it in a thread, answers."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Annotated, Any, Final, TypeVar, get_args, get_origin

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from synctl.engine.connect import clear_errors
from synctl.web.backend import Backend
from synctl.web.guard import CSRF_HEADER, Guard
from synctl.web.operations import Call, Operation
from synctl.web.problems import Refused

THREADS: Final = 8
"""Requests that work at once. Each thread keeps a connection to the database."""
BODY_S: Final = 20.0
"""In which a body has to come: 64 KB do over any line."""
SAFE: Final = frozenset({"GET", "HEAD"})
JSON: Final = "application/json"

S = TypeVar("S", bound=msgspec.Struct)
T = TypeVar("T")


class Work:
    """Threads for what blocks. They last: a connection to the database belongs to one of them."""

    def __init__(self, backend: Backend) -> None:
        self._url = backend.redis_url
        self._pool = ThreadPoolExecutor(THREADS, thread_name_prefix="web")

    async def do(self, function: Callable[[], T]) -> T:
        """Run a function in a thread. What Redis says is told as everywhere."""

        def told() -> T:
            with clear_errors(self._url):
                return function()

        return await asyncio.get_running_loop().run_in_executor(self._pool, told)

    def close(self) -> None:
        """Let the threads end."""
        self._pool.shutdown(wait=False, cancel_futures=True)


def route(operation: Operation, backend: Backend, guard: Guard, work: Work) -> Route:
    """Return the route of an operation."""

    async def answer(request: Request) -> Response:
        caller = guard.admit(request, operation.role)
        if operation.method not in SAFE:
            guard.require_own_origin(request, caller)
            guard.require_csrf(caller, request.headers.get(CSRF_HEADER))
        call = Call(
            backend=backend,
            actor=caller.actor,
            path=request.path_params,
            query=read_query(operation.query, request),
            body=None if operation.body is None else await _read_body(operation.body, request),
        )
        found = await work.do(lambda: operation.call(call))
        return Response(msgspec.json.encode(found.document), found.status, dict(found.headers), JSON)

    return Route(operation.path, answer, methods=[operation.method], name=operation.name)


def read_query(wanted: type[msgspec.Struct], request: Request) -> Any:
    """Return the parameters of a URL. Raises Refused for one that is unknown, twice there, or no such value."""
    lists = {one.encode_name for one in msgspec.structs.fields(wanted) if _is_list(one.type)}
    given: dict[str, Any] = {}
    for name, value in request.query_params.multi_items():
        if name in lists:
            given.setdefault(name, []).append(value)
        elif name in given:
            raise Refused(400, "malformed", f"the parameter {name!r} is there twice")
        else:
            given[name] = value
    return decoded(wanted, given)


def decoded(wanted: type[S], given: Mapping[str, object]) -> S:
    """Return what was written as text, each value of its type. Raises Refused."""
    try:
        return msgspec.convert(given, wanted, strict=False)
    except msgspec.ValidationError as error:
        raise Refused(400, "malformed", f"parameters: {error}") from error


async def body_of(request: Request) -> bytes:
    """Return the body. Raises Refused where it is cut off, too slow or too long."""
    try:
        async with asyncio.timeout(BODY_S):
            return await request.body()
    except ClientDisconnect as error:
        raise Refused(400, "malformed", "the body was cut off") from error
    except TimeoutError as error:
        raise Refused(408, "too-slow", "the body did not come", headers={"Connection": "close"}) from error


async def _read_body(wanted: type[msgspec.Struct], request: Request) -> Any:
    raw = await body_of(request)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if raw and kind != JSON:
        raise Refused(415, "unsupported-media-type", f"send the body as {JSON}")
    try:
        return msgspec.json.decode(raw or b"{}", type=wanted)
    except msgspec.ValidationError as error:
        raise Refused(422, "usage", f"the body: {error}") from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Refused(400, "malformed", f"the body is no JSON: {error}") from error


def _is_list(kind: Any) -> bool:
    if get_origin(kind) is Annotated:
        return _is_list(get_args(kind)[0])
    return get_origin(kind) is list
