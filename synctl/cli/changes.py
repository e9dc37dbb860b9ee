"""`synctl changes`: what a run changed in data that was stored before, old beside new."""

from __future__ import annotations

import json as json_text
from collections.abc import Callable, Iterator, Mapping
from functools import cache
from itertools import groupby
from typing import Annotated, Any, Final

import typer

from synctl.cli.options import JsonOption, RunArgument
from synctl.cli.output import count, emit_lines, say
from synctl.cli.session import open_session
from synctl.clock import iso
from synctl.errors import NotFound
from synctl.store import changes as store
from synctl.store import reference, runs
from synctl.store.db import Row, Transaction
from synctl.store.prayer_times import TIME_NAMES, clock, day_of
from synctl.store.runs import Run

SHOWN = 50
LONGEST = 60
"""Characters of a text that a line shows."""

Values = Mapping[str, Any]


def changes(
    run: RunArgument,
    limit: Annotated[int | None, typer.Option("--limit", metavar="N", min=1, help="Show at most N.")] = None,
    json: JsonOption = False,
) -> None:
    """Show what a run changed, added or removed in units that were stored before. --json: one object a change.

    Units that a run stored for the first time are no change.

    \b
    Examples:
      synctl changes prayer-20261124-1f0c7e2ab4
      synctl changes 1f0c7e2ab4 --json | jq -r 'select(.new == null).key'

    Exit codes: 0 shown, 2 no such run, or it was pruned, 5 the database is not set up, 10 database unreachable.
    """
    with open_session() as session, session.database.read() as transaction:
        found = runs.get(transaction, run)
        _require_kept(transaction, found)
        if json:
            emit_lines(_as_json(found.id, row) for row in store.of_run(transaction, found.seq, limit))
            return
        rows = list(store.of_run(transaction, found.seq, limit or SHOWN))
        if not rows:
            say(f"{found.id} changed nothing that was stored before.")
            return
        describe = _describer(transaction)
        for unit, group in groupby(rows, key=lambda row: row["unit"]):
            say(unit)
            for row in group:
                for line in describe(row):
                    say(f"  {line}")
    if limit is None and len(rows) == SHOWN:
        say(f"The first {count(SHOWN, 'row')}; --limit shows more, --json all.")


def _require_kept(transaction: Transaction, run: Run) -> None:
    """Raise NotFound where retention may have removed what the run changed."""
    if run.pruned_at is not None and run.changed and not any(store.of_run(transaction, run.seq, 1)):
        raise NotFound(
            f"what {run.id} changed was pruned {iso(run.pruned_at)}",
            hint=f"`synctl status {run.id}` still counts the rows",
        )


def _as_json(run_id: str, row: Row) -> dict[str, object]:
    key, old, new = _read(row)
    return {"run": run_id, "unit": row["unit"], "table": row["table_name"], "key": key, "old": old, "new": new}


def _read(row: Row) -> tuple[Values, Values | None, Values | None]:
    old, new = (None if row[name] is None else json_text.loads(row[name]) for name in ("old", "new"))
    return json_text.loads(row["row_key"]), old, new


def _describer(transaction: Transaction) -> Callable[[Row], Iterator[str]]:
    """Return what turns a change into lines for people: those of prayer times name the city and the clock."""

    @cache
    def city(number: int) -> str:
        found = reference.find_cities(transaction, str(number))
        return f"{found[0].name}, {found[0].country}" if found else f"city {number}"

    def describe(row: Row) -> Iterator[str]:
        key, old, new = _read(row)
        prayer = row["table_name"] == "prayer_time"
        where = (
            f"{city(key['city_id'])}, {day_of(key['day'])}" if prayer else " ".join(str(part) for part in key.values())
        )
        if old is None or new is None:
            yield f"{where}: {'new' if old is None else 'gone'}"
            return
        for name, before in old.items():
            if before != new.get(name):
                shown = _clock if prayer and name in _TIMES else _text
                yield f"{where}: {_TIMES.get(name, name)} {shown(before)} → {shown(new.get(name))}"

    return describe


_TIMES: Final = {name.lower(): name for name in TIME_NAMES}


def _clock(minute: object) -> str:
    return clock(minute) if isinstance(minute, int) else "-"


def _text(value: object) -> str:
    text = str(value)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"
