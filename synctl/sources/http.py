"""The one HTTP client and the one layer of retries: polite to the upstream, interruptible at any moment."""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable, Mapping
from time import monotonic, sleep
from typing import TYPE_CHECKING, Generic, TypeVar, overload
from urllib.parse import quote, urlencode

import httpx
import msgspec
import tenacity

from synctl import __version__, clock
from synctl.config import Upstream
from synctl.errors import (
    FatalError,
    RateLimitedError,
    RejectedError,
    TransientError,
    UnitError,
    UpstreamUnavailable,
)
from synctl.sources.answers import retry_after, upstreams_words
from synctl.sources.client import Client
from synctl.sources.sockets import OpenSockets
from synctl.sources.transport import transport_named, trust
from synctl.sources.unpack import ACCEPTED, MOST_BYTES, unpacked

if TYPE_CHECKING:
    from synctl.resource import Context, Gate, Stop, Turn

T = TypeVar("T")
log = logging.getLogger("synctl.http")
Params = Mapping[str, str | int | float]

MAX_REDIRECTS = 3
"""An upstream redirects once, from an old path to a new one; more is a loop."""
SLOWEST = 10
"""A whole answer may take so many time-outs, so that one byte a second does not hold a thread for ever."""
MOST_DOUBLINGS = 20
"""Of a wait: a million times the first, beyond any cap. An outage may be tried a thousand times."""
UNLIMITED = 2**31
PLAIN = "/:@!$&'()*+,;=%"
"""What stands for itself in a path."""
HAND_OVER_S = 0.0005
"""For the thread that waits for our connection: it sends its request before we decode, which may take milliseconds."""


class Interrupted(Exception):
    """The work must end. No error: the unit stays to be done."""


