"""What happens to runs, as one stream for whoever follows: `watch --json`, and whatever serves it to others.

An event with an id is a line of the audit trail: it is kept, and can be had again from any id on. `progress` has none:
it says how far a run is now, and the next one says it anew.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator
from typing import TYPE_CHECKING, Any, Final

import msgspec

from synctl.clock import iso, now_ms
from synctl.states import ACTIVE, RunState
from synctl.store import runs

if TYPE_CHECKING:
    from synctl.engine.view import RunView
    from synctl.store.db import Database, Row, Transaction

SETTLED_MS: Final = 3000
"""PostgreSQL gives out ids before it commits, so a later one may be seen first. Behind an id that is missing nothing is
read until what comes next is this old: a transaction that records an event takes some milliseconds."""
AT_ONCE: Final = 500
"""Events that are read at a time."""
PROGRESS_S: Final = 1.0
"""A run says how far it is at most this often."""


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """One event. `event`: created, request, state, taken-over, stalled, deleted …, or progress.

    `id` and `reason` of the audit trail, `who` did it and `origin` (host:pid); of progress all four are null, and
    `progress` has the fields of a run as `status --json` writes them.
    """

    id: int | None
    event: str
    run: str
    at: str
    state: str
    who: str | None = None
    origin: str | None = None
    reason: str | None = None
    progress: dict[str, object] | None = None

    def as_json(self) -> dict[str, Any]:
        """Return the stable fields."""
        found: dict[str, Any] = msgspec.to_builtins(self)
        return found


def latest(transaction: Transaction) -> int:
    """Return the id of the newest event, 0 where there is none."""
    row = transaction.one("SELECT MAX(id) AS id FROM run_event")
    return 0 if row is None or row["id"] is None else int(row["id"])


def read(transaction: Transaction, after: int) -> list[Event]:
    """Return the events that follow `after`, oldest first; those behind a gap only when nothing can fill it."""
    rows = transaction.all(
        "SELECT * FROM run_event WHERE id > :after ORDER BY id LIMIT :limit", after=after, limit=AT_ONCE
    )
    return [_event(row) for row in _settled(rows, after)]


def of_run(transaction: Transaction, run_id: str, limit: int) -> list[Event]:
    """Return the last events of a run, oldest first. The run may have been deleted."""
    return [_event(row) for row in runs.events(transaction, run_id, limit)]


class Follower(msgspec.Struct):
    """Gives out events once each. `run_ids`: of these runs only; empty: of all. `look` returns the runs as they are."""

    database: Database
    look: Callable[[], list[RunView]]
    after: int
    run_ids: Collection[str] = ()
    _said: dict[str, tuple[float, dict[str, object]]] = msgspec.field(default_factory=dict)

    def news(self) -> Iterator[Event]:
        """Yield what happened since the last time, then how far runs are that have moved."""
        while True:
            with self.database.read() as transaction:
                found = read(transaction, self.after)
            for event in found:
                self.after = event.id or self.after
                if not self.run_ids or event.run in self.run_ids:
                    yield event
            if len(found) < AT_ONCE:
                break
        views = self.look()
        self._said = {view.run.id: self._said[view.run.id] for view in views if view.run.id in self._said}
        for view in views:
            if (moved := self._progress(view)) is not None:
                yield moved

    def _progress(self, view: RunView) -> Event | None:
        when, before = self._said.get(view.run.id, (float("-inf"), {}))
        now, current = time.monotonic(), view.as_json()
        same = {name: current[name] for name in _MOVES} == {name: before.get(name) for name in _MOVES}
        moved_on = current["state"] != before.get("state")
        if same or (now - when < PROGRESS_S and not moved_on):
            return None
        self._said[view.run.id] = (now, current)
        return Event(
            id=None, event="progress", run=view.run.id, at=iso(now_ms()), state=str(view.run.state), progress=current
        )


_MOVES: Final = ("state", "reason", "done", "failed", "rows", "waits_for")
"""Fields whose change is news; rates and ages change all the time."""


def followed(transaction: Transaction, named: Collection[str]) -> list[runs.Run]:
    """Return the runs that are followed: those named, or all that are active and not paused."""
    if named:
        return [runs.get(transaction, name) for name in named]
    return runs.listing(transaction, states=ACTIVE - {RunState.PAUSED}, limit=runs.ALL)


def _settled(rows: list[Row], after: int) -> Iterator[Row]:
    expected, now = after + 1, now_ms()
    for row in rows:
        if row["id"] != expected and now - row["at"] < SETTLED_MS:
            return
        expected = row["id"] + 1
        yield row


def _event(row: Row) -> Event:
    return Event(
        id=row["id"],
        event=row["kind"],
        run=row["run_id"],
        at=iso(row["at"]),
        state=row["state"],
        who=row["who"],
        origin=row["origin"],
        reason=row["reason"],
    )
