"""The sockets of an HTTP client, so that a thread which waits for an answer can be woken from another.

Closing the client does not do that: a read that waits on a closed socket goes on waiting. Shutting the
socket does.
"""

from __future__ import annotations

import socket
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping


class OpenSockets:
    """Fed by whoever connects; for httpx's own transport through `trace`, an extension of httpcore.

    That is the one public way to its sockets before an answer has begun.
    """

    def __init__(self) -> None:
        self._open: weakref.WeakSet[socket.socket] = weakref.WeakSet()
        self._guard = threading.Lock()
        self._shut = False

    def trace(self, event: str, info: Mapping[str, Any]) -> None:
        """Note each new connection. Called at every step of a request."""
        if event.endswith(("connect_tcp.complete", "start_tls.complete")):
            with suppress(ConnectionAbortedError):  # it will find its connection shut
                self.add(info["return_value"].get_extra_info("socket"))

    def add(self, connection: socket.socket) -> None:
        """Note a connection, or one that is about to be. Raises ConnectionAbortedError once they are all shut."""
        with self._guard:
            self._open.add(connection)
        if self._shut:
            self.shut()
            raise ConnectionAbortedError("the client was closed")

    def shut(self) -> None:
        """Shut every connection, and each that is still to come."""
        self._shut = True
        with self._guard:
            for connection in self._open:
                with suppress(OSError):  # it was closed already
                    # Below TLS, whose own farewell would wait for the other side.
                    socket.socket.shutdown(connection, socket.SHUT_RDWR)
