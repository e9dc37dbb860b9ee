"""`synctl coverage`: what is stored, how old it is, and where the gaps are."""

from __future__ import annotations

from collections.abc import Sequence
from textwrap import wrap
from typing import TYPE_CHECKING, Annotated, Final

import typer

from synctl.cli import coverage_editions as editions
from synctl.cli import gaps as gap_orders
from synctl.cli.coverage_editions import Asked as EditionsAsked
from synctl.cli.heat_map import draw, legend
from synctl.cli.options import JsonOption, parse_age
from synctl.cli.output import age, console, count, emit, emit_lines, program, say, table, warn
from synctl.cli.selectors import (
    CitiesOption,
    CityOption,
    CountryOption,
    MadhabOption,
    MethodsOption,
    OwnCitiesOption,
    YearOption,
)
from synctl.cli.session import open_session
from synctl.clock import now_ms
from synctl.engine import registry
from synctl.errors import UsageError
from synctl.processors import prayer_coverage as question
from synctl.processors.prayer_coverage import Question
from synctl.resource import Edited
from synctl.store import coverage as store
from synctl.store import reference
from synctl.store.coverage import CityYear, Pair, Stored
from synctl.store.db import Transaction

if TYPE_CHECKING:
    from rich.console import Console

FEWEST: Final = 3
"""Cities that are shown on a terminal of whatever height."""


