"""Our own transport on the wire: what it sends, which answers it takes for whole, which connections it uses again."""

from __future__ import annotations

import json
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager, suppress
from itertools import takewhile

import httpx
import pytest

from synctl.errors import UnitError
from synctl.sources.http import Interrupted
from synctl.sources.sockets import OpenSockets
from synctl.sources.transport import Transport, transport_named, trust
from tests.helpers import until
from tests.servers import Certificates, certificates
from tests.sources.conftest import OpenFetcher
from tests.upstream.server import NO_LINGER, LoopbackServer, Reply

OK = b"HTTP/1.1 200 OK\r\n"
SHORT = OK + b"Content-Length: 2\r\n\r\nok"
CHUNKED = OK + b"Transfer-Encoding: chunked\r\n\r\n"
SILENCE = b""


class Server:
    """Gives each request the next of its answers, the last one for ever, byte for byte."""

    def __init__(self, *answers: bytes, ends: bool = False, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None):
        """`ends`: close after each answer, whatever it said."""
        self.left, self.ends, self.tls = list(answers), ends, tls
        self.asked: list[bytes] = []
        self.opened: list[socket.socket] = []
        self.closed = 0
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener = socket.create_server((host, 0), family=family)
        self.port = self._listener.getsockname()[1]
        self.url = f"http{'s' if tls else ''}://{f'[{host}]' if ':' in host else host}:{self.port}"
        self._serving: list[threading.Thread] = []
        self._accepting = threading.Thread(target=self._accept)
        self._accepting.start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._accepting.join()
        self._listener.close()
        for connection in self.opened:
            with suppress(OSError):  # it was closed already
                socket.socket.shutdown(connection, socket.SHUT_RDWR)
        for thread in self._serving:
            thread.join()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection = self._listener.accept()[0]
                self.opened.append(connection)
                self._serving.append(threading.Thread(target=self._serve, args=(connection,)))
                self._serving[-1].start()

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError), connection:
            if self.tls:
                self.opened.remove(connection)
                connection = self.tls.wrap_socket(connection, server_side=True)
                self.opened.append(connection)
            with connection, connection.makefile("rb") as lines:
                while question := b"".join(takewhile(lambda line: line != b"\r\n", lines)):
                    self.asked.append(question)
                    connection.sendall(self.left.pop(0) if len(self.left) > 1 else self.left[0])
                    if self.ends:
                        break
        self.closed += 1


Serve = Callable[..., Server]


@pytest.fixture
def serve() -> Iterator[Serve]:
    with ExitStack() as stack:

        def start(*answers: bytes, **options: object) -> Server:
            server = Server(*answers, **options)  # type: ignore[arg-type]  # a test names what it means
            stack.callback(server.close)
            return server

        yield start


@pytest.fixture
def sockets() -> OpenSockets:
    return OpenSockets()


@pytest.fixture
def client(sockets: OpenSockets) -> Iterator[httpx.Client]:
    with httpx.Client(transport=Transport(trust(), sockets), timeout=5.0) as client:
        yield client


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return certificates(tmp_path_factory.mktemp("tls"))


@contextmanager
def full_listener() -> Iterator[int]:
    """Give a port that answers no more, as one behind a firewall: its queue is full."""
    with ExitStack() as stack:
        listener = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        with suppress(TimeoutError):
            while True:
                waiting = stack.enter_context(socket.socket())
                waiting.settimeout(0.1)
                waiting.connect(listener.getsockname())
        yield listener.getsockname()[1]


