"""`synctl run`: the whole job in one command, on one machine."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from functools import partial
from typing import Final

import typer

from synctl.cli.enqueue import Manner, order
from synctl.cli.options import JsonOption, QuietOption, ReasonOption, parse_age
from synctl.cli.output import count, duration, program, say
from synctl.cli.selectors import (
    AcceptShrinkOption,
    CitiesOption,
    CityOption,
    CollectionOption,
    CountryOption,
    EditionOption,
    ForceOption,
    FromOption,
    IfStaleOption,
    MadhabOption,
    MethodsOption,
    OwnCitiesOption,
    ResourceArgument,
    SourceOption,
    ToOption,
    YearOption,
    chosen,
)
from synctl.cli.session import Session, open_session
from synctl.clock import today_in
from synctl.config import load_settings
from synctl.engine import registry
from synctl.engine.enqueue import Order, Why
from synctl.engine.stack import Brought, Stack
from synctl.engine.view import RunView
from synctl.errors import SynctlError
from synctl.processors.quran import LIST as QURAN_LIST
from synctl.states import ACTIVE, RunState, UnitState
from synctl.store import reference, runs
from synctl.store.db import Transaction
from synctl.store.units import units


def run(
    resource: ResourceArgument,
    cities: CitiesOption = None,
    city: CityOption = None,
    country: CountryOption = None,
    own_cities: OwnCitiesOption = False,
    methods: MethodsOption = None,
    madhab: MadhabOption = None,
    year: YearOption = None,
    first: FromOption = None,
    last: ToOption = None,
    edition: EditionOption = None,
    collection: CollectionOption = None,
    source: SourceOption = None,
    accept_shrink: AcceptShrinkOption = False,
    if_stale: IfStaleOption = None,
    force: ForceOption = False,
    quiet: QuietOption = False,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Sync now: start the local stack unless it is up, queue, follow, summarise, stop what was started.

    --json: what was queued, then the run at each change, the last one as it ended; one object a line.

    \b
    Examples:
      synctl run prayer
      synctl run prayer --city London --methods 3 --from today --to today
      synctl run quran
      synctl run prayer --if-stale 7d --quiet                     (cron)
      synctl run hadith --json | tail -n 1 | jq .state

    Exit codes: 0 succeeded or fresh, 2 usage, 3 partial, 4 failed, 5 prerequisites not met, 6 paused,
    7 cancelled, 8 --force on an active run, 9 upstream unavailable, 10 Redis or database unreachable, 130 interrupted.
    """
    selectors = chosen(
        cities=cities, city=city, country=country, own_cities=own_cities, methods=methods, madhab=madhab, year=year,
        first=first, last=last, edition=edition, collection=collection, source=source, accept_shrink=accept_shrink,
    )  # fmt: skip
    wanted = Order(force=force, reason=reason, if_stale=parse_age(if_stale, "--if-stale"))
    registry.require(resource)  # before anything is started
    stack = Stack(load_settings())
    brought = _brought(stack)
    talks = not (quiet or json)
    if brought.started_workers and talks:
        say(f"Stack started: {count(brought.workers, 'worker')}, database {brought.database}")
    with open_session() as session:
        try:
            manner = Manner(wait=True, watch=not quiet, quiet=quiet, json=json)
            summary = partial(_summary, session) if talks else None
            code = order(session, resource, selectors, wanted, manner, summary)
        finally:
            if brought.started_workers:
                stack.down()
                if talks:
                    _say_what_waits(session)
    raise typer.Exit(code)


def _brought(stack: Stack) -> Brought:
    """Start the stack. Where that fails, or is interrupted, nothing of it stays that was not there before."""
    was_down = stack.is_down
    try:
        return stack.up()
    except BaseException:
        with suppress(SynctlError):  # what went wrong first is what is told
            if was_down:
                stack.undo()
        raise


def _summary(session: Session, view: RunView, why: Why) -> None:
    """Say what is stored, and what to type next."""
    if why is Why.FRESH:
        say(f"Everything is fresh: {count(view.done, 'unit')}, {count(view.rows, 'row')}.")
    else:
        _account(view)
    called = program()
    say("Next:")
    if view.failed or view.run.state is RunState.CANCELLED:
        say(f"  {called} retry {view.run.id}")
    for words in _stored(session, view):
        say(f"  {called} {words}")
    say(f"  {called} status")


def _stored(session: Session, view: RunView) -> Iterator[str]:
    """Yield what shows the first unit that the run stored; nothing where it stored none, or nobody says how."""
    words = _WORDS.get(view.run.resource)
    with session.database.read() as transaction:
        for unit in units(transaction, view.run.seq, {UnitState.DONE}, 1):
            chosen = words and words(transaction, unit["key"])
            if chosen:
                yield f"show {view.run.resource} {chosen}"


def _prayer(transaction: Transaction, key: str) -> str:
    number, method, _, days = key.split("/")
    city = reference.find_city(transaction, number)
    named = f"{city.name},{city.country}"
    where = named if reference.find_city(transaction, named) == city else number
    first, _, last = days.partition("..")
    when = "today" if first <= today_in(city.timezone).isoformat() <= last else first
    return f"--city {shlex.quote(where)} --method {method} --date {when}"


def _quran(_transaction: Transaction, key: str) -> str:
    return "" if key == QURAN_LIST else f"1 --edition {shlex.quote(key)}"


def _hadith(_transaction: Transaction, key: str) -> str:
    return shlex.quote(key)


_WORDS: Final[Mapping[str, Callable[[Transaction, str], str]]] = {
    "hadith": _hadith,
    "prayer": _prayer,
    "quran": _quran,
}
"""What selects a unit in `show`, from its key."""


def _account(view: RunView) -> None:
    taken = view.elapsed_s or 0.0
    pace = f" ({view.rows / taken:,.0f} rows/s)" if taken and view.run.changed else ""
    say()
    say(f"{view.run.id} {view.run.state}: {view.remark}" if view.remark else f"{view.run.id} {view.run.state}")
    say(f"  stored  {count(view.done, 'unit')}, {count(view.rows, 'row')}, of them {view.run.changed:,} new or changed")
    if view.unchanged:
        say(f"  same    {count(view.unchanged, 'unit')} had not changed")
    if view.failed:
        refused = f", {view.quarantined:,} of them in quarantine" if view.quarantined else ""
        say(f"  failed  {count(view.failed, 'unit')}{refused}; why: {program()} errors {view.run.id}")
    say(f"  took    {duration(taken)}{pace}")


def _say_what_waits(session: Session) -> None:
    """Say which runs are cut short by the end of the stack."""
    with session.database.read() as transaction:
        waiting = runs.listing(transaction, states=ACTIVE - {RunState.PAUSED})
    for one in waiting:
        say(f"{one.id} has {one.settled:,} of {one.total:,} units, and goes on after `{program()} up`.")
