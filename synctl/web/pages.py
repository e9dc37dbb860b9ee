"""The pages: rendered here, from the documents that the API answers with; app.js keeps them up to date."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Mount
from starlette.staticfiles import StaticFiles

from synctl.engine import events, registry
from synctl.states import LIVE, TERMINAL, RunState
from synctl.store import pages
from synctl.web import fleet, stored
from synctl.web import runs as api
from synctl.web.access import Role
from synctl.web.asked import Because, ErrorsQuery, ListQuery
from synctl.web.backend import Backend
from synctl.web.dispatch import Work, decoded
from synctl.web.doors import Page, Visit, door
from synctl.web.guard import Guard
from synctl.web.operations import Answer, Call, Nothing
from synctl.web.order_form import order_routes
from synctl.web.render import moment, page

SHOWN: Final = 50
CELLS: Final = 400
"""Squares of the grid of units: four lines of a phone's screen, two of a desktop's."""
FAILED_SHOWN: Final = 50
CITIES_SHOWN: Final = 100
MONTHS: Final = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November",
    "December",
)  # fmt: skip
VERBS: Final[Mapping[str, Callable[[Call], Answer]]] = {
    "pause": api.pause_run,
    "resume": api.resume_run,
    "cancel": api.cancel_run,
    "retry": api.retry_run,
    "delete": api.delete_run,
}


def routes(backend: Backend, guard: Guard, work: Work) -> list[BaseRoute]:
    """Return every page, and the files they use."""

    def call(visit: Visit, query: Any = None, body: Any = None, **path: str) -> Call:
        return Call(backend, visit.caller.actor, {**visit.request.path_params, **path}, query or Nothing(), body)

    async def all_runs(visit: Visit) -> Response:
        given = {name: value for name, value in visit.request.query_params.items() if value}
        note = _NOTES.get(given.pop("note", ""), "")
        state, resource = given.get("state", ""), given.get("resource", "")
        asked = {**given, "limit": SHOWN, **({"state": [state]} if state else {})}
        query = decoded(ListQuery, asked)
        shown: Any
        after, shown = await work.do(lambda: (_position(backend), api.list_runs(call(visit, query)).document))
        older = None if shown["next"] is None else "/?" + shown["next"].partition("?")[2]
        return page(
            "runs.html", visitor=visit.visitor, here="/", after=after, runs=shown["runs"], next=older,
            states=list(RunState), resources=registry.names(), chosen={"state": state, "resource": resource},
            note=note,
        )  # fmt: skip

    async def one_run(visit: Visit) -> Response:
        found = await work.do(lambda: _run(call(visit, ErrorsQuery(limit=FAILED_SHOWN))))
        note = _NOTES.get(visit.request.query_params.get("note", ""), "")
        return page("run.html", visitor=visit.visitor, here="", note=note, **found)

    async def ask_cancel(visit: Visit) -> Response:
        found = await work.do(lambda: api.show_run(call(visit)).document)
        return page("cancel.html", visitor=visit.visitor, here="", run=found)

    def changed(verb: str) -> Page:
        async def act(visit: Visit) -> Response:
            body = decoded(Because, {"reason": visit.form.get("reason", "")})
            done: Any = await work.do(lambda: VERBS[verb](call(visit, body=body)).document)
            return RedirectResponse("/?note=delete" if verb == "delete" else f"/runs/{done['run']}?note={verb}", 303)

        return act

    async def coverage(visit: Visit) -> Response:
        year = visit.request.query_params.get("year")
        query = decoded(stored.PrayerQuery, {"limit": CITIES_SHOWN, **({"year": year} if year else {})})
        found = await work.do(lambda: _coverage(lambda **path: call(visit, query if path else None, **path)))
        return page("coverage.html", visitor=visit.visitor, here="/coverage", **found)

    async def workers(visit: Visit) -> Response:
        found = await work.do(lambda: (_position(backend), _fleet(call(visit))))
        return page("fleet.html", visitor=visit.visitor, here="/fleet", after=found[0], **found[1])

    return [
        door("/", all_runs, guard),
        door("/runs/{run}", one_run, guard),
        door("/runs/{run}/cancel", ask_cancel, guard, role=Role.OPERATE),
        *(door(f"/runs/{{run}}/{verb}", changed(verb), guard, role=Role.OPERATE, method="POST") for verb in VERBS),
        door("/coverage", coverage, guard),
        door("/fleet", workers, guard),
        *order_routes(backend, guard, work),
        Mount("/static", StaticFiles(packages=[("synctl.web", "static")])),
    ]


_NOTES: Final = {
    "created": "Queued.",
    "active": "It exists already and is active: nothing new is queued.",
    "fresh": "It succeeded today: there is nothing to do. Queue it with “Sync again” to have it anew.",
    "retried": "Only what was left of it was queued again.",
    "forced": "All of it was queued again.",
    "pause": "It was asked to pause.",
    "resume": "It was queued again, to go on where it stopped.",
    "cancel": "It was asked to cancel.",
    "retry": "What was not done was queued again.",
    "delete": "The run is deleted; what it synced is kept.",
}
"""What a page says after a change, by the word in its URL: a text there would be anybody's."""


