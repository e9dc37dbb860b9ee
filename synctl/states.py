"""The states of runs and units, and the one table of legal transitions."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from synctl.errors import ExitCode, UpstreamUnavailable


class RunState(StrEnum):
    """Requests are progressive (`pausing`), facts are participles (`paused`)."""

    QUEUED = "queued"
    RUNNING = "running"
    PAUSING = "pausing"
    PAUSED = "paused"
    CANCELLING = "cancelling"
    CANCELLED = "cancelled"
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    FAILED = "failed"


class UnitState(StrEnum):
    """Where a unit is in the ledger."""

    PENDING = "pending"
    LEASED = "leased"
    DONE = "done"
    FAILED = "failed"
    QUARANTINED = "quarantined"
    """Its answer broke a rule: nothing of it was stored."""


S = RunState

TRANSITIONS: Final[dict[RunState, frozenset[RunState]]] = {
    # A worker takes it; or the operator acts before one does: nobody is working, so both settle at once.
    S.QUEUED: frozenset({S.RUNNING, S.PAUSED, S.CANCELLED, S.FAILED}),
    # QUEUED: every worker was shut down with units left. The three outcomes: the last unit is settled.
    S.RUNNING: frozenset({S.PAUSING, S.CANCELLING, S.QUEUED, S.SUCCEEDED, S.PARTIAL, S.FAILED}),
    # The outcomes stay legal while a request is under way: the last unit may commit before it is seen.
    S.PAUSING: frozenset({S.PAUSED, S.CANCELLING, S.SUCCEEDED, S.PARTIAL, S.FAILED}),
    S.CANCELLING: frozenset({S.CANCELLED, S.SUCCEEDED, S.PARTIAL, S.FAILED}),
    S.PAUSED: frozenset({S.QUEUED, S.CANCELLED}),
    # Retry: the units that are not done are queued again in the same run.
    S.CANCELLED: frozenset({S.QUEUED}),
    S.PARTIAL: frozenset({S.QUEUED}),
    S.FAILED: frozenset({S.QUEUED}),
    # Only `--force` queues a succeeded run again, and it says so in the audit trail.
    S.SUCCEEDED: frozenset({S.QUEUED}),
}

TERMINAL: Final = frozenset({S.SUCCEEDED, S.PARTIAL, S.FAILED, S.CANCELLED})
ACTIVE: Final = frozenset(S) - TERMINAL
RESTING: Final = TERMINAL | {S.PAUSED}
"""States in which nothing happens until somebody asks for it."""
LIVE: Final = frozenset({S.RUNNING, S.PAUSING, S.CANCELLING})
"""States in which a worker may hold a lease and commit."""
REQUESTED: Final = {S.PAUSING: S.PAUSED, S.CANCELLING: S.CANCELLED}
"""What a request becomes when it takes effect."""
RETRIABLE: Final = frozenset({S.PARTIAL, S.FAILED, S.CANCELLED})

_OUTCOME_EXIT: Final = {
    S.SUCCEEDED: ExitCode.OK,
    S.PARTIAL: ExitCode.PARTIAL,
    S.FAILED: ExitCode.FAILED,
    S.CANCELLED: ExitCode.CANCELLED,
    S.PAUSED: ExitCode.PAUSED,
}


def sources_of(target: RunState) -> frozenset[RunState]:
    """The states from which `target` may be reached."""
    return frozenset(state for state, targets in TRANSITIONS.items() if target in targets)


def outcome(*, done: int, failed: int) -> RunState:
    """The outcome of a run whose units are all settled. No unit done is `failed`, even if none failed."""
    if done == 0:
        return RunState.FAILED
    return RunState.PARTIAL if failed else RunState.SUCCEEDED


def exit_code(state: RunState, error_class: str | None = None) -> ExitCode:
    """The exit code of a command that waited for a run until it came to `state`, by the error that ended it."""
    if state is RunState.FAILED and error_class == UpstreamUnavailable.__name__:
        return UpstreamUnavailable.exit_code
    return _OUTCOME_EXIT.get(state, ExitCode.OK)
