"""`synctl pause`, `resume`, `cancel`, `delete` and `retry`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from synctl.cli.follow import follow, line
from synctl.cli.options import JsonOption, ReasonOption, RunArgument, RunsArgument
from synctl.cli.output import count, emit, say
from synctl.cli.session import Session, open_session
from synctl.engine.enqueue import Order, Why
from synctl.states import TERMINAL, RunState
from synctl.store.runs import Run

WaitOption = Annotated[bool, typer.Option("--wait", help="Return when it is a fact, however long that takes.")]
PROMPT_S = 1.0
"""A request becomes a fact within a quarter of a second: without --wait we look that long, to report the fact."""


def pause(runs: RunsArgument, wait: WaitOption = False, reason: ReasonOption = "", json: JsonOption = False) -> None:
    """Pause runs: workers stop within a quarter of a second and are free for other runs; nothing done is lost.

    \b
    Examples:
      synctl pause prayer-20261124-1f0c7e2ab4 --reason "upstream maintenance"
      synctl pause 1f0c7e2ab4 --wait

    Exit codes: 0 paused or asked to, 2 no such run or it has ended, 5 the database is not set up,
    10 Redis or database unreachable.
    """
    resting = TERMINAL | {RunState.PAUSED}
    _each(runs, json, lambda s, name: _settled(s, s.control.pause(name, reason), resting, wait=wait))


def resume(runs: RunsArgument, wait: WaitOption = False, reason: ReasonOption = "", json: JsonOption = False) -> None:
    """Queue paused runs again; they go on at the next unit not committed. --wait: until they run.

    \b
    Example:
      synctl resume prayer-20261124-1f0c7e2ab4

    Exit codes: 0 queued or running, 2 no such run or it is not paused, 5 the database is not set up,
    10 Redis or database unreachable.
    """
    started = TERMINAL | {RunState.RUNNING}

    def act(session: Session, name: str) -> Run:
        run = session.control.resume(name, reason)
        return session.control.wait(run.id, lambda one: one.state in started, None) if wait else run

    _each(runs, json, act)


def cancel(runs: RunsArgument, wait: WaitOption = False, reason: ReasonOption = "", json: JsonOption = False) -> None:
    """Cancel runs for good. What they stored stays; `synctl retry` would go on with the rest.

    \b
    Examples:
      synctl cancel prayer-20261124-1f0c7e2ab4 --reason "wrong year"

    Exit codes: 0 cancelled or asked to, 2 no such run or it has ended, 5 the database is not set up,
    10 Redis or database unreachable.
    """
    _each(runs, json, lambda s, name: _settled(s, s.control.cancel(name, reason), TERMINAL, wait=wait))


def delete(runs: RunsArgument, reason: ReasonOption = "", json: JsonOption = False) -> None:
    """Remove runs that nobody works on, with their ledger and progress; never what they synced.

    \b
    Example:
      synctl delete prayer-20261124-1f0c7e2ab4

    Exit codes: 0 deleted, 2 no such run, 5 the database is not set up, 8 it is running,
    10 Redis or database unreachable.
    """
    with open_session() as session:
        for name in runs:
            run = session.control.delete(name, reason)
            emit({"run": run.id, "deleted": True}) if json else say(f"{run.id} deleted; what it synced stays")


def retry(
    run: RunArgument,
    wait: Annotated[bool, typer.Option("--wait", help="Return when the run has ended, with its exit code.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the run live, then as --wait.")] = False,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Queue only the units of an ended run that are not done, in the same run.

    \b
    Example:
      synctl retry prayer-20261124-1f0c7e2ab4 --watch

    Exit codes: 0 queued or nothing to do; with --wait 0 succeeded, 3 partial, 4 failed, 6 paused, 7 cancelled;
    2 no such run, 5 the database is not set up, 9 upstream unavailable, 10 Redis or database unreachable.
    """
    with open_session() as session:
        found = session.enqueuer.retry(run, Order(reason=reason))
        if json:
            emit(found.as_retry_json())
        else:
            texts = {
                Why.ACTIVE: f"is {found.run.state} already",
                Why.FRESH: "has nothing to retry: it succeeded",
            }
            say(f"{found.run.id}  {texts.get(found.why, count(found.reopened, 'unit') + ' queued again')}")
        if wait or watch:
            ended = follow(session, [found.run.id], draw=watch, json=json and watch)[0]
            if not (json or watch):
                say(line(ended))
            raise typer.Exit(ended.exit_code)


def _settled(session: Session, run: Run, resting: frozenset[RunState], *, wait: bool) -> Run:
    return session.control.wait(run.id, lambda one: one.state in resting, None if wait else PROMPT_S)


def _each(names: list[str], json: bool, act: Callable[[Session, str], Run]) -> None:
    with open_session() as session:
        for name in names:
            run = act(session, name)
            if json:
                emit(session.views([run])[0].as_json())
            else:
                say(f"{run.id} {run.state}, {run.done:,} of {run.total:,} units done")
