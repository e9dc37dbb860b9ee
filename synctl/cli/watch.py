"""`synctl watch`: follow runs live."""

from __future__ import annotations

from typing import Annotated

import typer

from synctl.cli.follow import follow
from synctl.cli.options import JsonOption
from synctl.cli.output import emit, say
from synctl.cli.session import open_session
from synctl.states import ACTIVE, RunState
from synctl.store import runs as store


def watch(
    runs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[RUN...]", help="Runs to follow; all active ones by default."),
    ] = None,
    exit_with: Annotated[bool, typer.Option("--exit", help="End with the exit code of the run.")] = False,
    json: JsonOption = False,
) -> None:
    """Follow runs with a moving bar each until they end or are paused; a line per change when not a terminal.

    Watching changes nothing: Ctrl-C ends the watching, not the runs.

    \b
    Examples:
      synctl watch
      synctl watch prayer-20261124-1f0c7e2ab4 --exit

    Exit codes: 0 ended; with --exit 0 succeeded, 3 partial, 4 failed, 6 paused, 7 cancelled, 9 upstream
    unavailable; 2 no such run, 5 the database is not set up, 10 Redis or database unreachable,
    130 interrupted.
    """
    with open_session() as session:
        with session.database.read() as transaction:
            if runs:
                chosen = [store.get(transaction, name).id for name in runs]
            else:
                active = ACTIVE - {RunState.PAUSED}
                chosen = [run.id for run in store.listing(transaction, states=active)]
        if not chosen:
            emit([]) if json else say("No run is active. Queue one with `synctl enqueue prayer`.")
            return
        ended = follow(session, chosen, draw=True, json=json)
    if exit_with:
        raise typer.Exit(max(view.exit_code for view in ended))
