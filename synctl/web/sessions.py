"""Browser sessions: a signed cookie instead of the token, and a second one that forms must send back.

Nothing is kept on the server. A session ends by its age, at the log-out of its browser, or with its token.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from typing import Final

import msgspec

from synctl.web.access import Keyring, Token

COOKIE: Final = "synctl_session"
LASTS_S: Final = 12 * 3600
"""A working day."""


class Session(msgspec.Struct, frozen=True):
    """Who is logged in. `csrf`: what a form or a script of ours sends with each change."""

    token: Token
    csrf: str


def begin(token: Token) -> str:
    """Return the value of a new session's cookie."""
    told = f"{token.name}.{int(time.time()) + LASTS_S}.{secrets.token_hex(8)}"
    return f"{told}.{_sign(token, 'session', told)}"


def resume(keyring: Keyring, cookie: str) -> Session | None:
    """Return the session of a cookie; None where it is over, forged, or of a token that is no more."""
    told, _, signature = cookie.rpartition(".")
    name, _, rest = told.partition(".")
    until, _, _ = rest.partition(".")
    token = keyring.named(name)
    if token is None or not cookie.isascii() or not hmac.compare_digest(_sign(token, "session", told), signature):
        return None
    if int(until) < time.time():
        return None
    return Session(token, _sign(token, "csrf", told))


def _sign(token: Token, purpose: str, text: str) -> str:
    return hmac.new(token.digest, f"{purpose}:{text}".encode(), hashlib.sha256).hexdigest()