def as_server(tls: Certificates, name: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(tls.file(f"{name}.pem"), tls.file(f"{name}.key"))
    return context


def test_it_sends_what_it_is_given_and_nothing_else(client: httpx.Client, serve: Serve) -> None:
    server = serve(SHORT)
    headers = [(b"Host", b"name"), (b"X-Odd", b"\xe9 \xff\t;"), (b"X-Odd", b"again")]
    request = httpx.Request("GET", f"{server.url}/a%20b/\u00e9?c=%2F&d", headers=headers)
    assert client.send(request).text == "ok"
    assert server.asked == [
        b"GET /a%20b/%C3%A9?c=%2F&d HTTP/1.1\r\nHost: name\r\nX-Odd: \xe9 \xff\t;\r\nX-Odd: again\r\n"
    ]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (b"X", b"a\r\nY: b"),
        (b"X", b"a\nY: b"),
        (b"X", b"a\rb"),
        (b"X: a\r\nY", b"b"),
        (b"X:Y", b"b"),
        (b"", b"b"),
    ],
)
def test_no_header_can_be_smuggled_in(client: httpx.Client, serve: Serve, name: bytes, value: bytes) -> None:
    server = serve(SHORT)
    with pytest.raises(httpx.LocalProtocolError, match="Invalid header"):
        client.get(server.url, headers=[(name, value)])
    assert server.opened == []


def test_what_it_cannot_send_is_said(client: httpx.Client) -> None:
    with pytest.raises(httpx.LocalProtocolError, match="only GET"):
        client.post("http://127.0.0.1:9/", content=b"x")
    with pytest.raises(httpx.LocalProtocolError, match="only GET"):
        client.request("GET", "http://127.0.0.1:9/", content=b"x")
    with pytest.raises(httpx.UnsupportedProtocol, match="gopher"):
        client.get("gopher://127.0.0.1:9/")
    with pytest.raises(httpx.LocalProtocolError, match="label"):
        client.get(f"http://{'a' * 64}.example/")


