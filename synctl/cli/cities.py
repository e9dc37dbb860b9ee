"""`synctl cities`: a user's own cities, and which cities a name means."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Annotated

import typer
from msgspec.structs import asdict

from synctl.cli.options import JsonOption
from synctl.cli.output import console, count, emit_lines, fitted, program, say, table
from synctl.cli.session import open_session
from synctl.errors import Busy, UsageError
from synctl.store import own_cities as store
from synctl.store import reference
from synctl.store.db import Transaction
from synctl.store.reference import City


class Action(StrEnum):
    """What to do with cities."""

    LIST = "list"
    REMOVE = "remove"


def cities(
    action: Annotated[Action, typer.Argument(help="list; remove: one of your own.")],
    names: Annotated[list[str] | None, typer.Argument(metavar="NAME", help="London, London,CA or an id.")] = None,
    force: Annotated[bool, typer.Option("--force", help="remove: its prayer times, too.")] = False,
    json: JsonOption = False,
) -> None:
    """List your own cities, or all that a name means; remove one of your own.

    Your own are those of `synctl seed --cities-file`. remove refuses a city with stored prayer times, unless
    forced, and one of which a run has units left to do. Cities that come with synctl cannot be removed.
    --json: one city a line.

    \b
    Examples:
      synctl cities list
      synctl cities list London
      synctl cities remove "Our Vilage,GB"

    Exit codes: 0 done, 2 usage, no such city or its prayer times are stored, 5 the database is not set up,
    8 a run has units of it left to do, 10 database unreachable.
    """
    if action is Action.LIST and force:
        raise UsageError("--force is of `remove`")
    if action is Action.REMOVE and not names:
        raise UsageError("remove needs a city", hint=f"`{program()} cities list` lists your own")
    with open_session() as session:
        if action is Action.LIST:
            with session.database.read() as transaction:
                _list(transaction, names or [], json=json)
        else:
            with session.database.write() as transaction:
                found = {city.id: city for city in (store.own_city(transaction, name) for name in names or [])}
                rows = {city.id: _removed(transaction, city, force=force) for city in found.values()}
            if json:
                emit_lines(_as_json(city, rows[city.id]) for city in found.values())
            for city in () if json else found.values():
                stored = f", with {count(rows[city.id], 'row')} of prayer times" if rows[city.id] else ""
                say(f"{city.name}, {city.country} is removed{stored}")


def _removed(transaction: Transaction, city: City, *, force: bool) -> int:
    """Remove a city; return how many rows went with it. Raises Busy, UsageError for rows that are not to go."""
    if runs := store.unfinished(transaction, city):
        others = f" and {count(len(runs) - 1, 'other run')}" if len(runs) > 1 else ""
        raise Busy(
            f"{city.name}, {city.country}: {runs[0]}{others} has units of it left to do",
            hint=f"let it end, or `{program()} cancel --wait {runs[0]}` and `{program()} delete {runs[0]}`",
        )
    rows = store.stored_rows(transaction, city)
    if rows and not force:
        raise UsageError(
            f"{city.name}, {city.country} has {count(rows, 'row')} of prayer times", hint="--force removes them, too"
        )
    store.remove(transaction, city)
    return rows


def _list(transaction: Transaction, names: Sequence[str], *, json: bool) -> None:
    meant = [
        city
        for name in names
        for city in reference.find_cities(transaction, name) or [reference.find_city(transaction, name)]  # raises
    ]
    found = list({city.id: city for city in meant}.values()) if names else reference.own_cities(transaction)
    if json:
        emit_lines(_as_json(city, store.stored_rows(transaction, city)) for city in found)
        return
    if not found:
        say(f"You have no cities of your own. `{program()} seed --cities-file FILE` adds some.")
        return
    columns = [
        ("ID", "right"), ("CITY", "left"), ("WHOSE", "left"), ("LATITUDE", "right"), ("LONGITUDE", "right"),
        ("ZONE", "left"), ("ROWS", "right"),
    ]  # fmt: skip
    rows = [
        [
            str(city.id),
            f"{city.name}, {city.country}",
            "yours" if city.own else "GeoNames",
            f"{city.latitude}",
            f"{city.longitude}",
            city.timezone,
            f"{store.stored_rows(transaction, city):,}",
        ]
        for city in found
    ]
    terminal = console()
    terminal.print(table(*fitted(columns, rows, terminal.width, ("WHOSE", "LATITUDE", "LONGITUDE", "ZONE"))))


def _as_json(city: City, rows: int) -> dict[str, object]:
    return {**asdict(city), "own": city.own, "rows": rows}
