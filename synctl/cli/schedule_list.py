"""`synctl schedule list` and `next`: when syncs are due, and what came of those that were."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from textwrap import wrap
from typing import Annotated, Final

import typer

from synctl.cli.options import JsonOption
from synctl.cli.output import console, duration, emit, emit_lines, say
from synctl.cli.session import Session, open_session
from synctl.clock import iso, now_ms
from synctl.config import load_settings
from synctl.cron import Cron
from synctl.engine import keys, leader, schedules
from synctl.engine.schedule_view import ScheduleView, SlotView, past, upcoming
from synctl.store.slots import SlotState

NEXT_SHOWN: Final = 3
INDENT: Final = "        "
"""Below the words of a schedule."""
NARROWEST: Final = 30
"""Columns that are taken for granted."""
NOBODY: Final = "Nobody queues them: `synctl schedule run`, or `export` them."
_QUEUED: Final = {
    "created": "queued {run}",
    "active": "{run} was active already",
    "fresh": "{run} had succeeded that day, so there was nothing to do",
    "retried": "queued what was left of {run}",
    "forced": "queued {run} again in full",
}
NONE: Final = """\
The configuration has no schedule. Write one into synctl.toml:

  [schedule.nightly]
  cron = "15 2 * * *"
  resource = "prayer"

Then `synctl schedule list` shows when it is due, and `synctl schedule run` queues it."""

ScheduleArgument = Annotated[str, typer.Argument(metavar="NAME", help="NAME of a table [schedule.NAME].")]


def list_schedules(
    last: Annotated[int, typer.Option("--last", metavar="N", min=1, help="Show the last N slots of each.")] = 1,
    json: JsonOption = False,
) -> None:
    """Show every schedule in words, its next times, its last slot and what came of it, and who queues them.

    \b
    Examples:
      synctl schedule list
      synctl schedule list --last 10
      synctl schedule list --json | jq '.schedules[] | select(.slots[0].state == "failed")'

    Exit codes: 0 shown, 2 usage or wrong configuration, 5 the database is of another synctl,
    10 Redis or database unreachable.
    """
    with open_session() as session:
        schedules.require_resources(session.settings)
        views = _views(session, last, now_ms())
        client = session.live_client
        leading = leader.holder(client, keys.SCHEDULER) if client is not None else None
    if json:
        emit({"leader": leading, "schedules": [view.as_json() for view in views]})
    elif not views:
        say(NONE)
    else:
        width = max(console().width, NARROWEST)
        lines = [line for view in views for line in _lines(view, now_ms())]
        for line in (*lines, f"Queued by {leading}." if leading else NOBODY):
            say("\n".join(wrap(line, width, subsequent_indent=INDENT, break_on_hyphens=False)))


def next_times(
    name: ScheduleArgument,
    count: Annotated[int, typer.Option("--count", metavar="N", min=1, max=1000, help="How many.")] = 5,
    json: JsonOption = False,
) -> None:
    """Show the next times of one schedule, as its clock shows them and in UTC. --json: one object a line.

    \b
    Examples:
      synctl schedule next nightly
      synctl schedule next nightly --count 20

    Exit codes: 0 shown, 2 no such schedule or wrong configuration.
    """
    schedule = schedules.require(load_settings(), name)
    now = now_ms()
    found = upcoming(schedule, now, count)
    if json:
        emit_lines({"slot": iso(moment), "local": schedule.when.local(moment).isoformat()} for moment in found)
        return
    for moment in found:
        say(f"{_local(schedule.when, moment)}  {iso(moment)}  in {_span(moment - now)}")
    if not found:
        say(f"{name} is not enabled." if not schedule.enabled else "It never comes again.")


def _views(session: Session, last: int, now: int) -> list[ScheduleView]:
    names = session.settings.schedule
    if session.revision is None:  # nothing can have come of anything
        return [ScheduleView(name, one, upcoming(one, now, NEXT_SHOWN), ()) for name, one in names.items()]
    with session.database.read() as transaction:
        return [
            ScheduleView(name, one, upcoming(one, now, NEXT_SHOWN), past(transaction, name, last))
            for name, one in names.items()
        ]


def _lines(view: ScheduleView, now: int) -> Iterator[str]:
    one = view.schedule
    yield f"{view.name}: {one.when.words()}, {one.timezone}"
    manner = "" if one.overlap == "skip" else f" (overlap: {one.overlap})"
    yield f"  syncs {shlex.join(schedules.arguments(one))}{manner}"
    if not one.enabled:
        yield "  next  never: it is not enabled"
    else:
        first, *rest = (_local(one.when, moment) for moment in view.upcoming)
        then = f"; then {', '.join(rest)}" if rest else ""
        yield f"  next  {first}, in {_span(view.upcoming[0] - now)}{then}"
    for slot in view.slots:
        yield f"  last  {_local(one.when, slot.slot.slot)}: {_came_of(slot)}"
    if not view.slots:
        yield "  last  none yet"


def _came_of(view: SlotView) -> str:
    slot = view.slot
    match slot.state:
        case SlotState.ENQUEUED:
            now = f"; it is {view.run.state}" if view.run else "; it was deleted"
            return _QUEUED.get(slot.why, "{run}").format(run=slot.run_id) + now
        case SlotState.CLAIMED:
            return f"being queued by {slot.who} at {slot.origin}"
        case _:
            return f"{slot.state}: {slot.why}"


def _local(cron: Cron, moment: int) -> str:
    return f"{cron.local(moment):%a %Y-%m-%d %H:%M %Z}"


def _span(ms: int) -> str:
    return duration(max(ms / 1000, 0))
