"""`synctl show prayer`: stored times of a city, a day or a range as a table."""

from __future__ import annotations

import shlex
from datetime import date
from typing import TYPE_CHECKING, Final

from synctl.cli.listing import draw
from synctl.cli.options import parse_date
from synctl.cli.output import console, emit_lines, minute, say, table
from synctl.cli.session import open_session
from synctl.clock import today, today_in
from synctl.dates import span
from synctl.errors import NotFound, UsageError
from synctl.store import reference
from synctl.store.prayer_times import PrayerDay, days
from synctl.store.reference import City
from synctl.words import shortened

if TYPE_CHECKING:
    from synctl.cli.show import Asked

_EXPENDABLE: Final = ("FIRSTTHIRD", "LASTTHIRD", "MIDNIGHT", "IMSAK", "SUNSET")
"""What a narrow terminal does without, in that order: none of them is one of the five."""


def show(asked: Asked) -> None:
    """Show the days of a city. Raises NotFound where nothing is stored of them."""
    if asked.place:
        raise UsageError(f"show prayer takes no {shortened(repr(asked.place[0]))}", hint="name the city with --city")
    if asked.city is None:
        raise UsageError("show prayer needs --city", hint="for example --city London")
    if asked.on is not None and not (asked.first is asked.last is None):
        raise UsageError("--date and --from/--to exclude each other")
    with open_session() as session, session.database.read() as transaction:
        place = reference.find_city(transaction, asked.city)
        start, end = _days(place, asked.on, asked.first, asked.last)
        methods = (
            None if asked.method is None else [one.id for one in reference.parse_methods(transaction, asked.method)]
        )
        madhabs = None if asked.madhab is None else reference.parse_madhabs(asked.madhab)
        names = {row["id"]: row["name"] for row in transaction.all("SELECT id, name FROM method")}
        found = days(transaction, place, start, end, methods, madhabs)
        if asked.json:
            stored = emit_lines(day.as_json() for day in found)
        else:
            shown = list(found)
            stored = len(shown)
    if not stored:
        when = str(start) if start == end else f"{start} to {end}"
        order = {
            "--city": asked.city, "--methods": asked.method, "--madhab": asked.madhab,
            "--from": str(start), "--to": str(end),
        }  # fmt: skip
        words = " ".join(f"{option} {shlex.quote(value)}" for option, value in order.items() if value)
        raise NotFound(
            f"nothing stored for {place.name}, {place.country}, on {when}", hint=f"`synctl enqueue prayer {words}`"
        )
    if not asked.json:
        for at, number in enumerate(dict.fromkeys(day.method for day in shown)):
            if at:
                say()
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
    columns = [("", "left"), *((day.madhab_code.upper(), "right") for day in stored)]
    rows = [(name, *(_clock(day, name) for day in stored)) for name in stored[0].times]
    console().print(table(columns, rows))
    _origin(stored)


def _range(title: str, stored: list[PrayerDay]) -> None:
    say(title)
    names = list(stored[0].times)
    columns = [("DATE", "left"), ("MADHAB", "left"), *((name.upper(), "right") for name in names)]
    rows = [(day.date.isoformat(), day.madhab_code, *(_clock(day, name) for name in names)) for day in stored]
    draw(columns, rows, expendable=_EXPENDABLE)
    _origin(stored)


def _origin(stored: list[PrayerDay]) -> None:
    newest = max(stored, key=lambda day: day.synced_at)
    say(f"from {newest.source}, synced {minute(newest.synced_at)} by {newest.run}")


def _clock(day: PrayerDay, name: str) -> str:
    moment = day.times[name]
    shift = (moment.date() - day.date).days
    return f"{moment:%H:%M}{f'{shift:+d}' if shift else ''}"