@pytest.mark.parametrize(
    ("answer", "status", "body", "kept"),
    [
        (SHORT, 200, b"ok", True),
        (OK + b"Content-Length: 0\r\n\r\n", 200, b"", True),
        (OK + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\nok", 200, b"ok", True),
        (OK + b"content-length:2\r\nConnection: keep-alive, Close\r\n\r\nok", 200, b"ok", False),
        (b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok", 200, b"ok", False),
        (CHUNKED + b"1\r\no\r\n1;x=y\r\nk\r\n0\r\nTrailer: x\r\n\r\n", 200, b"ok", True),
        (CHUNKED + b"0\r\n\r\n", 200, b"", True),
        (OK + b"Content-Length: 9\r\nTransfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", 200, b"ok", True),
        (b"HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\nETag: x\r\n\r\n", 304, b"", True),
        (b"HTTP/1.1 204 No Content\r\n\r\n", 204, b"", True),
        (b"HTTP/1.1 100 Continue\r\n\r\n" + SHORT, 200, b"ok", True),
        (b"HTTP/1.1 599 \r\nContent-Length: 2\r\n\r\nno", 599, b"no", True),
    ],
    ids=str,
)
def test_a_whole_answer_is_read_and_its_connection_kept_if_it_can_be(
    client: httpx.Client, serve: Serve, answer: bytes, status: int, body: bytes, kept: bool
) -> None:
    server = serve(answer)
    for _ in range(3):
        response = client.get(server.url)
        assert (response.status_code, response.content) == (status, body)
    assert len(server.opened) == (1 if kept else 3)


def test_a_body_without_a_length_ends_with_its_connection(client: httpx.Client, serve: Serve) -> None:
    server = serve(OK + b"\r\n" + b"x" * 100_000, ends=True)
    assert client.get(server.url).content == b"x" * 100_000


def test_headers_are_given_as_they_came(client: httpx.Client, serve: Serve) -> None:
    server = serve(OK + b"Content-Length: 2\r\nX-Odd:  a:b \xff\r\nEmpty:\r\nSet-It: 1\r\nset-it: 2\r\n\r\nok")
    response = client.get(server.url)
    assert response.headers.raw[1:] == [
        (b"X-Odd", b"a:b \xff"),
        (b"Empty", b""),
        (b"Set-It", b"1"),
        (b"set-it", b"2"),
    ]
    assert (response.reason_phrase, response.http_version) == ("OK", "HTTP/1.1")


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (b"", "Remote end closed connection without response"),
        (b"<html>\r\n", "<html>"),
        (b"HTTP/2 200 OK\r\n\r\n", "HTTP/2"),
        (b"HTTP/1.1 20 OK\r\n\r\n", "HTTP/1.1 20 OK"),
        (b"HTTP/1.1 103 Early Hints\r\nLink: <x>\r\n\r\n" + SHORT, "interim answer, 103 Early Hints"),
        (b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", "interim answer, 101"),
        (OK + b"no colon\r\nContent-Length: 2\r\n\r\nok", "a line of its head is no header"),
        (OK + b"X: " + b"a" * 70_000, "header line"),
        (OK + b"X: a\r\n" * 200 + b"\r\n", "more than 100 headers"),
        (OK + b"Content-Length: -1\r\n\r\n", "unclear Content-Length"),
        (OK + b"Content-Length: +2\r\n\r\nok", "unclear Content-Length"),
        (OK + b"Content-Length: 2, 2\r\n\r\nok", "unclear Content-Length"),
        (OK + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\nok", "unclear Content-Length"),
        (OK + b"Content-Length: " + b"9" * 5000 + b"\r\n\r\nok", "unclear Content-Length"),
        (OK + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", "unknown Transfer-Encoding"),
        (OK + b"Content-Length: 20000\r\n\r\n" + b"x" * 19_999, r"without sending complete .*\(1 bytes are missing"),
        (CHUNKED, "without sending complete message body .incomplete chunked read"),
        (CHUNKED + b"5\r\nab", "incomplete chunked read"),
        (CHUNKED + b"2\r\nok\r\n", "incomplete chunked read"),
        (CHUNKED + b"2\r\nok\r\nzz\r\n", "incomplete chunked read"),
        (CHUNKED + b"1" * 70_000, "chunk size"),
    ],
    ids=lambda value: str(value[:60]),
)
def test_what_is_no_whole_answer_is_told_and_its_connection_closed(
    client: httpx.Client, serve: Serve, answer: bytes, message: str
) -> None:
    server = serve(answer, SHORT, ends=True)
    with pytest.raises(httpx.RemoteProtocolError, match=message):
        client.get(server.url)
    assert client.get(server.url).content == b"ok"
    assert len(server.opened) == 2


def test_a_connection_that_the_server_closed_is_not_used_again(client: httpx.Client, serve: Serve) -> None:
    server = serve(SHORT, ends=True)
    for number in range(1, 4):
        assert client.get(server.url).text == "ok"
        until(lambda number=number: server.closed == number)  # type: ignore[misc]
    assert len(server.asked) == len(server.opened) == 3


@pytest.mark.parametrize("rest", [10, 100_000])
def test_bytes_that_belong_to_no_answer_are_in_no_other_one(client: httpx.Client, serve: Serve, rest: int) -> None:
    server = serve(SHORT + OK + b"Content-Length: %d\r\n\r\n" % rest + b"x" * rest, SHORT)
    assert [client.get(server.url).text for _ in range(3)] == ["ok"] * 3


def test_the_connection_used_last_is_used_first_and_old_ones_are_closed(
    client: httpx.Client, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 0.0
    monkeypatch.setattr("synctl.sources.transport.monotonic", lambda: now)
    server = serve(SHORT)
    with client.stream("GET", server.url) as first, client.stream("GET", server.url) as second:
        assert (first.read(), second.read()) == (b"ok", b"ok")  # the second one rests last
    for _ in range(3):
        now += 3.0
        client.get(server.url)
    assert len(server.opened) == 2
    until(lambda: server.closed == 1)
    now += 6.0
    client.get(server.url)
    assert len(server.opened) == 3
    until(lambda: server.closed == 2)


def test_an_answer_that_is_not_read_to_its_end_takes_its_connection_with_it(client: httpx.Client, serve: Serve) -> None:
    server = serve(OK + b"Content-Length: 100000\r\n\r\n" + b"x" * 100_000, SHORT)
    with client.stream("GET", server.url) as response:
        assert len(next(response.iter_raw())) < 100_000
    assert client.get(server.url).text == "ok"
    assert len(server.opened) == 2


def test_an_answer_in_use_may_outlast_the_client(client: httpx.Client, serve: Serve) -> None:
    server = serve(SHORT)
    client.get(server.url)
    with client.stream("GET", server.url) as response:
        client.close()
        assert response.read() == b"ok"
    until(lambda: server.closed == len(server.opened) == 1)


def test_many_threads_get_each_their_own_answer(client: httpx.Client, upstream: LoopbackServer) -> None:
    upstream.answer = lambda asked: Reply(200, asked.path.encode() * 3000)

    def ask(thread: int) -> None:
        for number in range(50):
            path = f"/{thread}/{number}"
            assert client.get(f"{upstream.url}{path}").text == path * 3000

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(ask, range(8)))
    assert upstream.statuses() == {200: 400}
    assert len(upstream.open) <= 8


def test_it_speaks_tls_to_who_is_trusted(serve: Serve, tls: Certificates, sockets: OpenSockets) -> None:
    server = serve(SHORT, tls=as_server(tls, "server"))
    context = ssl.create_default_context(cafile=tls.file("ca.pem"))
    with httpx.Client(transport=Transport(context, sockets), timeout=5.0) as client:
        for _ in range(3):
            assert client.get(f"https://localhost:{server.port}/").text == "ok"
    assert (len(server.asked), len(server.opened)) == (3, 1)


@pytest.mark.parametrize(
    ("certificate", "is_trusted", "host"),
    [("server", False, "localhost"), ("other", True, "localhost"), ("server", True, "127.0.0.1")],
)
def test_it_does_not_speak_tls_to_others(
    serve: Serve, tls: Certificates, sockets: OpenSockets, certificate: str, is_trusted: bool, host: str
) -> None:
    server = serve(SHORT, tls=as_server(tls, certificate))
    context = ssl.create_default_context(cafile=tls.file("ca.pem")) if is_trusted else trust()
    with (
        httpx.Client(transport=Transport(context, sockets), timeout=5.0) as client,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        client.get(f"https://{host}:{server.port}/")
    assert server.asked == []


def test_a_host_is_looked_up_by_its_ascii_name(
    client: httpx.Client, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    looked_up = []

    def look_up(host: str, port: int, **_: object) -> object:
        looked_up.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port))]

    server = serve(SHORT)
    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    assert client.get(f"http://b\u00fccher.example:{server.port}/").text == "ok"
    assert looked_up == ["xn--bcher-kva.example"]
    assert f"Host: xn--bcher-kva.example:{server.port}\r\n".encode() in server.asked[0]


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6")
def test_an_address_may_be_ipv6(client: httpx.Client, serve: Serve) -> None:
    try:
        server = serve(SHORT, host="::1")
    except OSError:
        pytest.skip("no IPv6 on loopback")
    assert client.get(server.url).text == "ok"
    assert f"Host: [::1]:{server.port}\r\n".encode() in server.asked[0]


def test_each_address_of_a_host_is_tried(client: httpx.Client, serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(SHORT)
    found = [(socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", port)) for port in (9, server.port)]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    assert client.get("http://some.example/").text == "ok"


def test_who_cannot_be_reached_is_told_as_the_system_says_it(
    client: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(httpx.ConnectError, match=r"^\[Errno 111\] Connection refused$"):
        client.get("http://127.0.0.1:9/")

    def unknown(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    with pytest.raises(httpx.ConnectError, match="Name or service not known"):
        client.get("http://nowhere.example/")


def test_waiting_has_an_end(client: httpx.Client, serve: Serve) -> None:
    limits = httpx.Timeout(5.0, read=0.05)
    with pytest.raises(httpx.ReadTimeout, match="timed out"):
        client.get(serve(SILENCE).url, timeout=limits)
    with pytest.raises(httpx.ReadTimeout, match="timed out"):
        client.get(serve(SHORT[:-1]).url, timeout=limits)
    silent = serve(SILENCE)
    with pytest.raises(httpx.ConnectTimeout, match="timed out"):
        client.get(silent.url.replace("http:", "https:"), timeout=httpx.Timeout(5.0, connect=0.05))
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        url = f"http://127.0.0.1:{deaf.getsockname()[1]}/"
        with pytest.raises(httpx.WriteTimeout, match="timed out"):
            client.get(url, headers={"X": "x" * 20_000_000}, timeout=httpx.Timeout(5.0, write=0.05))


def test_a_connection_that_breaks_is_told_by_what_it_was_used_for(client: httpx.Client) -> None:
    def reset_after(count: int) -> None:
        connection = listener.accept()[0]
        connection.recv(count)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, NO_LINGER)
        connection.close()

    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor(1) as pool:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
        reset = pool.submit(reset_after, 100_000)
        with pytest.raises(httpx.ReadError, match="Connection reset"):
            client.get(url)
        reset.result()
        reset = pool.submit(reset_after, 10)
        with pytest.raises(httpx.WriteError, match=r"Connection reset|Broken pipe"):
            client.get(url, headers={"X": "x" * 20_000_000})
        reset.result()


@pytest.mark.parametrize("where", ["connect", "handshake", "head", "body"])
def test_closing_the_client_wakes_who_waits_for(
    open_fetcher: OpenFetcher, serve: Serve, sockets: OpenSockets, where: str
) -> None:
    with ExitStack() as stack:
        server = serve(SHORT[:-1] if where == "body" else SILENCE)
        url = server.url.replace("http:", "https:") if where == "handshake" else server.url
        if where == "connect":
            url = f"http://127.0.0.1:{stack.enter_context(full_listener())}"
        client = open_fetcher(url, timeout=60.0, transport="http.client")
        outcomes: list[BaseException] = []

        def ask() -> None:
            try:
                client.get("/", {}, json.loads)
            except (Interrupted, UnitError) as outcome:
                outcomes.append(outcome)

        thread = threading.Thread(target=ask)
        thread.start()
        until(lambda: server.asked if where in ("head", "body") else client._sockets._open)
        started = time.monotonic()
        client.close()
        thread.join()
        assert time.monotonic() - started < 1
        assert [type(outcome) for outcome in outcomes] == [Interrupted]


def test_a_connection_made_after_all_were_shut_is_shut(
    client: httpx.Client, serve: Serve, sockets: OpenSockets
) -> None:
    server = serve(SHORT)
    sockets.shut()
    with pytest.raises(httpx.ConnectError, match="closed"):
        client.get(server.url)
    assert server.asked == []


PROXIES = ["HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"]


@pytest.mark.parametrize("variable", PROXIES)
def test_with_a_proxy_it_is_httpxs_own(sockets: OpenSockets, monkeypatch: pytest.MonkeyPatch, variable: str) -> None:
    monkeypatch.setenv(variable, "")
    assert isinstance(transport_named("http.client", sockets), Transport)
    monkeypatch.setenv("FTP_PROXY", "http://127.0.0.1:9")
    assert isinstance(transport_named("http.client", sockets), Transport)
    assert transport_named("httpx", sockets) is None
    monkeypatch.setenv(variable, "http://127.0.0.1:9")
    assert transport_named("http.client", sockets) is None


def test_a_proxy_is_asked(open_fetcher: OpenFetcher, upstream: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", upstream.url)
    client = open_fetcher("http://upstream.invalid/v1", transport="http.client")
    assert client.get("/methods", {}, json.loads).status == 200
    assert upstream.seen[0].headers["Host"] == "upstream.invalid"
