"""Events as they happen: `/api/events` (server-sent events) and `/ws` (WebSocket), both resumable by the last id."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing, suppress
from typing import Final

from starlette.requests import HTTPConnection, Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket, WebSocketDisconnect

from synctl.web.access import Role
from synctl.web.guard import Guard
from synctl.web.hub import Dropped, Hub, Told
from synctl.web.problems import Refused, as_response

QUIET_S: Final = 15.0
"""After so long without an event a line says that the server lives: proxies cut what is silent for a minute."""
SEND_S: Final = 10.0
"""A client that takes nothing for so long is dropped."""
RETRY_MS: Final = 1000
"""When a browser's EventSource comes again."""
MOST_ID: Final = 2**53
TRY_AGAIN_LATER: Final = 1013


def routes(hub: Hub, guard: Guard) -> list[BaseRoute]:
    """Return both routes."""

    async def server_sent(request: Request) -> Response:
        guard.admit(request, Role.READ)
        if request.headers.get("origin") is not None:
            guard.require_own_origin(request, None)
        hub.require_room()
        return EventStream(hub, _after(request, request.headers.get("last-event-id")))

    async def socket(websocket: WebSocket) -> None:
        try:
            caller = guard.admit(websocket, Role.READ)
            guard.require_own_origin(websocket, caller)
            hub.require_room()
            after = _after(websocket, None)
        except Refused as error:
            await websocket.send_denial_response(as_response(error))
            return
        await websocket.accept()
        await _until_either_ends(_send(websocket, hub, after), _until_gone(websocket.receive))

    return [Route("/api/events", server_sent, methods=["GET"]), WebSocketRoute("/ws", socket)]


class EventStream(Response):
    """Server-sent events: ended where the client goes, or takes nothing for too long."""

    media_type = "text/event-stream"

    def __init__(self, hub: Hub, after: int | None) -> None:
        super().__init__(headers={"X-Accel-Buffering": "no"})
        del self.headers["content-length"]
        self._hub = hub
        self._after = after

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer with events until either end has enough."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            await _until_either_ends(self._write(send), _until_gone(receive))
        except asyncio.CancelledError:  # the server ends: uvicorn would log a traceback
            with suppress(TimeoutError):
                await _say(send, "", more=False)

    async def _write(self, send: Send) -> None:
        with suppress(Dropped, TimeoutError):
            await _say(send, f"retry: {RETRY_MS}\n\n", more=True)
            async with aclosing(_with_signs_of_life(self._hub, self._after)) as found:
                async for told in found:
                    await _say(send, _lines(told), more=True)
        with suppress(TimeoutError):
            await _say(send, "", more=False)


def _lines(told: Told | None) -> str:
    if told is None:
        return ": alive\n\n"
    identity = "" if told.id is None else f"id: {told.id}\n"
    return f"{identity}data: {told.text}\n\n"


async def _say(send: Send, text: str, *, more: bool) -> None:
    async with asyncio.timeout(SEND_S):
        await send({"type": "http.response.body", "body": text.encode(), "more_body": more})


async def _send(websocket: WebSocket, hub: Hub, after: int | None) -> None:
    try:
        async with aclosing(_with_signs_of_life(hub, after)) as found:
            async for told in found:
                if told is not None:
                    async with asyncio.timeout(SEND_S):
                        await websocket.send_text(told.text)
    except Dropped:
        with suppress(TimeoutError):
            async with asyncio.timeout(SEND_S):
                await websocket.close(TRY_AGAIN_LATER, "come again with the last id")
    except (TimeoutError, WebSocketDisconnect):
        pass  # it takes nothing any more


async def _until_gone(receive: Receive) -> None:
    """Read what the client says, which means nothing here, until it goes."""
    gone = ("websocket.disconnect", "http.disconnect")
    while (await receive())["type"] not in gone:
        pass


async def _until_either_ends(*parts: Coroutine[None, None, None]) -> None:
    tasks = [asyncio.ensure_future(part) for part in parts]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _after(connection: HTTPConnection, header: str | None) -> int | None:
    """Return the id after which a client goes on; the header, which a browser sends by itself, is the newer one."""
    given = connection.query_params.get("after") if header is None else header
    if given is None:
        return None
    if not (given.isascii() and given.isdecimal() and int(given) <= MOST_ID):
        raise Refused(400, "malformed", "`after` and Last-Event-ID are the id of an event")
    return int(given)


async def _with_signs_of_life(hub: Hub, after: int | None) -> AsyncGenerator[Told | None, None]:
    """Yield events, and None where there was none for a while."""
    following = hub.follow(after)
    upcoming: asyncio.Task[Told] | None = None
    try:
        while True:
            upcoming = upcoming or asyncio.ensure_future(anext(following))
            done, _ = await asyncio.wait({upcoming}, timeout=QUIET_S)
            if not done:
                yield None
                continue
            told, upcoming = upcoming.result(), None
            yield told
    finally:
        if upcoming is not None:
            upcoming.cancel()
            with suppress(asyncio.CancelledError, Dropped):
                await upcoming
        await following.aclose()