def coverage(
    resource: Annotated[
        str | None,
        typer.Argument(metavar="RESOURCE", help="prayer: cities × months; quran, hadith: editions; none: in short."),
    ] = None,
    year: YearOption = None,
    city: CityOption = None,
    country: CountryOption = None,
    own_cities: OwnCitiesOption = False,
    cities: CitiesOption = None,
    methods: MethodsOption = None,
    madhab: MadhabOption = None,
    older_than: Annotated[
        str | None, typer.Option("--older-than", metavar="AGE", help="What was synced before counts as missing: 30d.")
    ] = None,
    gaps: Annotated[
        bool, typer.Option("--gaps", help="Print the `synctl enqueue` commands that fill the gaps.")
    ] = False,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=1, help="At most N: cities, the worst first, or editions."),
    ] = None,
    listed: Annotated[
        bool, typer.Option("--listed", help="quran, hadith: show, too, what upstream lists and nobody wanted yet.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Show what is stored, how old it is, and where the gaps are. Changes nothing. --json: one object a line.

    prayer: cities are those that have anything stored, unless selected. Expected of each are all days of the year
    with the methods and madhabs that any city has stored, unless selected. quran, hadith: expected are the
    editions that `enqueue` takes by default, and those that were stored before.

    \b
    Examples:
      synctl coverage
      synctl coverage prayer --year 2026 --methods 3
      synctl coverage prayer --cities 100 --gaps | sh
      synctl coverage prayer --older-than 30d --json | jq 'select(.rows < .expected).city'
      synctl coverage hadith --gaps --older-than 7d | sh
      synctl coverage quran --listed

    Exit codes: 0 shown, with gaps or without; 2 usage, 5 prerequisites not met, 10 database unreachable.
    """
    of_prayer = [one for one in (year, city, country, own_cities or None, cities, methods, madhab) if one is not None]
    if resource is None:
        if of_prayer or gaps or listed or older_than is not None or limit is not None:
            raise UsageError("name the resource: these options are of one", hint="for example `synctl coverage prayer`")
        _overview(None, json=json)
        return
    if resource != "prayer":
        if of_prayer:
            raise UsageError(f"{resource} has no cities and months: these options are of `synctl coverage prayer`")
        age_s = parse_age(older_than, "--older-than")
        _editions(resource, age_s, EditionsAsked(
            resource, 0 if age_s is None else now_ms() - age_s * 1000, listed_too=listed, limit=limit
        ), gaps=gaps, json=json)  # fmt: skip
        return
    if listed:
        raise UsageError("--listed is of resources that have editions: quran, hadith")
    asked = Question(
        year=question.parse_year(year), city=city or (), country=country or (), own_cities=own_cities,
        cities=cities, methods=methods, madhab=madhab, limit=limit, older_than=older_than,
        max_age_s=parse_age(older_than, "--older-than"),
    )  # fmt: skip
    with open_session() as session, session.database.read() as transaction:
        pairs = question.pairs(transaction, asked)
        found = question.found(transaction, asked, pairs)
        if gaps:
            _gaps(transaction, asked, found[: asked.limit], json=json)
        elif json:
            emit_lines(one.as_json() for one in found[: asked.limit])
        elif found:
            _map(asked, found, pairs)
        else:
            say("No prayer times are stored yet. Queue a sync with `synctl enqueue prayer`.")


def _editions(name: str, age_s: int | None, asked: EditionsAsked, *, gaps: bool, json: bool) -> None:
    resource = registry.load(name)  # names the nearest one where there is none
    if not isinstance(resource, Edited):
        if gaps or age_s is not None or asked.listed_too or asked.limit:
            raise UsageError(f"{name} has no editions, so it is shown in short only")
        _overview(name, json=json)
        return
    with open_session() as session, session.database.read() as transaction:
        holdings = resource.holdings(transaction)
    if gaps:
        editions.gaps(holdings, asked, force=age_s is not None and age_s < question.DAY_S, json=json)
    elif json:
        editions.emit(holdings, asked)
    else:
        editions.show(holdings, asked)


def _overview(resource: str | None, *, json: bool) -> None:
    with open_session() as session, session.database.read() as transaction:
        stored = store.overview(transaction)
    if resource is not None:
        stored = [one for one in stored if one.resource == resource]
    if json:
        emit([one.as_json() for one in stored])
        return
    if not stored:
        say(f"Nothing is stored of {resource or 'any resource'} yet. Queue a sync with `synctl enqueue`.")
        return
    now = now_ms()
    columns = [
        ("RESOURCE", "left"), ("UNITS", "right"), ("ROWS", "right"), ("DAYS", "left"),
        ("OLDEST", "right"), ("NEWEST", "right"), ("FROM", "left"),
    ]  # fmt: skip
    rows = [
        (
            one.resource, f"{one.units:,}", f"{one.rows:,}", _days(one),
            age(one.oldest, now), age(one.newest, now), ", ".join(one.sources),
        )
        for one in stored
    ]  # fmt: skip
    terminal = console()
    drawn = table(columns, rows)
    unbound = terminal.options.update(width=1000)
    if terminal.measure(drawn, options=unbound).maximum <= terminal.width:
        terminal.print(drawn)
        return
    for name, units, lines, days, oldest, newest, sources in rows:
        text = f"{name}: {units} units, {lines} rows, {days}, synced {oldest} to {newest} ago, from {sources}"
        say("\n".join(wrap(text, terminal.width)))


def _days(one: Stored) -> str:
    """Return `2026` or `2026-2027` for whole years, else the first and the last day."""
    if one.first is None or one.last is None:
        return "-"
    if (one.first.month, one.first.day, one.last.month, one.last.day) != (1, 1, 12, 31):
        return f"{one.first}..{one.last}"
    return str(one.first.year) if one.first.year == one.last.year else f"{one.first.year}-{one.last.year}"


def _gaps(transaction: Transaction, asked: Question, found: Sequence[CityYear], *, json: bool) -> None:
    missing = gap_orders.gaps(transaction, found)
    if json:
        emit_lines(gap.as_json() for gap in missing)
        return
    named = [method.id for method in reference.methods(transaction) if method.named]
    # What succeeded today is not queued again unless forced.
    force = asked.max_age_s is not None and asked.max_age_s < question.DAY_S
    lines = list(gap_orders.commands(missing, program(), named, force=force))
    for line in lines:
        say(line)
    if not found:
        warn("nothing is stored yet, so nothing is expected; select cities")
    elif not lines:
        warn(f"no gaps in {asked.year}: {_cities_word(len(found))} complete")


def _map(asked: Question, found: Sequence[CityYear], pairs: frozenset[Pair]) -> None:
    terminal = console()
    width = terminal.width
    stored, expected = sum(one.rows for one in found), sum(one.rows_expected for one in found)
    complete = sum(not one.missing for one in found)
    title = wrap(f"prayer {asked.year}: {_product(pairs)}{_limit_of_age(asked)}", width)
    foot = wrap(f"{stored:,} of {count(expected, 'row')}, {complete:,} of {_cities_word(len(found))} complete.", width)
    texts = len(title) + len(foot)
    shown = _shown(asked, terminal, len(found), texts, texts + len(wrap(_rest(found), width)))
    if shown < len(found):
        foot += wrap(_rest(found[shown:]), width)
    lines = draw(found, shown, width, now_ms())
    for text in title:
        say(text)
    for line in lines:
        terminal.print(line)
    terminal.print(legend(width))
    for text in foot:
        say(text)


def _rest(left: Sequence[CityYear]) -> str:
    whole = "none worse than these" if any(one.missing for one in left) else "all complete"
    return f"{len(left):,} more, {whole}; --limit shows more, --json all."


def _shown(asked: Question, terminal: Console, cities: int, texts: int, texts_if_cut: int) -> int:
    """Return how many cities are shown: as many as were asked for, or as the terminal has lines for."""
    if asked.limit is not None or not terminal.is_terminal:
        return min(asked.limit or cities, cities)
    room = terminal.height - 4  # heading, total, legend, and the prompt that follows
    return cities if cities + texts <= room else min(max(room - texts_if_cut, FEWEST), cities)


def _product(pairs: frozenset[Pair]) -> str:
    methods, madhabs = ({pair[which] for pair in pairs} for which in (0, 1))
    text = f"{count(len(methods), 'method')} × {count(len(madhabs), 'madhab')}"
    return text if len(pairs) == len(methods) * len(madhabs) else f"{text}, {len(pairs)} of the pairs"


def _limit_of_age(asked: Question) -> str:
    return "" if asked.older_than is None else f", synced within {asked.older_than.strip()}"


def _cities_word(number: int) -> str:
    return "1 city" if number == 1 else f"{number:,} cities"
