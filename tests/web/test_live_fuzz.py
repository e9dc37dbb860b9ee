"""Nonsense on the live connections: no 500, no traceback in the log, and everybody else is served meanwhile."""

from __future__ import annotations

import re
import socket
import struct
from collections.abc import Iterator
from contextlib import closing, suppress

import httpx
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as some

from tests.web.raw_socket import dialled, frame, handshake, opened, until_closed
from tests.web.server import Server

settings.register_profile(
    "live",
    deadline=None,
    derandomize=True,
    database=None,
    phases=(Phase.explicit, Phase.generate),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
ALIKE = settings.get_profile("live")
"""The same examples each time; a server is no function, so a smaller example of a failure says little."""
EXAMPLES = pytest.mark.parametrize("examples", [15, pytest.param(200, marks=pytest.mark.slow)])
frames = some.builds(
    frame,
    some.integers(0, 15),
    some.binary(max_size=300) | some.text(max_size=80).map(str.encode),
    final=some.integers(0, 1),
    reserved=some.sampled_from((0, 0, 0, 1, 4)),
    claims=some.none() | some.integers(0, 2**63),
)


@pytest.fixture(autouse=True)
def unharmed(server: Server) -> Iterator[None]:
    """After each test the server answers, and its log has no bug and no secret."""
    yield
    assert server.answers()
    log = (server.home.path / "logs" / "synctl.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert not any(secret in log for secret in server.tokens.values())


@EXAMPLES
def test_any_frames_are_borne(server: Server, examples: int) -> None:
    @settings(ALIKE, max_examples=examples)
    @given(some.lists(frames | some.binary(max_size=200), min_size=1, max_size=6))
    def borne(said: list[bytes]) -> None:
        with closing(opened(server)) as client:
            with suppress(OSError):  # it has closed before all was said
                for piece in said:
                    client.sendall(piece)
                client.shutdown(socket.SHUT_WR)
            until_closed(client)

    borne()


@pytest.mark.parametrize(
    "said",
    [
        frame(1, b"\xff\xfe"),
        frame(1, b"\xc3", final=0) + frame(0, b"\x28"),
        frame(1, b"x" * 5000),
        frame(1, b"x" * 3000, final=0) + frame(0, b"x" * 3000),
        frame(2, b"", claims=2**63 - 1),
        frame(8, b"\x03"),
        frame(8, struct.pack("!H", 1005)),
        frame(8, struct.pack("!H", 1000) + b"\xff"),
        frame(9, b"x" * 126),
        frame(3, b""),
        frame(1, b"x", reserved=4),
        frame(0, b"continued from nothing"),
        b"\x81\x05hello",
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    ],
    ids=[
        "text that is no UTF-8", "text cut within a letter", "too long", "too long in pieces", "2^63 bytes long",
        "half a code of closing", "a code that is never sent", "a reason that is no UTF-8", "a long ping",
        "an unknown opcode", "compressed", "continued from nothing", "not masked", "HTTP again",
    ],
)  # fmt: skip
def test_a_frame_against_the_rules_ends_its_connection(server: Server, said: bytes) -> None:
    with closing(opened(server)) as client:
        client.sendall(said)
        until_closed(client)


@pytest.mark.parametrize("pieces", [[frame(1, b"\xff")], [frame(1, b"\xc3", final=0), frame(0, b"\x28")]])
def test_text_that_is_none_is_answered_by_the_code_for_it(server: Server, pieces: list[bytes]) -> None:
    with closing(opened(server)) as client:
        client.sendall(b"".join([*pieces, *pieces]))
        assert until_closed(client).startswith(b"\x88\x02\x03\xef")  # a close frame: 1007


@pytest.mark.parametrize(
    ("extra", "without", "status"),
    [
        ((), (b"Sec-WebSocket-Key",), 400),
        ((b"Sec-WebSocket-Key: short",), (b"Sec-WebSocket-Key",), 400),
        ((b"Sec-WebSocket-Version: 99",), (b"Sec-WebSocket-Version",), 400),
        ((b"Sec-WebSocket-Protocol: graphql-ws, soap",), (), 101),
        ((b"Sec-WebSocket-Protocol: graphql-ws, \xff",), (), 400),
        ((b"Sec-WebSocket-Protocol: " + b"a," * 2000,), (), 101),
        ((b"Sec-WebSocket-Protocol: a b c;,,",), (), 400),
        ((b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=99",), (), 101),
        ((b"Sec-WebSocket-Extensions: @@@",), (), 101),
        ((b"Sec-WebSocket-Extensions: \x7f",), (), 400),
        ((b"Origin: \xff",), (), 403),
        ((b"Authorization: Bearer \xff",), (b"Authorization",), 401),
        ((b"Cookie: synctl_session=\xff\xfe",), (b"Authorization",), 401),
        ((b"Content-Length: 10", b"", b"0123456789"), (), 400),
        ((b"X-Long: " + b"x" * 20_000,), (), 431),
        (tuple(b"X-%d: a" % number for number in range(300)), (), 431),
    ],
    ids=lambda value: repr(value)[:40],
)
def test_an_odd_handshake_is_refused_or_served_and_never_fails(
    server: Server, extra: tuple[bytes, ...], without: tuple[bytes, ...], status: int
) -> None:
    with closing(dialled(server)) as client:
        with suppress(ConnectionError):
            client.sendall(handshake(server, extra=extra, without=without))
        head = client.recv(200)
        found = re.match(rb"HTTP/1.1 (\d{3}) ", head)
        assert found is not None, head
        assert int(found[1]) in (status, *((429,) if status == 401 else ())), head
        assert b"sec-websocket-protocol" not in head.lower()


@EXAMPLES
def test_any_last_id_is_an_id_or_refused(server: Server, examples: int) -> None:
    @settings(ALIKE, max_examples=examples)
    @given(some.text(max_size=30) | some.integers(-(2**70), 2**70).map(str) | some.floats().map(str), some.booleans())
    def answered(after: str, by_header: bool) -> None:
        headers, parameters = server.headers(), {}
        if by_header:
            headers["Last-Event-ID"] = re.sub(r"[\x00-\x1f\x7f]|[^\x00-\xff]", "?", after).strip()
            said = headers["Last-Event-ID"]
        else:
            parameters, said = {"after": after}, after
        raw = {name.encode(): value.encode("latin-1") for name, value in headers.items()}
        with httpx.stream("GET", f"{server.url}/api/events", params=parameters, headers=raw) as answer:
            good = said.isascii() and said.isdecimal() and int(said) <= 2**53
            assert answer.status_code == (200 if good else 400)

    answered()


def test_sockets_that_are_half_open_or_torn_off_cost_nobody_else(server: Server) -> None:
    request = handshake(server)
    half = []
    for cut in range(0, len(request), 5):
        one = dialled(server)
        one.sendall(request[:cut])
        half.append(one)
    assert server.answers()
    for one in half[::2]:
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # ends with a reset
    for one in half:
        one.close()
    for _ in range(20):
        torn = opened(server, "/ws?after=0")
        torn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        torn.close()
