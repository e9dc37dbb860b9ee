"""`synctl show`: stored data, readable."""

from __future__ import annotations

import shlex
from datetime import date
from typing import Annotated

import typer

from synctl.cli.options import FromOption, JsonOption, ToOption, parse_date
from synctl.cli.output import console, emit_lines, say, table
from synctl.cli.session import open_session
from synctl.clock import today, today_in
from synctl.dates import span
from synctl.errors import NotFound, UsageError
from synctl.store import reference
from synctl.store.prayer_times import PrayerDay, days
from synctl.store.reference import City


def show(
    resource: Annotated[str, typer.Argument(metavar="RESOURCE", help="prayer.")],
    city: Annotated[str | None, typer.Option("--city", metavar="NAME", help="London, London,CA or its id.")] = None,
    method: Annotated[
        str | None,
        typer.Option("--method", "--methods", metavar="LIST", help="Ids or codes; all that are stored by default."),
    ] = None,
    madhab: Annotated[
        str | None, typer.Option("--madhab", metavar="WHICH", help="shafi, hanafi or both (default).")
    ] = None,
    on: Annotated[
        str | None, typer.Option("--date", metavar="DATE", help="YYYY-MM-DD, or today (default): the city's own.")
    ] = None,
    first: FromOption = None,
    last: ToOption = None,
    json: JsonOption = False,
) -> None:
    """Show stored prayer times: a day, or a range as a table. --json: one object a line.

    Times are the city's wall clock; `+1` marks one that falls on the next day.

    \b
    Examples:
      synctl show prayer --city London --method 3 --date today
      synctl show prayer --city Karachi --method 1 --madhab hanafi --from 2026-03-01 --to 2026-03-31
      synctl show prayer --city 2643743 --method MWL --date 2026-06-21 --json

    Exit codes: 0 shown, 2 unknown city or method, or nothing stored for it, 5 database not set up,
    10 database unreachable.
    """
    if resource != "prayer":
        raise NotFound(f"nothing to show for {resource!r}", hint="one of: prayer")
    if city is None:
        raise UsageError("show prayer needs --city", hint="for example --city London")
    if on is not None and not (first is last is None):
        raise UsageError("--date and --from/--to exclude each other")
    with open_session() as session, session.database.read() as transaction:
        place = reference.find_city(transaction, city)
        start, end = _days(place, on, first, last)
        methods = None if method is None else [one.id for one in reference.parse_methods(transaction, method)]
        madhabs = None if madhab is None else reference.parse_madhabs(madhab)
        names = {row["id"]: row["name"] for row in transaction.all("SELECT id, name FROM method")}
        found = days(transaction, place, start, end, methods, madhabs)
        if json:
            stored = emit_lines(day.as_json() for day in found)
        else:
            shown = list(found)
            stored = len(shown)
    if not stored:
        when = str(start) if start == end else f"{start} to {end}"
        order = {"--city": city, "--methods": method, "--madhab": madhab, "--from": str(start), "--to": str(end)}
        words = " ".join(f"{option} {shlex.quote(value)}" for option, value in order.items() if value)
        raise NotFound(
            f"nothing stored for {place.name}, {place.country}, on {when}", hint=f"`synctl enqueue prayer {words}`"
        )
    if not json:
        for number in dict.fromkeys(day.method for day in shown):
            group = [day for day in shown if day.method == number]
            title = f"{place.name}, {place.country} ({place.timezone}), method {number}: {names.get(number, '?')}"
            _one_day(title, group) if start == end else _range(title, group)


def _days(place: City, on: str | None, first: str | None, last: str | None) -> tuple[date, date]:
    """Return the first and last day that were asked for, `today` by the city's calendar."""
    now = today_in(place.timezone) if reference.is_timezone(place.timezone) else today()
    if on is not None:
        day = parse_date(on, "--date", now)
        return span(day, day, now)
    return span(parse_date(first, "--from", now), parse_date(last, "--to", now), now)


def _one_day(title: str, stored: list[PrayerDay]) -> None:
    say(f"{title}, {stored[0].date:%A %d %B %Y}")
    columns = [("", "left"), *((day.madhab.upper(), "right") for day in stored)]
    rows = [(name, *(_clock(day, name) for day in stored)) for name in stored[0].times]
    console().print(table(columns, rows))
    _origin(stored)


def _range(title: str, stored: list[PrayerDay]) -> None:
    say(title)
    names = list(stored[0].times)
    columns = [("DATE", "left"), ("MADHAB", "left"), *((name.upper()[:7], "right") for name in names)]
    rows = [(day.date.isoformat(), day.madhab, *(_clock(day, name) for name in names)) for day in stored]
    console().print(table(columns, rows))
    _origin(stored)


def _origin(stored: list[PrayerDay]) -> None:
    newest = max(stored, key=lambda day: day.synced_at)
    say(f"from {newest.source}, synced {newest.synced_at:%Y-%m-%d %H:%M} UTC by {newest.run}\n")


def _clock(day: PrayerDay, name: str) -> str:
    moment = day.times[name]
    shift = (moment.date() - day.date).days
    return f"{moment:%H:%M}{f'{shift:+d}' if shift else ''}"