class Response(msgspec.Struct, Generic[T], frozen=True):
    """A successful answer. `body` is after content encoding; `value` is what `decode` made of it."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    attempts: int
    value: T


def fetcher(source: str, context: Context) -> Fetcher:
    """Open the client of a source as it is configured."""
    upstream, retry = context.settings.sources[source], context.settings.retry
    if not isinstance(upstream, Upstream):
        raise TypeError(f"the source {source} has no upstream")
    return Fetcher(
        upstream.base_url,
        timeout=upstream.timeout,
        max_connections=upstream.concurrency,
        attempts=retry.attempts,
        backoff=retry.backoff,
        backoff_cap=retry.backoff_cap,
        retry_after_cap=retry.retry_after_cap,
        outage=retry.outage,
        stop=context.stop,
        gate=context.gate,
        transport=context.settings.http.transport,
    )


class _Tries(msgspec.Struct):
    """Requests made for one answer, those that count against it, and those that do not: the host failed everybody."""

    made: int = 0
    counted: int = 0
    excused: int = 0


class Fetcher:
    """GET from one upstream, for many threads at once. Open it in the process that uses it, after any fork.

    Times are seconds. At most `max_connections` requests are under way, whatever the number of threads; each passes the
    `gate`, which may wait. A host may fail or limit everybody for `outage` before that is fatal. `transport`: one, or
    its name in the settings.
    """

    def __init__(
        self,
        base_url: str,
        *,
        timeout: float,
        max_connections: int,
        attempts: int,
        backoff: float,
        backoff_cap: float,
        retry_after_cap: float,
        outage: float,
        stop: Stop,
        gate: Gate,
        transport: httpx.BaseTransport | str = "http.client",
        jitter: Callable[[], float] = random.random,
        now_ms: Callable[[], int] = clock.now_ms,
    ) -> None:
        self._stop, self._gate, self._attempts = stop, gate, attempts
        self._backoff, self._backoff_cap, self._retry_after_cap = backoff, backoff_cap, retry_after_cap
        self._jitter, self._now_ms, self._outage = jitter, now_ms, outage
        self._slowest = timeout * SLOWEST
        self._sockets = OpenSockets()
        self._room = threading.Semaphore(max_connections)
        self._closed = False
        for name in ("httpx", "httpcore"):  # they would write a line for each of a million requests
            logging.getLogger(name).setLevel(logging.WARNING)
        self._client = Client(
            base_url=base_url,
            timeout=timeout,
            limits=httpx.Limits(max_connections=max_connections, max_keepalive_connections=max_connections),
            headers={
                "User-Agent": f"synctl/{__version__}",
                "Accept": "application/json",
                "Accept-Encoding": ACCEPTED,
            },
            transport=transport_named(transport, self._sockets) if isinstance(transport, str) else transport,
            verify=trust(),
        )
        self._host = self._client.base_url.netloc.decode()
        self._timeout = self._client.timeout.as_dict()
        self._retrying = tenacity.Retrying(
            stop=lambda state: _tries(state).counted >= attempts,
            wait=self._pause,
            retry=tenacity.retry_if_exception_type(TransientError),
            sleep=self._sleep,
            before_sleep=_note,
            reraise=True,
        )

    @overload
    def get(self, path: str, params: Params, decode: Callable[[bytes], T]) -> Response[T]: ...
    @overload
    def get(
        self, path: str, params: Params, decode: Callable[[bytes], T], headers: Mapping[str, str]
    ) -> Response[T | None]: ...
    def get(
        self, path: str, params: Params, decode: Callable[[bytes], T], headers: Mapping[str, str] | None = None
    ) -> Response[T] | Response[T | None]:
        """Ask until `decode` can read the answer, or there is no more sense in asking.

        A DecodeError or ValueError of `decode` counts as a broken answer, worth another try; a UnitError it
        raises stands. Raises UnitError with the number of attempts, Interrupted when the work must end.
        To If-None-Match among `headers` 304 is success: nothing is decoded, and `value` is None.
        """
        return self._retrying(self._attempt, path, params, decode, headers or {}, _Tries())

    def close(self) -> None:
        """End requests under way, which raise Interrupted, and release the connections."""
        self._closed = True
        self._room.release()  # one that waits goes through, finds it closed and lets the next one through
        self._sockets.shut()
        self._client.close()

    def _attempt(
        self, path: str, params: Params, decode: Callable[[bytes], T], headers: Mapping[str, str], tries: _Tries
    ) -> Response[T | None]:
        tries.made += 1
        tries.counted += 1
        try:
            answer, body = self._ask(path, params, headers, tries)
            sleep(HAND_OVER_S)
            value = None if _is_unmodified(answer) else _decoded(decode, body, answer.status_code)
        except UnitError as error:
            error.attempts = tries.made
            raise
        return Response(answer.status_code, body, answer.headers, tries.made, value)

    def _ask(
        self, path: str, params: Params, headers: Mapping[str, str], tries: _Tries
    ) -> tuple[httpx.Response, bytes]:
        """One answer, redirected no further than within the host: elsewhere nobody vouches for it."""
        request = self._request(path, params, headers)
        for _ in range(1 + MAX_REDIRECTS):
            self._stop_if_asked()
            with self._room, self._gate.turn(self._host) as turn:
                self._stop_if_asked()
                began, again = monotonic(), tries.made > 1
                try:
                    answer, body = self._exchange(request)
                except TransientError as error:
                    turn.measured(None, monotonic() - began, again=again)
                    self._excuse(error, tries, turn)
                    raise
                turn.measured(answer.status_code, monotonic() - began, again=again)
                if answer.next_request is None:
                    self._judge(answer, body, turn, tries)
                    return answer, body
                turn.answered()
            here, request = request.url, answer.next_request
            if request.url.host != here.host or (here.scheme == "https" and request.url.scheme == "http"):
                break
        raise RejectedError(f"{path} leads to {request.url}: not followed", http_status=answer.status_code)

    def _request(self, path: str, params: Params, headers: Mapping[str, str]) -> httpx.Request:
        """Do what the client's `build_request` does, in half of its time: that merges what never changes."""
        base = self._client.base_url
        target = quote(path.lstrip("/"), safe=PLAIN) + (f"?{urlencode(params)}" if params else "")
        sent = httpx.Headers(self._client.headers)
        sent.update(headers)
        extensions = {"timeout": self._timeout, "trace": self._sockets.trace}
        url = base.copy_with(raw_path=base.raw_path + target.encode())
        return httpx.Request("GET", url, headers=sent, cookies=self._client.cookies, extensions=extensions)

    def _exchange(self, request: httpx.Request) -> tuple[httpx.Response, bytes]:
        try:
            answer = self._client.send(request, stream=True)
            try:
                return answer, self._read(answer)
            finally:
                answer.close()
        except (httpx.UnsupportedProtocol, httpx.LocalProtocolError) as error:
            raise FatalError(f"{request.url} cannot be asked: {error}") from error
        except (httpx.RequestError, httpx.StreamError) as error:
            self._stop_if_asked()  # close() breaks what is under way in any of these ways
            raise TransientError(f"{self._host}: {str(error) or type(error).__name__}") from error
        except RuntimeError:
            self._stop_if_asked()  # the client was closed before the request began
            raise

    def _read(self, answer: httpx.Response) -> bytes:
        deadline, room = monotonic() + self._slowest, MOST_BYTES
        pieces = []
        for piece in answer.iter_raw():
            pieces.append(piece)
            room -= len(piece)
            self._stop_if_asked()
            if monotonic() > deadline:
                raise TransientError(f"{self._host} answers too slowly", http_status=answer.status_code)
            if room < 0:
                raise TransientError(f"{self._host} answers without end", http_status=answer.status_code)
        try:
            return unpacked(b"".join(pieces), answer.headers.get("content-encoding", ""))
        except ValueError as error:
            raise TransientError(
                f"{self._host}: the answer cannot be read: {error}", http_status=answer.status_code
            ) from error

    def _judge(self, answer: httpx.Response, body: bytes, turn: Turn, tries: _Tries) -> None:
        """Tell the gate what the status means, and raise that unless it is success."""
        status = answer.status_code
        if answer.is_success or _is_unmodified(answer):
            turn.answered()
            return
        message = f"{self._host} answered {status}: {upstreams_words(body) or answer.reason_phrase}"
        if status == 429 or (status == 503 and "retry-after" in answer.headers):
            seconds = retry_after(answer.headers, self._now_ms() / 1000)
            if seconds is not None:
                seconds = min(seconds, self._retry_after_cap)
            limited = RateLimitedError(message, retry_after=seconds, http_status=status)
            self._excuse(limited, tries, turn)
            raise limited
        if status >= 500 or status == 408:
            broken = TransientError(message, http_status=status)
            self._excuse(broken, tries, turn)
            raise broken
        turn.answered()
        raise RejectedError(message, http_status=status)

    def _excuse(self, error: TransientError, tries: _Tries, turn: Turn) -> None:
        """Tell the gate, and do not count an attempt against the unit where the host is so to everybody.

        Raises UpstreamUnavailable where it has been so for too long.
        """
        limit = self._attempts
        if isinstance(error, RateLimitedError):
            outage, limit = turn.limited(error.retry_after or self._backed_off(tries.made)), UNLIMITED
        elif isinstance(error.__cause__, httpx.ConnectError | httpx.ConnectTimeout):
            outage, limit = turn.unreachable(), UNLIMITED
        else:  # the last units of a run may all be bad ones, which looks like an outage
            outage = turn.failed(fresh=tries.made == 1)
        if outage > self._outage:
            minutes = f"{outage / 60:,.0f} min" if outage >= 120 else f"{outage:.0f} s"
            raise UpstreamUnavailable(
                f"{self._host} has served nobody for {minutes}: {error}", http_status=error.http_status
            ) from error
        if outage and tries.excused < limit:
            tries.counted -= 1
            tries.excused += 1

    def _pause(self, state: tenacity.RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, RateLimitedError) and error.retry_after:
            return error.retry_after
        return self._backed_off(state.attempt_number)

    def _backed_off(self, number: int) -> float:
        """Doubled each time; half of it is chance, so that threads that failed together return apart."""
        doubled = self._backoff * 2.0 ** min(number - 1, MOST_DOUBLINGS)
        return min(self._backoff_cap, doubled) * (0.5 + 0.5 * self._jitter())

    def _sleep(self, seconds: float) -> None:
        self._stop.wait(seconds)
        self._stop_if_asked()

    def _stop_if_asked(self) -> None:
        if self._closed or self._stop.is_set():
            raise Interrupted


def _note(state: tenacity.RetryCallState) -> None:
    error = state.outcome.exception() if state.outcome else None
    seconds = state.next_action.sleep if state.next_action else 0.0
    log.info("attempt %d: %s; again in %.1f s", state.attempt_number, error, seconds)


def _tries(state: tenacity.RetryCallState) -> _Tries:
    tries: _Tries = state.args[-1]
    return tries


def _is_unmodified(answer: httpx.Response) -> bool:
    """Whether it says that we have its body already: only to a question that named what we have."""
    return answer.status_code == 304 and "if-none-match" in answer.request.headers


def _decoded(decode: Callable[[bytes], T], body: bytes, status: int) -> T:
    try:
        return decode(body)
    except UnitError as error:
        error.http_status = error.http_status or status
        raise
    except (msgspec.DecodeError, ValueError) as error:
        raise TransientError(f"the answer cannot be read: {error}", http_status=status) from error
