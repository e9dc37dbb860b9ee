"""What all requests pass: security headers, a limit of the body, and a line in the log for what is refused."""

from __future__ import annotations

import logging
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from synctl.redact import redacted
from synctl.web.guard import Tally
from synctl.web.problems import Refused, as_response

MOST_BYTES: Final = 64 * 1024
"""Of a body: the largest order that makes sense, a thousand cities by name, has a third of that."""
POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self';"
    " form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",  # with no-referrer browsers send `Origin: null` with a form
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}


MOST_TOLD: Final = 100
"""Refusals of one address that are logged within a minute: a flood must not drive all else out of the log."""

log = logging.getLogger("synctl.web")


class SecurityHeaders:
    """Adds the headers to every answer, errors included; what an answer says itself stands."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                for name, value in _HEADERS.items():
                    headers.setdefault(name, value)
            await send(message)

        await self._app(scope, receive, with_headers if scope["type"] == "http" else send)


class RefusalLog:
    """Logs each refusal: who asked, from where, what was answered. Not the query: it is the caller's."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._tally = Tally()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""

        async def watched(message: Message) -> None:
            if message["type"].endswith("http.response.start") and 400 <= message["status"] < 500:
                self._tell(scope, message["status"])
            await send(message)

        await self._app(scope, receive, watched if scope["type"] != "lifespan" else send)

    def _tell(self, scope: Scope, status: int) -> None:
        address = (scope.get("client") or "?")[0]
        count = self._tally.add(address)
        if count <= MOST_TOLD:
            asked = f"{scope.get('method', 'WebSocket')} {redacted(scope['path'])!r:.200}"
            log.info("refused %s of %s: %d", asked, address, status)
        if count == MOST_TOLD:
            log.warning("more refusals of %s within this minute are not told", address)


class Limits:
    """Refuses a path that hides what it means, and a body too long: one that says so, and one that turns out to be."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, its body counted."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        # A pattern of a route ends before a line's end, too; an encoded slash is a slash to routes, but not to a proxy.
        if not scope["path"].isprintable() or b"%2f" in scope.get("raw_path", b"").lower():
            await as_response(HTTPException(404))(scope, receive, send)
            return
        said = Headers(scope=scope).get("content-length", "0")
        if not said.isdecimal() or int(said) > MOST_BYTES:
            await as_response(_too_large())(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > MOST_BYTES:
                raise _too_large()
            return message

        await self._app(scope, counted, send)


def _too_large() -> Refused:
    # The rest of the body stays unread, so the connection cannot be used again.
    return Refused(413, "too-large", f"a body has at most {MOST_BYTES} bytes", headers={"Connection": "close"})
