"""Runs by REST: queue, list, look at, pause, resume, cancel, retry, delete."""

from __future__ import annotations

from typing import Final
from urllib.parse import urlencode

import msgspec

from synctl.clock import iso
from synctl.engine import events, registry
from synctl.engine.enqueue import Order, Why
from synctl.errors import NotFound, UsageError
from synctl.resource import Resource
from synctl.states import RESTING, TERMINAL, RunState, UnitState
from synctl.store import pages, runs, trail
from synctl.store import units as ledger
from synctl.store.db import Transaction
from synctl.store.runs import Run
from synctl.web import documents
from synctl.web.access import Role
from synctl.web.asked import Because, ErrorsQuery, ListQuery, NewRun, UnitsQuery, moment
from synctl.web.operations import Answer, Call, Nothing, Operation
from synctl.words import shortened

PROMPT_S: Final = 1.0
"""A request becomes a fact within a quarter of a second: we look that long, to answer with the fact."""
PATIENCE_S: Final = 2.0
"""How long a resume waits for a pause that is under way."""
MOST_EVENTS: Final = 1000
CAUSES_AMONG: Final = 10_000
"""Units that failed whose causes are told, the first of a run: some 20 ms; all of a large run would take a second."""
NOT_DONE: Final = frozenset({UnitState.FAILED, UnitState.QUARANTINED})


def enqueue(call: Call) -> Answer:
    """Queue a run: 202. Where it exists and there is nothing to queue: 200, and `why`."""
    wanted: NewRun = call.body
    try:
        found = call.backend.enqueuer(call.actor).enqueue(
            _resource(wanted.resource), wanted.selectors(), wanted.order()
        )
    except NotFound as error:  # something in the body, not what the URL names
        raise UsageError(str(error), hint=error.hint) from error
    status = 200 if found.why in (Why.ACTIVE, Why.FRESH) else 202
    return Answer(found.as_json(), status, {"Location": f"/api/runs/{found.run.id}"})


def _resource(name: str) -> Resource:
    try:
        return registry.load(name)
    except NotFound as error:  # something that is asked with, not what the URL names
        raise UsageError(str(error), hint=error.hint) from error


def list_runs(call: Call) -> Answer:
    """List runs, the newest first."""
    query: ListQuery = call.query
    with call.backend.database.read() as transaction:
        page = pages.runs_page(
            transaction,
            states=query.state or list(RunState),
            resource=query.resource,
            since=moment(query.since, "since"),
            before=query.before,
            limit=query.limit,
        )
    if not page.runs and query.resource is not None:
        _resource(query.resource)
    shown = [view.as_json() for view in call.backend.views(page.runs)]
    return Answer({"runs": shown, "next": _next("/api/runs", query, "before", page.before)})


def show_run(call: Call) -> Answer:
    """Show one run, with the causes of its failures."""
    with call.backend.database.read() as transaction:
        run = named(call, transaction)
        causes = ledger.causes(transaction, run.seq, CAUSES_AMONG)
    return Answer({**call.backend.views([run])[0].as_json(), "errors": [cause.as_json() for cause in causes]})


def list_units(call: Call) -> Answer:
    """List the units of a run."""
    query: UnitsQuery = call.query
    with call.backend.database.read() as transaction:
        run = named(call, transaction)
        states = query.state or list(UnitState)
        page = pages.units_page(transaction, run, states=states, after=query.after, limit=query.limit)
    return Answer(
        {
            "run": run.id,
            "units": [ledger.as_json(run.id, row) for row in page.rows],
            "pruned_at": _pruned_at(run),
            "next": _next(f"/api/runs/{run.id}/units", query, "after", page.after),
        }
    )


def list_errors(call: Call) -> Answer:
    """Tell why units of a run failed: the causes, then the units."""
    query: ErrorsQuery = call.query
    with call.backend.database.read() as transaction:
        run = named(call, transaction)
        causes = ledger.causes(transaction, run.seq, CAUSES_AMONG)
        page = pages.units_page(transaction, run, states=NOT_DONE, after=query.after, limit=query.limit)
    return Answer(
        {
            "run": run.id,
            "causes": [cause.as_json() for cause in causes],
            "units": [ledger.as_json(run.id, row) for row in page.rows],
            "pruned_at": _pruned_at(run),
            "next": _next(f"/api/runs/{run.id}/errors", query, "after", page.after),
        }
    )


def list_events(call: Call) -> Answer:
    """Show what happened to a run: who asked, from where and why. That of a deleted run is kept."""
    with call.backend.database.read() as transaction:
        run_id = trail.owner(transaction, _name(call))
        found = events.of_run(transaction, run_id, MOST_EVENTS)
    return Answer({"run": run_id, "events": [event.as_json() for event in found]})


