"""`synctl logs`: what workers, the supervisor and `schedule run` of this machine logged."""

from __future__ import annotations

import socket
import sys
import time
from collections.abc import Iterable
from contextlib import closing
from typing import Annotated

import msgspec
import typer

from synctl.cli.options import JsonOption
from synctl.cli.output import emit, say, warn
from synctl.cli.session import Session, open_session
from synctl.errors import NotFound, UsageError
from synctl.log import FILE_NAME, LEVELS, Follower, Line, last_lines
from synctl.states import TERMINAL
from synctl.store import runs
from synctl.suggest import did_you_mean
from synctl.words import shortened

SHOWN = 100
LOOK_S = 0.25
"""Between looks for new lines."""
STYLES = {"error": "bold red", "warning": "yellow", "debug": "dim"}


def logs(
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="Only lines of this run.")] = None,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on with new lines, until the run has ended or Ctrl-C.")
    ] = False,
    level: Annotated[
        str, typer.Option("--level", metavar="LEVEL", help="At least this: debug, info, warning or error.")
    ] = "debug",
    lines: Annotated[int, typer.Option("--lines", "-n", metavar="N", min=0, help="The last N lines.")] = SHOWN,
    json: JsonOption = False,
) -> None:
    """Show the log of a run, or of all that runs on this machine. Changes nothing. --json: one line an object.

    Workers on other machines log there. `log.level` says what is logged.

    \b
    Examples:
      synctl logs
      synctl logs prayer-20261124-1f0c7e2ab4 --level warning
      synctl logs 1f0c7e2ab4 --follow
      synctl logs --json --lines 1000 | jq 'select(.level == "error").message'

    Exit codes: 0 shown, 1 its files may not be read, 2 no such run or level, 5 the database is not set up,
    10 database unreachable, 130 interrupted.
    """
    if level not in LEVELS:
        raise UsageError(
            f"no level {shortened(repr(level))}{did_you_mean(level, LEVELS)}", hint=f"one of: {', '.join(LEVELS)}"
        )
    with open_session() as session:
        path = session.settings.logs_dir / FILE_NAME
        name = _named(session, run) if run else None
        with closing(Follower(path, run=name, level=level)) as follower:
            found = last_lines(path, lines, run=name, level=level) if lines else []
            _write(found, name, json=json)
            if follow:
                _follow(session, follower, name, json=json)
            elif not found and lines and not json:
                _nothing(session, name)


def _named(session: Session, name: str) -> str:
    """Return the id of a run; also of one that was deleted but is in the log yet."""
    try:
        with session.database.read() as transaction:
            return runs.get(transaction, name).id
    except NotFound:
        if last_lines(session.settings.logs_dir / FILE_NAME, 1, run=name):
            return name
        raise


def _write(found: Iterable[Line], run: str | None, *, json: bool) -> None:
    for line in found:
        if json:
            emit(msgspec.structs.asdict(line))
        else:
            _say(line, run)
    sys.stdout.flush()


def _say(line: Line, run: str | None) -> None:
    text, style = line.text(without=run), STYLES.get(line.level)
    if style is None or not sys.stdout.isatty():
        say(text)
        return
    from synctl.cli.output import console  # noqa: PLC0415 - rich only where it colours

    console().print(text, style=style, markup=False, soft_wrap=True)


def _follow(session: Session, follower: Follower, run: str | None, *, json: bool) -> None:
    while True:
        ended = run is not None and _ended(session, run)  # asked first: what it logged until then is shown
        _write(follower.new(), run, json=json)
        if ended:
            return
        time.sleep(LOOK_S)


def _ended(session: Session, run: str) -> bool:
    with session.database.read() as transaction:
        found = runs.find(transaction, run)
    return found is None or found.state in TERMINAL


def _nothing(session: Session, run: str | None) -> None:
    if run is None:
        logged = (session.settings.logs_dir / FILE_NAME).exists()
        told = "No such line is logged" if logged else "Nothing is logged"
        say(f"{told} on this machine.{'' if logged else ' Workers log once they are up: `synctl up`.'}")
        return
    with session.database.read() as transaction:
        events = runs.events(transaction, run)
    hosts = {event["origin"].partition(":")[0] for event in events if event["who"].startswith("worker ")}
    elsewhere = sorted(hosts - {socket.gethostname()})
    if elsewhere:
        warn(f"no such line of {run} is on this machine; its workers ran on {', '.join(elsewhere)}")
    else:
        say(f"No such line of {run} is on this machine. `synctl history {run}` tells what happened to it.")
