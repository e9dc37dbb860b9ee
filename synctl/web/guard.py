"""Lets a request in: by a token or a session, with the role that it needs, from an origin that is ours."""

from __future__ import annotations

import hmac
import logging
import os
import socket
import time
from collections import OrderedDict
from collections.abc import Collection
from typing import Final, NoReturn

import msgspec
from starlette.requests import HTTPConnection

from synctl.store.runs import Actor
from synctl.web import sessions
from synctl.web.access import Keyring, Role, Token
from synctl.web.problems import Refused

CSRF_HEADER: Final = "X-CSRF-Token"
FAILURES: Final = 10
"""Of one address within a minute; then it is told to wait. A right token is let in all the same."""
WINDOW_S: Final = 60.0
ADDRESSES: Final = 1000
"""That are remembered; a flood from more of them must not fill the memory."""

log = logging.getLogger("synctl.web")


class Caller(msgspec.Struct, frozen=True):
    """Who asks. `csrf` is of a browser's session, None where a token was sent."""

    token: Token
    address: str
    csrf: str | None

    @property
    def actor(self) -> Actor:
        """How the audit trail names the caller: `web:NAME`, from its address by way of this process."""
        return Actor(f"web:{self.token.name}", f"{self.address} by {socket.gethostname()}:{os.getpid()}")


class Tally(msgspec.Struct):
    """Counts what each address did within a minute."""

    _seen: OrderedDict[str, tuple[float, int]] = msgspec.field(default_factory=OrderedDict)

    def add(self, address: str) -> int:
        """Count one more; return how many there were since the window began."""
        now = time.monotonic()
        begun, count = self._seen.pop(address, (now, 0))
        if now - begun > WINDOW_S:
            begun, count = now, 0
        self._seen[address] = (begun, count + 1)
        while len(self._seen) > ADDRESSES:
            self._seen.popitem(last=False)
        return count + 1


class Guard:
    """`origins`: scheme, host and port of the pages that may use this server."""

    def __init__(self, keyring: Keyring, origins: Collection[str]) -> None:
        self.keyring = keyring
        self._origins = frozenset(origins)
        self._failures = Tally()

    def admit(self, connection: HTTPConnection, needed: Role) -> Caller:
        """Return who asks. Raises Refused: 401, 403 or 429."""
        caller = self._identify(connection)
        if not caller.token.role.covers(needed):
            log.warning("%s (%s) asked for what needs the role %s", caller.token.name, caller.address, needed)
            raise Refused(403, "forbidden", f"the token {caller.token.name!r} may not: this needs the role {needed}")
        return caller

    def require_own_origin(self, connection: HTTPConnection, caller: Caller | None) -> None:
        """Refuse what a page of somebody else makes a browser send. Programs send no Origin, and need a token then."""
        origin = connection.headers.get("origin")
        if origin in self._origins or (origin is None and caller is not None and caller.csrf is None):
            return
        log.warning("refused a request of %s from the origin %.100r", address_of(connection), origin)
        raise Refused(
            403, "foreign-origin", "this page may not ask that here", hint="`synctl serve --origin` allows one"
        )

    def require_csrf(self, caller: Caller, given: str | None) -> None:
        """Refuse a change in a browser's session that no page of ours asked for."""
        if caller.csrf is not None and not hmac.compare_digest(caller.csrf.encode(), (given or "").encode()):
            raise Refused(403, "csrf", f"the header {CSRF_HEADER} is missing or wrong", hint="load the page again")

    def log_in(self, connection: HTTPConnection, secret: str) -> Token:
        """Return the token of a secret. Raises Refused."""
        token = self.keyring.identify(secret)
        if token is None:
            self._fail(connection)
        return token

    def _identify(self, connection: HTTPConnection) -> Caller:
        address = address_of(connection)
        scheme, _, secret = connection.headers.get("authorization", "").partition(" ")
        if scheme:
            token = self.keyring.identify(secret.strip()) if scheme.lower() == "bearer" else None
            if token is None:
                self._fail(connection)
            return Caller(token, address, None)
        session = sessions.resume(self.keyring, connection.cookies.get(sessions.COOKIE, ""))
        if session is None:
            raise _unauthenticated("send `Authorization: Bearer TOKEN`")
        return Caller(session.token, address, session.csrf)

    def _fail(self, connection: HTTPConnection) -> NoReturn:
        address = address_of(connection)
        count = self._failures.add(address)
        if count <= FAILURES:
            log.warning("a wrong token from %s", address)
            raise _unauthenticated("no such token")
        raise Refused(429, "too-many-failures", "too many wrong tokens", headers={"Retry-After": str(round(WINDOW_S))})


def address_of(connection: HTTPConnection) -> str:
    """Return the address of the other end: a proxy's, where there is one."""
    return connection.client.host if connection.client else "?"


def _unauthenticated(detail: str) -> Refused:
    return Refused(401, "unauthenticated", detail, headers={"WWW-Authenticate": 'Bearer realm="synctl"'})
