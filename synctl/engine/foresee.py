"""What an order would come to, without making it."""

from __future__ import annotations

from datetime import date

import msgspec

from synctl.clock import now_ms, today
from synctl.engine import turns
from synctl.engine.enqueue import Enqueuer, Order, Why, freshness_of, identity, meaning, params_of, refuse_to_wait
from synctl.resource import Plan, Resource, Selectors
from synctl.states import RunState
from synctl.store import ledger, runs
from synctl.store.db import Database
from synctl.store.runs import Run


class Foreseen(msgspec.Struct, frozen=True):
    """The run that an order would make, or find.

    `state`: of the run that exists, None where it would be a new one. `waits_for` and `fresh`: as in `Enqueued`.
    `asked`: units that its source would be asked for.
    """

    run_id: str
    plan: Plan
    why: Why
    state: RunState | None
    waits_for: str
    fresh: int
    asked: int

    def as_json(self) -> dict[str, object]:
        """Return the stable fields of `enqueue --dry-run --json`."""
        plan = self.plan
        return {
            "run": self.run_id,
            "state": str(self.state) if self.state else None,
            "why": str(self.why),
            "waits_for": self.waits_for or None,
            "resource": plan.resource,
            "source": plan.source,
            "label": plan.label,
            "units": plan.total,
            "fresh": self.fresh,
            "asked": self.asked,
        }


def foresee(enqueuer: Enqueuer, database: Database, resource: Resource, selectors: Selectors, order: Order) -> Foreseen:
    """Return what `enqueue` would, were it called now, and raise what it would. Changes nothing, and asks no Redis."""
    day = order.day or today()
    plan = enqueuer.plan(resource, selectors, day)
    run_id = identity(plan, day)
    with database.read() as transaction:
        run = runs.find(transaction, run_id)
        why = Why.CREATED if run is None else meaning(run, order)
        if run is not None and why in (Why.ACTIVE, Why.FRESH):
            waits_for, fresh, asked = run.waits_for, 0, 0
        else:
            ahead = turns.blocker(transaction, run or _unborn(run_id, plan, day))
            waits_for = ahead.id if ahead else ""
            if run is not None and why is Why.RETRIED and ledger.holds_rest(transaction, run):
                fresh, asked = 0, run.total - run.done
            else:
                fresh = freshness_of(plan, day, order).count(transaction, plan.units)
                asked = plan.total - fresh
        refuse_to_wait(transaction, waits_for, order)
    return Foreseen(run_id, plan, why, run.state if run else None, waits_for, fresh, asked)


def _unborn(run_id: str, plan: Plan, day: date) -> Run:
    """Return the run as it would be in the moment after its creation, behind all others."""
    return Run(
        seq=2**63 - 1, id=run_id, resource=plan.resource, source=plan.source, sync_date=day.isoformat(),
        params=params_of(plan), label=plan.label, state=RunState.QUEUED, reason="", error_class=None, waits_for="",
        epoch=0, attempt=0, shards=1, total=plan.total, done=0, failed=0, quarantined=0, unchanged=0, rows=0,
        changed=0, anew=0, created_at=now_ms(), started_at=None, finished_at=None,
    )  # fmt: skip
