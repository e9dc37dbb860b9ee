"""Every error synctl raises on purpose, and the exit code each one ends in.

SynctlError
├── UsageError                2   the command line asks for something that cannot be
│   ├── ConfigError           2   a key or value of the configuration is wrong
│   └── NotFound              2   no such run, city, method …
├── PrerequisitesNotMet       5   reference data is missing; says what mends it
├── IllegalTransition         2   the run's state does not allow the request
├── Busy                      8   somebody else holds the lock
├── RedisUnreachable         10
├── DatabaseUnreachable      10
├── Unstorable                1   the database refuses the rows of a unit
├── Fenced                    1   the lease was lost: this process must not commit
└── UnitError                     why one unit failed; the run goes on
    ├── TransientError            may succeed when tried again
    │   └── RateLimitedError      … but not before `retry_after`
    ├── ProcessDied               each process that worked on it died
    ├── RejectedError             the upstream will answer the same again
    ├── MismatchError             the answer is not what was asked for, or breaks a law of the domain
    └── FatalError                no unit of the run can succeed; the run ends
        └── UpstreamUnavailable 9 the upstream has refused, limited or not answered everybody for too long
"""

from __future__ import annotations

from enum import IntEnum
from typing import ClassVar, Self


class ExitCode(IntEnum):
    """What a process tells the shell, and the `meaning` that help and documentation give it."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """Make a code of its number and what it means."""
        made = int.__new__(cls, code)
        made._value_ = code
        made.meaning = meaning
        return made

    OK = 0, "succeeded, or nothing new to do"
    UNEXPECTED = 1, "a bug, something that did not happen in time, no room for a file, or one that is out of reach"
    USAGE = 2, "the command line or the configuration asks for what cannot be; no such run, city or method"
    PARTIAL = 3, "the run ended with some units failed; `verify` found something"
    FAILED = 4, "no unit was done, or the run could not go on"
    PREREQUISITES = 5, "the database or its reference data is missing; the line says what mends it"
    PAUSED = 6, "the run that was waited for is paused"
    CANCELLED = 7, "the run that was waited for was cancelled"
    BUSY = 8, "somebody works on it"
    UPSTREAM = 9, "the upstream refused, limited or did not answer everybody for longer than `retry.outage`"
    UNREACHABLE = 10, "Redis or the database does not answer"
    INTERRUPTED = 130, "Ctrl-C; a run that was only watched goes on"


class SynctlError(Exception):
    """One clear line for the operator: what and where; `hint` says what to do."""

    exit_code: ClassVar[ExitCode] = ExitCode.UNEXPECTED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.hint = hint


class UsageError(SynctlError):
    """The command line asks for something that cannot be."""

    exit_code = ExitCode.USAGE


class ConfigError(UsageError):
    """A key or value of the configuration is wrong; the message names its file and line."""


class NotFound(UsageError):
    """No such run, city, method or file."""


class IllegalTransition(UsageError):
    """The run's state does not allow what was asked."""


class PrerequisitesNotMet(SynctlError):
    """Reference data is missing. `missing` pairs each lack with the command that mends it."""

    exit_code = ExitCode.PREREQUISITES

    def __init__(self, missing: tuple[tuple[str, str], ...]) -> None:
        super().__init__("; ".join(what for what, _ in missing), hint=missing[0][1] if missing else None)
        self.missing = missing


class Busy(SynctlError):
    """Somebody else holds the lock."""

    exit_code = ExitCode.BUSY


class RedisUnreachable(SynctlError):
    """No Redis or Valkey answers where the configuration says."""

    exit_code = ExitCode.UNREACHABLE


class DatabaseUnreachable(SynctlError):
    """The database cannot be opened, read or written."""

    exit_code = ExitCode.UNREACHABLE


class Unstorable(SynctlError):
    """The database refuses what it was given: a text it cannot hold, a number out of range, a row twice."""


class Fenced(SynctlError):
    """This process lost its lease: another epoch holds the run, so nothing may be committed here."""


class UnitError(SynctlError):
    """Why one unit failed. `http_status` is the upstream's answer, if there was one; `attempts` were made."""

    attempts: int = 1

    def __init__(self, message: str, *, http_status: int | None = None, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.http_status = http_status


class TransientError(UnitError):
    """May succeed when tried again: a time-out, a 5xx, a body cut short."""


class RateLimitedError(TransientError):
    """The upstream limits us. `retry_after` is in seconds, None if it did not say."""

    def __init__(self, message: str, *, retry_after: float | None, http_status: int | None = 429) -> None:
        super().__init__(message, http_status=http_status)
        self.retry_after = retry_after


class ProcessDied(UnitError):
    """Processes that worked on the unit died: `crashes` of them of their own doing, as of a bug or of memory."""

    def __init__(self, deaths: int, crashes: int) -> None:
        of_which = f", {crashes} of them in a crash or out of memory" if crashes else ""
        super().__init__(f"its process died {deaths} times while it was worked on{of_which}")
        self.attempts = deaths


class RejectedError(UnitError):
    """The upstream will answer the same again: a 4xx."""


class MismatchError(UnitError):
    """The answer is not what was asked for, or breaks a law of the domain: the unit is quarantined.

    `rule` names the check, `sample` is what was answered there.
    """

    def __init__(self, rule: str, message: str, *, http_status: int | None = None, sample: object = None) -> None:
        super().__init__(f"{rule}: {message}", http_status=http_status)
        self.rule = rule
        self.sample = sample


class FatalError(UnitError):
    """No unit of the run can succeed, so the run ends: a wrong base URL, a refused key."""


class UpstreamUnavailable(FatalError):
    """The upstream has refused, limited or not answered everybody for too long; `synctl retry` goes on later."""

    exit_code = ExitCode.UPSTREAM
