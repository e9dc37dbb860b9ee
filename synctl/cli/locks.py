"""`synctl locks`: who works on what, and who waits for it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from synctl.cli.listing import draw
from synctl.cli.options import JsonOption
from synctl.cli.output import duration, emit, say
from synctl.cli.session import open_session
from synctl.engine.holders import holders

NAMED: Final = 3
"""Runs that wait are named, the next ones first; more of them are counted."""


def locks(json: JsonOption = False) -> None:
    """Show who holds which run: worker, host, pid, for how long, last heartbeat, and the runs that wait for it.

    Runs that store the same rows take turns; one that waits for a queued run is in `synctl status`.
    A holder that died loses its run after `redis.lease_ttl`
    seconds: the run goes on elsewhere (`synctl reap --dry-run` tells what is about to be settled).

    \b
    Examples:
      synctl locks
      synctl locks --json | jq '.[] | select(.heartbeat_age_s > 5)'

    Exit codes: 0 shown, 2 wrong configuration, 5 the database is not set up, 10 Redis or database unreachable.
    """
    with open_session() as session:
        client = session.live_client
        with session.database.read() as transaction:
            found = holders(transaction, client)
    if json:
        emit([one.as_json() for one in found])
        return
    if not found:
        say("Nothing is held: no run is being worked on.")
        return
    rows = [
        (
            one.run.id,
            str(one.run.state),
            f"{one.host}:{one.pid or '?'}",
            duration(one.held_s),
            "none" if one.heartbeat_s is None else f"{duration(one.heartbeat_s)} ago",
            _named(one.waiting),
        )
        for one in found
    ]
    columns = [
        ("RUN", "left"), ("STATE", "left"), ("HOLDER", "left"), ("HELD", "right"), ("HEARTBEAT", "right"),
        ("WAITING", "left"),
    ]  # fmt: skip
    draw(columns, rows, expendable=("HELD",), elastic="WAITING", state="STATE")


def _named(waiting: Sequence[str]) -> str:
    more = len(waiting) - NAMED
    return ", ".join(waiting[:NAMED]) + (f" and {more:,} more" if more > 0 else "")
