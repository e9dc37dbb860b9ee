"""HTTP and WebSocket as uvicorn speaks them, with an end to what it would wait for without end, or tell as a bug.

What is used of uvicorn is no public interface: tests/web/test_protocols.py fails where a release has changed it.
"""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol

HEAD_S: Final = 10.0
"""A connection on which no request has come for so long is closed: open sockets are limited."""
INVALID_TEXT: Final = 1007
_BAD_REQUEST: Final = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"


class Http(H11Protocol):
    """Closes a connection that says nothing, or only half of a request's head."""

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin, and look again after a while."""
        super().connection_made(transport)
        self.loop.call_later(HEAD_S, self._close_if_nothing_came)

    def _close_if_nothing_came(self) -> None:
        handed_on = self.transport.get_protocol() is not self
        if self.scope is None and not handed_on:
            self.transport.close()


class Sockets(WebSocketsSansIOProtocol):
    """Answers a handshake that cannot be read, and ends a connection whose text is none without calling it a bug."""

    def data_received(self, data: bytes) -> None:
        """Take what came. uvicorn leaves a head that it cannot read without an answer, the connection open."""
        super().data_received(data)
        if self.conn.handshake_exc is not None and not self.handshake_initiated:
            self.transport.write(b"".join(self.conn.data_to_send()) or _BAD_REQUEST)
            self.transport.close()

    async def send(self, message: Any) -> None:
        """Say what the application says. uvicorn logs an error where that is a refusal, as of a broken application."""
        await super().send(message)
        if message["type"] == "websocket.http.response.body" and not message.get("more_body", False):
            self.handshake_complete = True

    def send_receive_event_to_app(self) -> None:
        """Pass a message on. uvicorn logs a traceback where the text is no UTF-8."""
        if self.curr_msg_data_type == "text" and not _is_text(b"".join(self.frames)):
            self.frames = []
            if not self.close_sent:
                self.conn.fail(INVALID_TEXT)
                self.handle_parser_exception()
            return
        super().send_receive_event_to_app()


def _is_text(message: bytes) -> bool:
    try:
        message.decode()
    except UnicodeDecodeError:
        return False
    return True
