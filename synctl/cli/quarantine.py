"""`synctl quarantine`: units that were refused because their answer broke a rule."""

from __future__ import annotations

import json as json_text
from collections.abc import Sequence
from contextlib import suppress
from enum import StrEnum
from typing import Annotated

import typer

from synctl.cli.listing import draw
from synctl.cli.options import JsonOption, ReasonOption
from synctl.cli.output import count, duration, emit, emit_lines, program, say
from synctl.cli.session import Session, open_session
from synctl.clock import iso, now_ms
from synctl.engine import registry
from synctl.errors import NotFound, UsageError
from synctl.states import RETRIABLE
from synctl.store import quarantine as store
from synctl.store import runs
from synctl.store.db import Transaction
from synctl.store.quarantine import Refused
from synctl.store.runs import Actor
from synctl.suggest import did_you_mean
from synctl.words import shortened

SHOWN = 50
WIDEST_LINE = 110
"""Columns of a sample that a terminal can show beside its name."""


class Action(StrEnum):
    """What to do with what is in quarantine."""

    LIST = "list"
    SHOW = "show"
    ACCEPT = "accept"
    REJECT = "reject"


def quarantine(
    action: Annotated[Action, typer.Argument(help="list, show, accept: let it break the rule; reject: forget it.")],
    units: Annotated[
        list[str] | None, typer.Argument(metavar="UNIT", help="Keys as `list` shows them, or RESOURCE:KEY.")
    ] = None,
    resource: Annotated[str | None, typer.Option("--resource", metavar="NAME", help="Only of this resource.")] = None,
    rule: Annotated[str | None, typer.Option("--rule", metavar="RULE", help="Only what broke this rule.")] = None,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="list: show at most N.")] = None,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """See and settle units whose answer broke a rule: nothing of it was stored, and the rows from before stayed.

    accept waives the rule for the unit until a sync stores it; the finding is kept until then.
    reject removes the finding; the unit stays as it was, and is checked like any other next time. Instead of
    units, --rule and --resource name all that broke a rule. --json: one object a line.

    \b
    Examples:
      synctl quarantine list --rule prayer.sun
      synctl quarantine show 2643743/3/0/2026-01-01..2026-12-31
      synctl quarantine accept 2643743/3/0/2026-01-01..2026-12-31 --reason "announced by the mosque"
      synctl quarantine reject --rule prayer.dates --reason "an outage of the upstream"

    Exit codes: 0 done, 2 usage or no such unit, 5 the database is not set up, 10 database unreachable.
    """
    if action is Action.LIST and units:
        raise UsageError("list takes no units", hint=f"`synctl quarantine show {shortened(units[0])}`")
    if action is Action.SHOW and len(units or ()) != 1:
        raise UsageError("show needs one unit", hint="`synctl quarantine list` lists them")
    with open_session() as session:
        match action:
            case Action.LIST:
                _list(session, resource, rule, limit, json=json)
            case Action.SHOW:
                _show(session, (units or [""])[0], json=json)
            case Action.ACCEPT | Action.REJECT:
                _settle(session, action, units or [], resource, rule, reason, json=json)


def _list(session: Session, resource: str | None, rule: str | None, limit: int | None, *, json: bool) -> None:
    with session.database.read() as transaction:
        if json:
            emit_lines(refused.as_json() for refused in store.listing(transaction, resource, rule, limit))
            return
        found = list(store.listing(transaction, resource, rule, limit or SHOWN))
        near = _near(transaction, rule) if rule and not found else ""
    if not found:
        if resource is not None:
            registry.require(resource)
        of_that = "" if resource is rule is None else " of that"
        say(f"Nothing{of_that} is in quarantine{near}.")
        return
    now = now_ms()
    rows = [
        (
            one.resource,
            one.unit,
            one.rule,
            f"{_bare(one)}{' (accepted)' if one.accepted else ''}",
            duration((now - one.found_at) / 1000),
            one.run,
        )
        for one in found
    ]
    columns = [
        ("RESOURCE", "left"), ("UNIT", "left"), ("RULE", "left"), ("MESSAGE", "left"), ("AGE", "right"),
        ("RUN", "left"),
    ]  # fmt: skip
    draw(columns, rows, expendable=("RESOURCE", "RUN", "AGE"), elastic="MESSAGE")
    if limit is None and len(found) == SHOWN:
        say(f"The newest {SHOWN}; --limit shows more, --json all.")
    say(f"`{program()} quarantine show UNIT` shows one with what was answered.")


