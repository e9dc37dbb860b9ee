"""`synctl units`, `errors` and `history`: the ledger and the audit trail."""

from __future__ import annotations

from typing import Annotated

import typer

from synctl.cli.options import JsonOption, RunArgument
from synctl.cli.output import console, count, emit, emit_lines, say, table
from synctl.cli.session import open_session
from synctl.clock import iso
from synctl.states import UnitState
from synctl.store import runs
from synctl.store import units as ledger

LimitOption = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Show at most N.")]
SHOWN = 50
NOT_DONE = frozenset({UnitState.FAILED, UnitState.QUARANTINED})
ALL = 2**31


def units(
    run: RunArgument,
    state: Annotated[UnitState | None, typer.Option("--state", help="Only units in this state.")] = None,
    limit: LimitOption = None,
    json: JsonOption = False,
) -> None:
    """List the units of a run with state, attempts, rows and time. --json: one object a line, all of them.

    \b
    Examples:
      synctl units prayer-20261124-1f0c7e2ab4 --state failed
      synctl units 1f0c7e2ab4 --json | jq -r 'select(.took_ms > 1000).unit'

    Exit codes: 0 shown, 2 no such run, 5 the database is not set up, 10 database unreachable.
    """
    with open_session() as session, session.database.read() as transaction:
        found = runs.get(transaction, run)
        chosen = frozenset(UnitState) if state is None else {state}
        if json:
            emit_lines(ledger.as_json(found.id, row) for row in ledger.units(transaction, found.seq, chosen, limit))
            return
        shown = list(ledger.units(transaction, found.seq, chosen, limit or SHOWN))
        columns = [
            ("UNIT", "left"),
            ("STATE", "left"),
            ("TRIES", "right"),
            ("ROWS", "right"),
            ("MS", "right"),
            ("ERROR", "left"),
        ]
        rows = [
            (
                row["key"],
                row["state"],
                str(row["attempts"]),
                str(row["rows"] or ""),
                str(row["took_ms"] or ""),
                row["message"] or "",
            )
            for row in shown
        ]
    console().print(table(columns, rows, state_column=1))
    if limit is None and len(shown) == SHOWN:
        say(f"The first {SHOWN}; --limit shows more, --json all.")


def errors(run: RunArgument, limit: LimitOption = None, json: JsonOption = False) -> None:
    """Show why units failed: causes with counts, then the units. --json: one object a unit.

    \b
    Example:
      synctl errors prayer-20261124-1f0c7e2ab4

    Exit codes: 0 shown, 2 no such run, 5 the database is not set up, 10 database unreachable.
    """
    with open_session() as session, session.database.read() as transaction:
        found = runs.get(transaction, run)
        if json:
            failed = ledger.units(transaction, found.seq, NOT_DONE, limit)
            emit_lines(ledger.as_json(found.id, row) for row in failed)
            return
        causes = ledger.causes(transaction, found.seq)
        shown = list(ledger.units(transaction, found.seq, NOT_DONE, limit or SHOWN))
    if not causes:
        say(f"No unit of {found.id} failed.")
        return
    say(f"{found.id}: {count(found.failed, 'unit')} failed")
    rows = [
        (f"{cause.count:,}", cause.error_class, str(cause.http_status or ""), cause.message, cause.sample)
        for cause in causes
    ]
    columns = [
        ("COUNT", "right"),
        ("ERROR", "left"),
        ("HTTP", "right"),
        ("MESSAGE", "left"),
        ("SAMPLE", "left"),
    ]
    console().print(table(columns, rows))
    say()
    for row in shown:
        say(f"  {row['key']}  {count(row['attempts'], 'attempt')}: {row['message']}")
    if len(shown) < found.failed:
        say(f"  … and {found.failed - len(shown):,} more; --limit shows more, --json all")
    if found.quarantined:
        refused = f"`synctl quarantine list --resource {found.resource}`"
        say(f"{count(found.quarantined, 'unit')} broke a rule: {refused} shows which.")
    say(f"`synctl retry {found.id}` queues them again.")


def history(
    run: Annotated[str | None, typer.Argument(metavar="[RUN]", help="Only this run.")] = None,
    limit: LimitOption = None,
    json: JsonOption = False,
) -> None:
    """Show the audit trail: what happened to runs, who asked, from where and why. --json: one object a line.

    \b
    Example:
      synctl history prayer-20261124-1f0c7e2ab4

    Exit codes: 0 shown, 2 no such run, 5 the database is not set up, 10 database unreachable.
    """
    with open_session() as session, session.database.read() as transaction:
        run_id = runs.get(transaction, run).id if run else None
        events = runs.events(transaction, run_id, limit or (ALL if json else SHOWN))
    if json:
        for event in events:
            emit(
                {
                    "run": event["run_id"],
                    "at": iso(event["at"]),
                    **{name: event[name] for name in ("kind", "state", "who", "origin", "reason")},
                }
            )
        return
    if not events:
        say("Nothing happened yet.")
        return
    columns = [
        ("AT", "left"),
        ("RUN", "left"),
        ("WHAT", "left"),
        ("STATE", "left"),
        ("WHO", "left"),
        ("FROM", "left"),
        ("WHY", "left"),
    ]
    rows = [(iso(e["at"]), e["run_id"], e["kind"], e["state"], e["who"], e["origin"], e["reason"]) for e in events]
    console().print(table(columns, rows, state_column=3))