def pause_run(call: Call) -> Answer:
    """Pause a run; nothing done is lost."""
    control = call.backend.control(call.actor)
    run = control.pause(_name(call), call.body.reason)
    return _state(call, control.wait(run.id, lambda one: one.state in RESTING, PROMPT_S))


def resume_run(call: Call) -> Answer:
    """Queue a paused run again; it goes on where it stopped."""
    return _state(call, call.backend.control(call.actor).resume(_name(call), call.body.reason, patience=PATIENCE_S))


def cancel_run(call: Call) -> Answer:
    """Cancel a run; what it stored stays."""
    control = call.backend.control(call.actor)
    run = control.cancel(_name(call), call.body.reason)
    return _state(call, control.wait(run.id, lambda one: one.state in TERMINAL, PROMPT_S))


def retry_run(call: Call) -> Answer:
    """Queue the units of an ended run that are not done: 202. Where there is nothing to queue: 200, and `why`."""
    found = call.backend.enqueuer(call.actor).retry(_name(call), Order(reason=call.body.reason))
    return Answer(found.as_retry_json(), 200 if found.why in (Why.ACTIVE, Why.FRESH) else 202)


def delete_run(call: Call) -> Answer:
    """Remove an ended run with its ledger; what it synced stays."""
    run = call.backend.control(call.actor).delete(_name(call), call.body.reason)
    return Answer({"run": run.id, "deleted": True})


def named(call: Call, transaction: Transaction) -> Run:
    """Return the run that the URL names. Raises NotFound."""
    return runs.get(transaction, _name(call))


def _name(call: Call) -> str:
    name = call.path["run"]
    if not name.isascii() or not name.isprintable():
        raise NotFound(f"no run {shortened(repr(name))}")
    return name


def _pruned_at(run: Run) -> str | None:
    """Return since when the units that were done, or all, are not among those listed."""
    return iso(run.pruned_at) if run.pruned_at is not None else None


def _state(call: Call, run: Run) -> Answer:
    return Answer(call.backend.views([run])[0].as_json())


def _next(path: str, query: msgspec.Struct, name: str, place: int | None) -> str | None:
    """Return the URL of the next page: the same query, from its place on."""
    if place is None:
        return None
    given = {key: value for key, value in msgspec.to_builtins(query).items() if value not in (None, [])}
    return f"{path}?{urlencode({**given, name: place}, doseq=True)}"


_RUN: Final = "/api/runs/{run}"
OPERATIONS: Final = (
    Operation(
        method="POST", path="/api/runs", summary="Queue a run", call=enqueue, body=NewRun,
        answers={202: documents.Queued, 200: documents.Queued}, problems=(409,), role=Role.OPERATE,
    ),
    Operation(
        method="GET", path="/api/runs", summary="List runs", call=list_runs, query=ListQuery,
        answers={200: documents.Runs},
    ),
    Operation(
        method="GET", path=_RUN, summary="Show a run", call=show_run, answers={200: documents.OneRun}, problems=(404,)
    ),
    Operation(
        method="DELETE", path=_RUN, summary="Delete a run", call=delete_run, body=Because,
        answers={200: documents.Deleted}, problems=(404, 409), role=Role.OPERATE,
    ),
    Operation(
        method="GET", path=f"{_RUN}/units", summary="List units", call=list_units, query=UnitsQuery,
        answers={200: documents.Units}, problems=(404,),
    ),
    Operation(
        method="GET", path=f"{_RUN}/errors", summary="Tell why units failed", call=list_errors, query=ErrorsQuery,
        answers={200: documents.Errors}, problems=(404,),
    ),
    Operation(
        method="GET", path=f"{_RUN}/events", summary="Show the audit trail of a run", call=list_events,
        query=Nothing, answers={200: documents.Events}, problems=(404,),
    ),
    *(
        Operation(
            method="POST", path=f"{_RUN}/{verb}", summary=f"{verb.capitalize()} a run", call=act, body=Because,
            answers={200: documents.RunDocument}, problems=(404, 409), role=Role.OPERATE,
        )
        for verb, act in (("pause", pause_run), ("resume", resume_run), ("cancel", cancel_run))
    ),
    Operation(
        method="POST", path=f"{_RUN}/retry", summary="Retry what is not done", call=retry_run, body=Because,
        answers={202: documents.Retried, 200: documents.Retried}, problems=(404, 409), role=Role.OPERATE,
    ),
)  # fmt: skip