def _near(transaction: Transaction, rule: str) -> str:
    """Which rule, of those that something broke, may have been meant."""
    return did_you_mean(rule, sorted({one.rule for one in store.listing(transaction, None, None)}))


def _show(session: Session, name: str, *, json: bool) -> None:
    with session.database.read() as transaction:
        refused = store.find(transaction, name)
        waived = store.waivers(transaction, refused)
        before = store.stored(transaction, refused)
        after = _next(transaction, [refused])
    sample = _sample(refused)
    if json:
        emit(
            {
                **refused.as_json(),
                "demands": _demands(refused),
                "sample": sample,
                "waivers": [{**dict(one), "at": iso(one["at"])} for one in waived],
                "stored": None
                if before is None
                else {
                    "rows": before["rows"],
                    "source": before["source"],
                    "run": before["run_id"],
                    "synced_at": iso(before["synced_at"]),
                },
            }
        )
        return
    kept = "nothing" if before is None else f"{count(before['rows'], 'row')} from {before['source']},"
    synced = "" if before is None else f" synced {iso(before['synced_at'])} by {before['run_id']}"
    fields = [
        ("unit", f"{refused.resource}:{refused.unit}"),
        ("rule", refused.rule),
        ("demands", _demands(refused) or "-"),
        ("found", _bare(refused)),
        ("when", f"{iso(refused.found_at)}, {duration((now_ms() - refused.found_at) / 1000)} ago"),
        ("run", f"{refused.run}, from {refused.source}"),
        ("stored", f"{kept}{synced}"),
        *(("waived", f"{one['rule']} by {one['who']}, {iso(one['at'])}: {one['reason'] or '-'}") for one in waived),
        *(("answered" if number == 0 else "", line) for number, line in enumerate(_lines(sample))),
    ]
    for title, value in fields:
        say(f"{title:>8}  {value}")
    say(f"{'':>8}  {after}" if refused.accepted else f"{'':>8}  `{program()} quarantine accept` or `reject` settles it")


def _settle(
    session: Session,
    action: Action,
    names: Sequence[str],
    resource: str | None,
    rule: str | None,
    reason: str,
    *,
    json: bool,
) -> None:
    if bool(names) == (rule is not None or resource is not None):
        raise UsageError(f"{action} takes units, or --rule and --resource", hint="`synctl quarantine list` lists them")
    actor = Actor.this_process()
    change = store.accept if action is Action.ACCEPT else store.reject
    with session.database.write() as transaction:
        found = [store.find(transaction, name) for name in names] or list(store.listing(transaction, resource, rule))
        for refused in found:
            change(transaction, refused, actor, reason)
        after = _next(transaction, found) if action is Action.ACCEPT else ""
    if json:
        emit_lines(
            {"resource": one.resource, "unit": one.unit, "rule": one.rule, "action": f"{action}ed"} for one in found
        )
        return
    for refused in found:
        what = "may break" if action is Action.ACCEPT else "no longer is in quarantine for"
        say(f"{refused.unit} {what} {refused.rule}")
    if not found:
        say("Nothing of that is in quarantine.")
    elif after:
        say(after)


def _next(transaction: Transaction, found: Sequence[Refused]) -> str:
    """What to type so that accepted units are stored."""
    steps = []
    for name in dict.fromkeys(refused.run for refused in found):
        run = runs.find(transaction, name)
        if run is not None and run.state in RETRIABLE:
            steps.append(f"`{program()} retry {run.id}`")
    if not steps:
        steps = [f"the next `{program()} enqueue {name}`" for name in dict.fromkeys(one.resource for one in found)]
    return f"{' and '.join(steps)} stores what was accepted."


def _demands(refused: Refused) -> str | None:
    with suppress(NotFound):  # a plug-in that is gone
        return registry.load(refused.resource).rules.get(refused.rule)
    return None


def _bare(refused: Refused) -> str:
    """The message without the rule in front, which has a column of its own."""
    return refused.message.removeprefix(f"{refused.rule}: ")


def _sample(refused: Refused) -> object:
    """What was answered, as JSON where the sample is whole."""
    try:
        return json_text.loads(refused.sample)
    except ValueError:
        return refused.sample or None


def _lines(sample: object) -> list[str]:
    if sample is None:
        return ["-"]
    if not isinstance(sample, dict):
        return str(sample if isinstance(sample, str) else json_text.dumps(sample, ensure_ascii=False)).splitlines()
    lines = []
    for name, value in sample.items():
        text = value if isinstance(value, str) else json_text.dumps(value, ensure_ascii=False)
        lines.append(f"{name}: {text if len(text) <= WIDEST_LINE else text[: WIDEST_LINE - 1] + '…'}")
    return lines
