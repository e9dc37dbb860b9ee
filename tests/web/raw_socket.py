"""A WebSocket client that may break every rule: it sends what it is told to, masked or not, whole or cut."""

from __future__ import annotations

import os
import socket
import struct
from collections.abc import Iterable

from tests.web.server import Server

ANSWER_S = 10.0


def opened(server: Server, path: str = "/ws", *, receive_buffer: int | None = None) -> socket.socket:
    """Return a socket that has shaken hands."""
    made = dialled(server, receive_buffer=receive_buffer)
    made.sendall(handshake(server, path))
    answer = b""
    while b"\r\n\r\n" not in answer:
        answer += made.recv(1)
    assert answer.startswith(b"HTTP/1.1 101"), answer
    return made


def dialled(server: Server, *, receive_buffer: int | None = None) -> socket.socket:
    """Return a socket that has said nothing yet."""
    made = socket.socket()
    if receive_buffer is not None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    made.settimeout(ANSWER_S)
    made.connect(("127.0.0.1", server.port))
    return made


def handshake(server: Server, path: str = "/ws", extra: Iterable[bytes] = (), without: Iterable[bytes] = ()) -> bytes:
    """Return the request that opens a WebSocket, with lines added and lines (by their beginning) left out."""
    lines = [
        f"GET {path} HTTP/1.1".encode(),
        b"Host: 127.0.0.1",
        b"Upgrade: websocket",
        b"Connection: Upgrade",
        b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        b"Sec-WebSocket-Version: 13",
        f"Authorization: Bearer {server.tokens['read']}".encode(),
    ]
    kept = [line for line in lines if not line.startswith(tuple(without) or (b"\0",))]
    return b"\r\n".join([*kept, *extra, b"", b""])


def frame(opcode: int, payload: bytes, *, final: int = 1, reserved: int = 0, claims: int | None = None) -> bytes:
    """Return a masked frame. `claims`: the length that it says it has."""
    length = len(payload) if claims is None else claims
    head = bytes([final << 7 | reserved << 4 | opcode])
    if length < 126:
        head += bytes([0x80 | length])
    elif length < 2**16:
        head += b"\xfe" + struct.pack("!H", length)
    else:
        head += b"\xff" + struct.pack("!Q", length)
    mask = os.urandom(4)
    return head + mask + bytes(byte ^ mask[at % 4] for at, byte in enumerate(payload))


def until_closed(open_socket: socket.socket) -> bytes:
    """Return what the server says until it closes. Raises TimeoutError where it does not."""
    said = b""
    try:
        while piece := open_socket.recv(65_536):
            said += piece
    except ConnectionError:
        pass  # closed, what we sent being unread
    return said
