"""Errors as RFC 9457 problem details. `outcome` and `exit_code` are those of the command that does the same."""

from __future__ import annotations

import logging
from dataclasses import dataclass, field
from typing import Final

import msgspec
from starlette.exceptions import HTTPException
from starlette.responses import Response

from synctl.errors import (
    Busy,
    DatabaseUnreachable,
    ExitCode,
    IllegalTransition,
    NotFound,
    PrerequisitesNotMet,
    RedisUnreachable,
    SynctlError,
    Unstorable,
    UpstreamUnavailable,
    UsageError,
)
from synctl.redact import redacted

MEDIA_TYPE: Final = "application/problem+json"
RETRY_AFTER_S: Final = "2"
"""A restart of Redis or of the database takes about this long."""
_STATUS: Final[tuple[tuple[type[SynctlError], int], ...]] = (
    (NotFound, 404),
    (IllegalTransition, 409),
    (UsageError, 422),
    (PrerequisitesNotMet, 409),
    (Busy, 409),
    (RedisUnreachable, 503),
    (DatabaseUnreachable, 503),
    (UpstreamUnavailable, 503),
    (Unstorable, 422),
)
"""The first one that fits."""

log = logging.getLogger("synctl.web")


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The document of an answer that is no success."""

    type: str
    title: str
    status: int
    detail: str
    hint: str | None = None
    outcome: str | None = None
    exit_code: int | None = None


@dataclass(eq=False)  # not frozen: Python itself sets __traceback__ and __cause__
class Refused(Exception):
    """A request that does not come as far as synctl. `name` is the last part of the problem's type."""

    status: int
    name: str
    detail: str
    hint: str | None = None
    headers: dict[str, str] = field(default_factory=dict)


def problem_of(error: Exception) -> tuple[Problem, dict[str, str]]:
    """Return the problem that an error is, and the headers of its answer. A bug says nothing of itself."""
    match error:
        case Refused():
            return _problem(error.status, error.name, error.detail, error.hint), error.headers
        case HTTPException():
            return _problem(error.status_code, _words(error.status_code), error.detail), dict(error.headers or {})
        case SynctlError():
            status = next((status for kind, status in _STATUS if isinstance(error, kind)), 500)
            found = _problem(status, _name(error), redacted(_detail(error)), error.hint, error.exit_code)
            return found, {"Retry-After": RETRY_AFTER_S} if status == 503 else {}
        case _:
            log.error("a request failed: %s", redacted(repr(error)), exc_info=error)
            return _problem(500, "unexpected", "this is a bug; the server's log has it", None, ExitCode.UNEXPECTED), {}


def as_response(error: Exception) -> Response:
    """Return the answer that tells an error."""
    found, headers = problem_of(error)
    return Response(msgspec.json.encode(found), found.status, headers, MEDIA_TYPE)


def _problem(status: int, name: str, detail: str, hint: str | None = None, code: ExitCode | None = None) -> Problem:
    return Problem(
        type=f"urn:synctl:problem:{name}",
        title=name.replace("-", " "),
        status=status,
        detail=detail,
        hint=hint,
        outcome=code.name.lower() if code is not None else None,
        exit_code=int(code) if code is not None else None,
    )


def _name(error: SynctlError) -> str:
    match error:
        case NotFound():
            return "not-found"
        case IllegalTransition():
            return "illegal-transition"
        case _:
            return error.exit_code.name.lower()


def _detail(error: SynctlError) -> str:
    if isinstance(error, PrerequisitesNotMet):
        return "; ".join(f"{what}: {mend}" for what, mend in error.missing)
    return str(error)


def _words(status: int) -> str:
    return {404: "not-found", 405: "method-not-allowed"}.get(status, "refused")
