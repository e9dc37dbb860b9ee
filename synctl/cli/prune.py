"""`synctl prune`: remove what old runs left behind."""

from __future__ import annotations

from typing import Annotated

import typer

from synctl.cli.listing import draw
from synctl.cli.options import JsonOption, parse_age
from synctl.cli.output import count, emit, say
from synctl.cli.session import open_session
from synctl.clock import iso
from synctl.config.retention import SHORTEST_S
from synctl.engine.retention import limits, remove
from synctl.errors import UsageError
from synctl.store import retention
from synctl.store.retention import Old, Scope, Size
from synctl.store.runs import Actor


def prune(
    older_than: Annotated[
        str | None,
        typer.Option("--older-than", metavar="AGE", help="Units of runs that ended so long ago; else retention.units."),
    ] = None,
    runs_older_than: Annotated[
        str | None,
        typer.Option("--runs-older-than", metavar="AGE", help="Runs that ended so long ago; else retention.runs."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be removed; change nothing.")] = False,
    json: JsonOption = False,
) -> None:
    """Remove the units of old runs, and old runs, never what they stored. Idle workers do it once an hour.

    What a run did is still told by its counters. Nothing of a run that has not ended is removed, nor what `retry`
    needs of the newest run of a selection.

    \b
    Examples:
      synctl prune --dry-run
      synctl prune --older-than 30d
      synctl prune --runs-older-than 365d --json | jq .run

    Exit codes: 0 removed or nothing to remove, 2 no such age, 5 the database is not set up, 10 database unreachable.
    """
    units_s, runs_s = parse_age(older_than, "--older-than"), parse_age(runs_older_than, "--runs-older-than")
    if runs_s is not None and runs_s < SHORTEST_S:
        raise UsageError(f"--runs-older-than must be at least {SHORTEST_S // 86_400}d")
    with open_session() as session:
        kept = session.settings.retention
        wanted = limits(
            kept.units_s if units_s is None else units_s,
            kept.runs_s if runs_s is None else runs_s,
        )
        with session.database.read() as transaction:
            found = [(one, retention.size(transaction, one)) for one in retention.old(transaction, wanted)]
        if not dry_run:
            for _ in remove(session.database, Actor.this_process(), wanted):
                pass
    if json:
        emit([_as_json(one, size, done=not dry_run) for one, size in found])
        return
    if not found:
        say("Nothing to prune: `synctl config show retention` says what is kept.")
        return
    columns = [("RUN", "left"), ("STATE", "left"), ("ENDED", "left"), ("REMOVED", "left")]
    draw(columns, [_row(one, size) for one, size in found], expendable=("ENDED",), elastic="REMOVED", state="STATE")
    if dry_run:
        say("Nothing was removed yet: that would be without --dry-run.")


def _as_json(one: Old, size: Size, *, done: bool) -> dict[str, object]:
    return {
        "run": one.run.id,
        "state": str(one.run.state),
        "finished_at": iso(one.run.finished_at or 0),
        "scope": str(one.scope),
        "units": size.units,
        "changes": size.changes,
        "done": done,
    }


def _row(one: Old, size: Size) -> tuple[str, str, str, str]:
    parts = [count(size.units, "unit"), *([count(size.changes, "change")] if size.changes else [])]
    what = ", ".join(["the run", *parts] if one.scope is Scope.RUN else parts)
    kept = "; those not done stay" if one.scope is Scope.DONE else ""
    return one.run.id, str(one.run.state), iso(one.run.finished_at or 0), f"{what}{kept}"
