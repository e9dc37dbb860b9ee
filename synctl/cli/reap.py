"""`synctl reap`: settle what dead workers left."""

from __future__ import annotations

from typing import Annotated

import typer

from synctl.cli.options import JsonOption
from synctl.cli.output import emit, say
from synctl.cli.session import open_session
from synctl.engine.reaper import Reaper
from synctl.store.runs import Actor


def reap(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be done; change nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Settle dead leases and queue from the ledger what was lost. `up` and idle workers do it by themselves.

    \b
    Examples:
      synctl reap --dry-run
      synctl reap

    Exit codes: 0 done or nothing to do, 2 wrong configuration, 5 the database is not set up,
    10 Redis or database unreachable.
    """
    with open_session() as session:
        reaper = Reaper(session.database, session.client, session.connection, Actor.this_process())
        found = reaper.look() if dry_run else reaper.reap()
    if json:
        emit([{"run": one.run_id, "what": one.what, "action": one.action, "done": not dry_run} for one in found])
    elif found:
        for one in found:
            say(f"{one.run_id}: {one.what}: {'would ' if dry_run else ''}{one.action}")
    else:
        say("Nothing to settle.")
