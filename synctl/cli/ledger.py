"""`synctl units`, `errors` and `history`: the ledger and the audit trail."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from synctl.cli.listing import draw
from synctl.cli.options import JsonOption, RunArgument, SinceOption, parse_since
from synctl.cli.output import count, emit, emit_lines, say
from synctl.cli.session import open_session
from synctl.clock import iso
from synctl.errors import NotFound
from synctl.states import UnitState
from synctl.store import runs, trail
from synctl.store import units as ledger
from synctl.store.db import Row, Transaction
from synctl.store.runs import Run
from synctl.suggest import did_you_mean
from synctl.words import shortened

LimitOption = Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Show at most N.")]
SHOWN = 50
NOT_DONE = frozenset({UnitState.FAILED, UnitState.QUARANTINED})
ALL = 2**31
TOLD_BY_STATE = frozenset({"request", "state"})
"""Kinds of events whose state says it all: `pausing` can only be a request."""
REASON = 15
"""Columns that are left of 80 beside a moment, a run and what happened."""
MESSAGE = 40
"""Columns that a cause of failures gets at least: a sample stands among the units below it, too."""


def units(
    run: RunArgument,
    state: Annotated[
        list[UnitState] | None,
        typer.Option(
            "--state",
            metavar="STATE",
            help="Only units that are pending, leased, done, failed or quarantined. Repeatable.",
        ),
    ] = None,
    limit: LimitOption = None,
    json: JsonOption = False,
) -> None:
    """List the units of a run with state, attempts, rows and time. --json: one object a line, all of them.

    \b
    Examples:
      synctl units prayer-20261124-1f0c7e2ab4 --state failed
      synctl units 1f0c7e2ab4 --json | jq -r 'select(.took_ms > 1000).unit'

    Exit codes: 0 shown, 2 no such run, or its units were pruned, 5 the database is not set up,
    10 database unreachable.
    """
    with open_session() as session, session.database.read() as transaction:
        found = runs.get(transaction, run)
        chosen = frozenset(state or UnitState)
        _require_units(transaction, found)
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
    if not shown:
        say(f"No unit of {found.id} is {' or '.join(sorted(chosen))}. `synctl status {found.id}` counts them.")
        return
    draw(columns, rows, expendable=("MS", "ROWS", "TRIES"), elastic="ERROR", state="STATE")
    if limit is None and len(shown) == SHOWN:
        say(f"The first {SHOWN}; --limit shows more, --json all.")
    if found.pruned_at is not None:
        say(f"Those that were done by then were pruned {iso(found.pruned_at)}.")


def errors(run: RunArgument, limit: LimitOption = None, json: JsonOption = False) -> None:
    """Show why units failed: causes with counts, then the units. --json: one object a unit.

    \b
    Example:
      synctl errors prayer-20261124-1f0c7e2ab4

    Exit codes: 0 shown, 2 no such run, or its units were pruned, 5 the database is not set up,
    10 database unreachable.
    """
    with open_session() as session, session.database.read() as transaction:
        found = runs.get(transaction, run)
        if found.failed:
            _require_units(transaction, found)
        if json:
            failed = ledger.units(transaction, found.seq, NOT_DONE, limit)
            emit_lines(ledger.as_json(found.id, row) for row in failed)
            return
        causes = ledger.causes(transaction, found.seq)
        shown = list(ledger.units(transaction, found.seq, NOT_DONE, limit or SHOWN))
    if not causes:
        say(f"No unit of {found.id} failed: {found.done:,} of {found.total:,} are done, the run is {found.state}.")
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
    draw(columns, rows, expendable=("SAMPLE", "HTTP", "ERROR"), elastic="MESSAGE", least=MESSAGE)
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
    run: Annotated[str | None, typer.Argument(metavar="RUN", help="Only this run.")] = None,
    since: SinceOption = None,
    kind: Annotated[
        list[str] | None,
        typer.Option("--kind", metavar="KIND", help="Only created, request, state, taken-over, … Repeatable."),
    ] = None,
    limit: LimitOption = None,
    json: JsonOption = False,
) -> None:
    """Show the audit trail: what happened to runs, who asked, from where and why. --json: one object a line.

    That of a deleted run is kept.

    \b
    Examples:
      synctl history prayer-20261124-1f0c7e2ab4
      synctl history --since 2d --kind taken-over --kind stalled

    Exit codes: 0 shown, 2 no such run or kind, 5 the database is not set up, 10 database unreachable.
    """
    begin = parse_since(since)
    with open_session() as session, session.database.read() as transaction:
        run_id = trail.owner(transaction, run) if run else None
        most = limit or (ALL if json else SHOWN)
        events = runs.events(transaction, run_id, most, since=begin or 0, kinds=kind or ())
        if not events and kind:
            _require_kinds(kind, sorted({*trail.EVENT_KINDS, *trail.kinds(transaction)}))
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
        narrowed = (run_id, begin, kind) != (None, None, None)
        say("Nothing of that happened. `synctl history` shows all." if narrowed else "Nothing happened yet.")
        return
    columns = [
        ("AT", "left"), ("RUN", "left"), ("WHAT", "left"), ("WHO", "left"), ("FROM", "left"), ("WHY", "left"),
    ]  # fmt: skip
    if run_id is not None:  # it is the same in each row
        say(run_id)
        del columns[1]
    rows = [_happened(event, columns) for event in events]
    draw(columns, rows, expendable=("FROM", "WHO"), elastic="WHY", state="WHAT", least=REASON)
    if limit is None and len(events) == SHOWN:
        say(f"The last {SHOWN}; --limit shows more, --json all.")


def _require_units(transaction: Transaction, run: Run) -> None:
    """Raise NotFound where retention has removed all units of a run: none to show would look like none there were."""
    if run.pruned_at is not None and not any(ledger.units(transaction, run.seq, frozenset(UnitState), 1)):
        raise NotFound(
            f"the {run.total:,} units of {run.id} were pruned {iso(run.pruned_at)}",
            hint=f"`synctl status {run.id}` still counts them",
        )


def _happened(event: Row, columns: Sequence[tuple[str, str]]) -> list[str]:
    cells = {
        "AT": iso(event["at"]), "RUN": event["run_id"],
        "WHAT": event["state"] if event["kind"] in TOLD_BY_STATE else event["kind"],
        "WHO": event["who"], "FROM": event["origin"], "WHY": event["reason"],
    }  # fmt: skip
    return [cells[title] for title, _ in columns]


def _require_kinds(kinds: Sequence[str], known: Sequence[str]) -> None:
    """Raise NotFound for a kind that no event can be of; an older synctl may have left other ones."""
    for kind in kinds:
        if kind not in known:
            raise NotFound(
                f"no event is of kind {shortened(repr(kind))}{did_you_mean(kind, known)}",
                hint=f"there are {', '.join(known)}",
            )
