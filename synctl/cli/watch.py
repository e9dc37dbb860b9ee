"""`synctl watch`: follow runs live, on a full screen, as lines, or as events."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from typing import Annotated

import typer

from synctl.cli.follow import Look, follow, line
from synctl.cli.options import JsonOption
from synctl.cli.output import emit, say, warn
from synctl.cli.session import Session, open_session
from synctl.engine import events
from synctl.engine.view import RunView
from synctl.errors import ExitCode, UsageError
from synctl.states import RESTING

EVENTS_S = 0.2
"""Between looks for events."""


def watch(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="RUN", help="Runs to follow; all active ones by default."),
    ] = None,
    exit_with: Annotated[
        bool, typer.Option("--exit", help="End when the runs have ended, with their exit code.")
    ] = False,
    after: Annotated[
        int | None,
        typer.Option("--after", metavar="ID", min=0, help="--json: every event after this one, and all that follow."),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Follow runs. On a terminal a full screen with keys (? lists them), which stays until q.

    Where runs are named, or with --exit, it ends when they have ended or are paused. Not a terminal: a line per
    change. --json: an event a line. Watching changes nothing; Ctrl-C and q end the watching, not the runs.

    \b
    Examples:
      synctl watch
      synctl watch prayer-20261124-1f0c7e2ab4 --exit
      synctl watch --json --after 1200

    Exit codes: 0 ended, or left with q; with --exit 0 succeeded, 3 partial, 4 failed, 6 paused, 7 cancelled,
    9 upstream unavailable; 2 no such run, 5 the database is not set up, 10 Redis or database unreachable,
    130 interrupted.
    """
    if after is not None and not json:
        raise UsageError("--after is of events", hint="add --json")
    with open_session() as session:
        screen = not json and sys.stdout.isatty()
        with session.database.read() as transaction:
            found = events.followed(transaction, runs or ())
        chosen = [run.id for run in found]
        if not screen:
            session.views(found)  # a Redis that is not there is told at once; it is waited for if it goes away
        if json:
            ended = _events(session, runs or (), chosen, after)
        elif screen and not (runs or exit_with):
            ended = _screen(session, ())
        elif not chosen:
            say("No run is queued or running. Queue one with `synctl enqueue prayer`.")
            return
        elif screen:
            ended = _screen(session, chosen)
        else:
            ended = follow(session, chosen, draw=True, json=False)
    if exit_with:
        raise typer.Exit(max((view.exit_code for view in ended), default=ExitCode.OK))


def _screen(session: Session, named: Sequence[str]) -> list[RunView]:
    from synctl.cli.live.loop import live  # noqa: PLC0415 - rich only where it draws
    from synctl.cli.live.terminal import Ended  # noqa: PLC0415

    try:
        ended = live(session, named)
    except Ended as end:
        raise SystemExit(128 + end.number) from None
    except KeyboardInterrupt:
        warn("stopped watching; the runs go on")
        raise SystemExit(ExitCode.INTERRUPTED) from None
    for view in ended if named else ():
        say(line(view))
    return ended


def _events(session: Session, named: Sequence[str], chosen: Sequence[str], after: int | None) -> list[RunView]:
    """Write events: of runs until they rest, or after an id of all runs, until somebody ends it."""
    current: list[RunView] = []
    look = Look(session, chosen if named or after is None else None)

    def seen() -> list[RunView]:
        current[:] = look()
        return current

    with session.database.read() as transaction:
        start = events.latest(transaction) if after is None else after
    follower = events.Follower(session.database, seen, start, () if after is not None and not named else chosen)
    endless = after is not None and not named
    try:
        while True:
            rested = not endless and all(view.run.state in RESTING for view in seen())
            for event in follower.news():
                emit(event.as_json())
            sys.stdout.flush()
            if rested:  # before the events were read, so that none is missing
                return current
            time.sleep(EVENTS_S)
    except KeyboardInterrupt:
        raise SystemExit(ExitCode.INTERRUPTED) from None
