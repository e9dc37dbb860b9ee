"""`synctl pause`, `resume`, `cancel`, `delete` and `retry`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from synctl.cli.follow import follow, line
from synctl.cli.options import JsonOption, ReasonOption, RunsArgument
from synctl.cli.output import count, emit, say
from synctl.cli.session import Session, open_session
from synctl.cli.targets import (
    AllOption,
    OnlyResourceOption,
    RunsOrAllArgument,
    Targets,
    YesOption,
    ask,
    named,
)
from synctl.engine.enqueue import Enqueued, Order, Why
from synctl.errors import ExitCode, IllegalTransition, NotFound, SynctlError
from synctl.states import ACTIVE, RESTING, TERMINAL, RunState
from synctl.store.runs import Run

WaitOption = Annotated[bool, typer.Option("--wait", help="Return when it is a fact, however long that takes.")]
PROMPT_S = 1.0
"""A request becomes a fact within a quarter of a second: without --wait we look that long, to report the fact."""


def pause(
    runs: RunsOrAllArgument = None,
    everything: AllOption = False,
    resource: OnlyResourceOption = None,
    wait: WaitOption = False,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Pause runs: workers stop within a quarter of a second and are free for other runs; nothing done is lost.

    --all pauses what is queued or running; what is queued later is not paused.

    \b
    Examples:
      synctl pause prayer-20261124-1f0c7e2ab4 --reason "upstream maintenance"
      synctl pause 1f0c7e2ab4 --wait
      synctl pause --all --resource prayer --wait

    Exit codes: 0 paused or asked to, or --all found none; 2 no such run or it has ended, 5 the database is not set up,
    10 Redis or database unreachable.
    """
    wanted = Targets("pause", runs, everything, resource, ACTIVE - {RunState.PAUSED, RunState.CANCELLING})
    _each(wanted, json, lambda s, run: s.control.pause(run.id, reason), lambda s, run: _settled(s, run, RESTING, wait))


def resume(
    runs: RunsOrAllArgument = None,
    everything: AllOption = False,
    resource: OnlyResourceOption = None,
    wait: WaitOption = False,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Queue paused runs again; they go on at the next unit not committed. --wait: until they run.

    \b
    Examples:
      synctl resume prayer-20261124-1f0c7e2ab4
      synctl resume --all

    Exit codes: 0 queued or running, or --all found none; 2 no such run or it is not paused, 5 the database is not
    set up, 10 Redis or database unreachable.
    """
    started = TERMINAL | {RunState.RUNNING}
    wanted = Targets("resume", runs, everything, resource, {RunState.PAUSED, RunState.PAUSING})

    def settle(session: Session, run: Run) -> Run:
        return session.control.wait(run.id, lambda one: one.state in started, None) if wait else run

    _each(wanted, json, lambda session, run: session.control.resume(run.id, reason), settle)


def cancel(
    runs: RunsOrAllArgument = None,
    everything: AllOption = False,
    resource: OnlyResourceOption = None,
    yes: YesOption = False,
    wait: WaitOption = False,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Cancel runs for good. What they stored stays; `synctl retry` would go on with the rest.

    --all cancels what is queued, running or paused; it asks first, and where it cannot ask it needs --yes.

    \b
    Examples:
      synctl cancel prayer-20261124-1f0c7e2ab4 --reason "wrong year"
      synctl cancel --all --yes --reason "wrong database"

    Exit codes: 0 cancelled or asked to, or --all found none; 2 no such run or it has ended, or --yes is missing;
    5 the database is not set up, 10 Redis or database unreachable, 130 you said no.
    """
    wanted = Targets("cancel", runs, everything, resource, ACTIVE)
    _each(
        wanted,
        json,
        lambda session, run: session.control.cancel(run.id, reason),
        lambda session, run: _settled(session, run, TERMINAL, wait),
        confirm=lambda found: None if yes or not everything else ask("cancel", found),
    )


def delete(runs: RunsArgument, reason: ReasonOption = "", json: JsonOption = False) -> None:
    """Remove runs that nobody works on, with their ledger and progress; never what they synced.

    \b
    Example:
      synctl delete prayer-20261124-1f0c7e2ab4

    Exit codes: 0 deleted, 2 no such run, 5 the database is not set up, 8 it is running,
    10 Redis or database unreachable.
    """
    with open_session() as session:
        for one in named(session, runs):
            run = session.control.delete(one.id, reason)
            emit({"run": run.id, "deleted": True}) if json else say(f"{run.id} deleted; what it synced stays")


def retry(
    runs: RunsArgument,
    wait: Annotated[
        bool, typer.Option("--wait", help="Return when the runs have ended, with their exit code.")
    ] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the runs live, then as --wait.")] = False,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Queue only the units of ended runs that are not done, each in the same run. --json: one object a line.

    \b
    Examples:
      synctl retry prayer-20261124-1f0c7e2ab4 --watch
      synctl retry $(synctl status --state failed --since 1d --json | jq -r '.[].run')

    Exit codes: 0 queued or nothing to do; with --wait 0 succeeded, 3 partial, 4 failed, 6 paused, 7 cancelled, of
    several runs the highest; 2 no such run, 5 the database is not set up, 9 upstream unavailable,
    10 Redis or database unreachable.
    """
    with open_session() as session:
        found = []
        for run in named(session, runs):
            found.append(session.enqueuer.retry(run.id, Order(reason=reason)))
            emit(found[-1].as_retry_json()) if json else say(_retried(found[-1]))
        if wait or watch:
            ended = follow(session, [one.run.id for one in found], draw=watch, json=json and watch, hindrances=not json)
            for view in () if json or watch else ended:
                say(line(view))
            raise typer.Exit(max((view.exit_code for view in ended), default=ExitCode.OK))


def _retried(found: Enqueued) -> str:
    texts = {
        Why.ACTIVE: f"is {found.run.state} already",
        Why.FRESH: "has nothing to retry: it succeeded",
    }
    return f"{found.run.id}  {texts.get(found.why, count(found.reopened, 'unit') + ' queued again')}"


def _settled(session: Session, run: Run, resting: frozenset[RunState], wait: bool) -> Run:
    return session.control.wait(run.id, lambda one: one.state in resting, None if wait else PROMPT_S)


def _each(
    wanted: Targets,
    json: bool,
    request: Callable[[Session, Run], Run],
    settle: Callable[[Session, Run], Run],
    confirm: Callable[[Sequence[Run]], None] = lambda _found: None,
) -> None:
    """Request it of all runs, then see it through one after the other: waiting for the first holds up no other."""
    with open_session() as session:
        found = wanted.found(session)
        if found:
            confirm(found)
        elif not json:
            say(f"No run to {wanted.verb}.")
        requested: list[Run] = []
        refused: SynctlError | None = None
        for run in found:
            try:
                requested.append(request(session, run))
            except (IllegalTransition, NotFound) as error:
                if not wanted.everything:  # of all runs, one may have ended just now
                    refused = error
                    break
        for run in requested:
            _report(session, settle(session, run), json=json)
        if refused is not None:
            raise refused


def _report(session: Session, run: Run, *, json: bool) -> None:
    if json:
        emit(session.views([run])[0].as_json())
    else:
        say(f"{run.id} {run.state}, {run.done:,} of {run.total:,} units done")
