"""`synctl status`: all runs, or one in full."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from synctl.cli.listing import draw
from synctl.cli.options import JsonOption, SinceOption, parse_since
from synctl.cli.output import age, duration, emit, say
from synctl.cli.session import Session, open_session
from synctl.clock import iso, now_ms
from synctl.errors import UsageError
from synctl.states import ACTIVE, RunState
from synctl.suggest import did_you_mean
from synctl.words import shortened

if TYPE_CHECKING:
    from synctl.engine.view import RunView

LISTED = 30


def status(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="A run id, or an unambiguous part of it.")] = None,
    state: Annotated[
        list[str] | None,
        typer.Option("--state", metavar="STATE", help="Only runs in this state, or `active`. Repeatable."),
    ] = None,
    resource: Annotated[
        str | None, typer.Option("--resource", metavar="NAME", help="Only runs of this resource.")
    ] = None,
    since: SinceOption = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Show at most N runs.")] = LISTED,
    json: JsonOption = False,
) -> None:
    """Show all runs, active ones first, or one with its errors, lease, rate and ETA. Changes nothing.

    --since leaves out what had ended by then.

    \b
    Examples:
      synctl status
      synctl status --state failed --state partial --since 2d
      synctl status prayer-20261124-1f0c7e2ab4
      synctl status --json | jq '.[].state'

    Exit codes: 0 shown, 2 no such run or state, 5 the database is of another version, or with RUN not set up,
    10 Redis or database unreachable.
    """
    with open_session() as session:
        if session.revision is None and run is None:
            emit([]) if json else say("Nothing here yet. Start with `synctl up`, then `synctl enqueue prayer`.")
        elif run is not None:
            _one(session, run, json=json)
        else:
            _all(session, _Filter(_states(state), resource, parse_since(since), limit), json=json)


class _Filter(msgspec.Struct, frozen=True):
    states: set[RunState] | None
    resource: str | None
    since: int | None
    limit: int

    @property
    def narrows(self) -> bool:
        return (self.states, self.resource, self.since) != (None, None, None)


def _all(session: Session, wanted: _Filter, *, json: bool) -> None:
    from synctl.store import runs  # noqa: PLC0415

    with session.database.read() as transaction:
        found = runs.listing(
            transaction, states=wanted.states, resource=wanted.resource, since=wanted.since or 0, limit=wanted.limit + 1
        )
    more, found = len(found) > wanted.limit, found[: wanted.limit]
    if not found and wanted.resource is not None:
        _require(wanted.resource)
    current = session.views(found)
    if json:
        emit([view.as_json() for view in current])
        return
    if not current:
        say(
            "No such runs. `synctl status` shows all."
            if wanted.narrows
            else "No runs. Queue one with `synctl enqueue prayer`."
        )
        return
    now = now_ms()
    rows = [
        (
            view.run.id,
            str(view.run.state),
            f"{view.done:,}/{view.run.total:,}",
            f"{view.failed:,}" if view.failed else "",
            f"{view.rows:,}",
            f"{view.live.unit_rate:,.0f}/s" if view.run.state is RunState.RUNNING and view.live.unit_rate else "",
            duration(view.eta_s) if view.eta_s is not None else "",
            age(view.run.created_at, now),
            shortened(view.run.label),
        )
        for view in current
    ]
    columns = [
        ("RUN", "left"), ("STATE", "left"), ("UNITS", "right"), ("FAILED", "right"), ("ROWS", "right"),
        ("RATE", "right"), ("LEFT", "right"), ("AGE", "right"), ("WHAT", "left"),
    ]  # fmt: skip
    draw(columns, rows, expendable=("ROWS", "AGE", "RATE"), state="STATE", extra="WHAT")
    for view in current:
        if view.note and view.run.state in ACTIVE:
            say(f"{view.run.id}: {view.note}")
    if more:
        say(f"The first {wanted.limit}; --limit shows more.")


def _require(resource: str) -> None:
    from synctl.engine import registry  # noqa: PLC0415 - only where nothing was found

    registry.require(resource)


def _one(session: Session, name: str, *, json: bool) -> None:
    from synctl.store import runs  # noqa: PLC0415
    from synctl.store.units import causes  # noqa: PLC0415

    with session.database.read() as transaction:
        run = runs.get(transaction, name)
        failures = causes(transaction, run.seq)
    view = session.views([run])[0]
    if json:
        emit({**view.as_json(), "errors": [cause.as_json() for cause in failures]})
        return
    fields = [
        ("run", run.id),
        ("what", run.label),
        ("source", run.source),
        ("state", f"{run.state}{f' ({view.note})' if view.note else ''}"),
        (
            "units",
            f"{view.done:,} done, {view.failed:,} failed, {run.total - view.done - view.failed:,} open",
        ),
        ("of these", _of_these(view)),
        ("rows", f"{view.rows:,} verified, {run.changed:,} of them new or changed"),
        ("queued", iso(run.created_at)),
        ("started", iso(run.started_at) if run.started_at else "-"),
        ("ended", f"{iso(run.finished_at)} after {duration(view.elapsed_s)}" if run.finished_at else "-"),
    ]
    if run.state is RunState.RUNNING:
        fields.append(
            (
                "rate",
                f"{view.live.unit_rate:,.1f} units/s, {view.live.row_rate:,.0f} rows/s, {duration(view.eta_s)} left",
            )
        )
    fields.extend(
        ("lease", f"{one.holder}, heartbeat {duration((now_ms() - one.at) / 1000)} ago, at {one.current or '-'}")
        for one in (view.live.holding if view.holders else ())
    )
    for name_, value in fields:
        if value:
            say(f"{name_:>8}  {value}")
    for cause in failures:
        say(f"{'error':>8}  {cause.count:,} × {cause.error_class}: {cause.message}")
    if run.pruned_at is not None:
        say(f"{'pruned':>8}  {iso(run.pruned_at)}: units done by then are counted, not listed")
    if failures:
        say(f"{'':>8}  `synctl errors {run.id}` lists the units, `synctl retry {run.id}` queues them again")
    if view.quarantined:
        say(f"{'':>8}  `synctl quarantine list --resource {run.resource}` shows what broke which rule")


def _of_these(view: RunView) -> str:
    counts = {"quarantined": view.quarantined, "unchanged": view.unchanged}
    return ", ".join(f"{number:,} {word}" for word, number in counts.items() if number)


def _states(words: list[str] | None) -> set[RunState] | None:
    if not words:
        return None
    states: set[RunState] = set()
    for word in words:
        if word == "active":
            states |= ACTIVE
        elif word in set(RunState):
            states.add(RunState(word))
        else:
            raise UsageError(
                f"no state {shortened(repr(word))}{did_you_mean(word, RunState)}",
                hint=f"one of: {', '.join(RunState)}, active",
            )
    return states