def _position(backend: Backend) -> int:
    """Return the id of the newest event: read before the page, so that what comes while it is made is told again."""
    with backend.database.read() as transaction:
        return events.latest(transaction)


def _run(call: Call) -> dict[str, Any]:
    after = _position(call.backend)
    with call.backend.database.read() as transaction:
        run = api.named(call, transaction)
        per_cell = max(1, -(-run.total // CELLS))
        grid = pages.unit_grid(transaction, run, per_cell)
        happened = events.of_run(transaction, run.id, api.MOST_EVENTS)
    told: Any = api.list_errors(call).document
    causes = [
        (f"{one['count']:,}", one["error"], one["http_status"] or "", one["message"], one["sample"])
        for one in told["causes"]
    ]
    return {
        "after": after,
        "run": call.backend.views([run])[0].as_json(),
        "ended": run.state in TERMINAL,
        "at_work": run.state in LIVE,
        "all_pruned": run.pruned_at is not None and not grid.cells,
        "grid": grid.cells,
        "per_cell": per_cell,
        "counts": grid.counts,
        "causes": causes,
        "causes_among": api.CAUSES_AMONG if run.failed > api.CAUSES_AMONG else None,
        "failed_units": [(one["unit"], one["attempts"], one["message"] or "") for one in told["units"]],
        "more_failed": told["next"] is not None,
        "timeline": [(moment(one.at), one.event, one.state, one.who, one.origin, one.reason or "") for one in happened],
    }


def _coverage(call: Callable[..., Call]) -> dict[str, Any]:
    overview: Any = stored.show_coverage(call()).document
    prayer: Any = stored.show_resource_coverage(call(resource="prayer")).document
    others = [name for name in registry.names() if name != "prayer"]
    editions: dict[str, Sequence[Sequence[object]]] = {}
    for name in others:
        plain = call(resource=name)
        found: Any = stored.show_resource_coverage(
            Call(plain.backend, plain.actor, plain.path, stored.PrayerQuery(), None)
        ).document
        editions[name] = [
            (
                one["edition"],
                one["language"],
                one["state"],
                f"{one['texts']:,}",
                moment(one["synced_at"]) if one["synced_at"] else "",
            )
            for one in found["editions"]
        ]
    year = call(resource="prayer").query.year
    return {
        "overview": [
            (
                one["resource"], f"{one['units']:,}", f"{one['rows']:,}",
                f"{one['first']} to {one['last']}" if one["first"] else "",
                moment(one["oldest"]), moment(one["newest"]), ", ".join(one["sources"]),
            )
            for one in overview["resources"]
        ],
        "year": year or stored.this_year(),
        "cities": prayer["cities"],
        "cut": len(prayer["cities"]) == CITIES_SHOWN,
        "months": MONTHS,
        "editions": editions,
    }  # fmt: skip


def _fleet(call: Call) -> dict[str, Any]:
    alive: Any = fleet.show_workers(call).document
    budgets: Any = fleet.show_budgets(call).document
    schedules: Any = fleet.show_schedules(call).document
    return {
        "queues": [(one["queue"], one["waiting"], one["workers"]) for one in alive["queues"]],
        "workers": [
            (one["worker"], one["queue"], one["state"], one["host"], one["pid"], moment(one["last_heartbeat"][:19]))
            for one in alive["workers"]
        ],
        "budgets": [
            (
                one["host"], one["source"], f"{one['rate']:g}" if one["rate"] else "no limit",
                f"{one['under_way']} of {one['most'] or 'any number'}",
                f"{one['ahead_s']:.1f} s ahead" if one["ahead_s"] else "none",
                f"for {one['closed_s']:.0f} s: {one['why']}" if one["closed_s"] else "",
            )
            for one in budgets["budgets"]
        ],
        "schedules": [
            (
                one["schedule"], f"{one['words']}, {one['timezone']}", " ".join(one["arguments"]),
                moment(one["next"][0]) if one["next"] else "never",
                f"{one['slots'][0]['state']} {one['slots'][0]['run'] or ''}" if one["slots"] else "",
            )
            for one in schedules["schedules"]
        ],
    }  # fmt: skip
