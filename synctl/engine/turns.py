"""Whose turn it is: runs that store the same rows work one after the other; what is live first, then the oldest.

This lock lives in SQL, beside the states it follows from, so nothing is rebuilt when Redis is lost. Who holds it and
how alive the holder is, the leases in Redis say.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import msgspec

from synctl.engine import registry
from synctl.states import LIVE, RunState
from synctl.store import runs
from synctl.store.db import Transaction
from synctl.store.runs import Run

log = logging.getLogger("synctl.turns")
IN_LINE = LIVE | {RunState.QUEUED}


def line_up(transaction: Transaction, run: Run) -> Run | None:
    """Return the run that a queued one has to wait for, and note it; None if it is its turn.

    Until the transaction ends nobody else decides about a run of this resource.
    """
    transaction.serialise(f"turns of {run.resource}")
    ahead = blocker(transaction, run)
    runs.wait_for(transaction, run, ahead.id if ahead else "")
    return ahead


def blocker(transaction: Transaction, run: Run) -> Run | None:
    """Return the run that `run` has to wait for. Changes nothing."""
    if run.waits_for:  # the usual answer, without a look into any selection
        known = runs.find(transaction, run.waits_for)
        if known is not None and _is_ahead(known, run):
            return known
    others = runs.listing(transaction, states=IN_LINE, resource=run.resource, limit=runs.ALL)
    return next((other for other in others if _is_ahead(other, run) and _overlap(other, run)), None)


def waiting(transaction: Transaction, resource: str | None = None) -> list[Run]:
    """Return the queued runs that wait for another, oldest first."""
    queued = runs.listing(transaction, states={RunState.QUEUED}, resource=resource, limit=runs.ALL)
    return sorted((run for run in queued if run.waits_for), key=_age)


def _is_ahead(other: Run, run: Run) -> bool:
    if other.seq == run.seq:
        return False
    return other.state in LIVE or (other.state is RunState.QUEUED and _age(other) < _age(run))


def _age(run: Run) -> tuple[int, int]:
    return run.created_at, run.seq


def _overlap(one: Run, other: Run) -> bool:
    try:
        return registry.load(one.resource).overlap(_params(one), _params(other))
    except Exception as error:  # noqa: BLE001 - see below
        # A plug-in that is not installed here or has a bug, params of another version: nothing tells that they could
        # work side by side. Nor may one such run keep every worker from reaping.
        log.warning("%s and %s take turns: %s: %s", one.id, other.id, type(error).__name__, error)
        return True


def _params(run: Run) -> Mapping[str, Any]:
    params: Mapping[str, Any] = msgspec.json.decode(run.params)
    return params
