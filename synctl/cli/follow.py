"""Follows runs until they end or rest: bars on a terminal, a line per change elsewhere, JSON on request."""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from synctl.cli.outage import PATIENCE_S, Outage
from synctl.cli.output import duration, emit, say, warn
from synctl.cli.session import Session
from synctl.engine import events
from synctl.engine.view import RunView, views
from synctl.errors import ExitCode
from synctl.states import LIVE, RESTING, TERMINAL, RunState
from synctl.store import runs
from synctl.store.runs import Run

FRAME_S = 0.1
"""As often as the shards write progress: more often shows nothing new."""
LINE_EVERY_S = 5.0
"""Without a terminal a run that only makes progress, or waits, says so this often."""


def follow(
    session: Session, run_ids: Sequence[str], *, draw: bool, json: bool, hindrances: bool = False
) -> list[RunView]:
    """Return the runs as they are when all have ended or are paused.

    Where nothing is drawn, `hindrances` says once what keeps a run from going on, if that lasts.
    An interrupt stops the watching, never the runs, and says so. Raises RedisUnreachable where Redis stays away.
    """
    look = Look(session, run_ids)
    try:
        if draw and not json and sys.stdout.isatty():
            from synctl.cli.bars import draw_bars  # noqa: PLC0415 - rich only where it draws

            return draw_bars(look, until=_ended, frame_s=FRAME_S)
        if draw:
            return _lines(look, json=json)
        return _awaited(look, hindrances=hindrances)
    except KeyboardInterrupt:
        warn(f"stopped watching; {', '.join(run_ids)} goes on (`synctl watch`, `synctl cancel`)")
        raise SystemExit(ExitCode.INTERRUPTED) from None


class Look:
    """Looks at runs again and again, at all that are active where none is named. Changes nothing.

    While Redis is away it returns what SQL knows of them, and says so; after `PATIENCE_S` it raises RedisUnreachable.
    """

    def __init__(self, session: Session, run_ids: Sequence[str] | None) -> None:
        self._session = session
        self._run_ids = run_ids
        self._outage = Outage(session, PATIENCE_S)

    def __call__(self) -> list[RunView]:
        """Return the runs as they are now."""
        with self._session.database.read() as transaction:
            if self._run_ids is None:
                found = events.followed(transaction, ())
            else:
                found = [runs.get(transaction, run_id) for run_id in self._run_ids]
        return self._outage.spanned(lambda: self._seen(found), lambda: self._unseen(found))

    def _seen(self, found: Sequence[Run]) -> list[RunView]:
        """Ask Redis where a run is live; while it is away anyhow, since a run that lost it goes back to the queue."""
        if self._outage.trouble:
            self._session.client.ping()
        return views(found, self._session.client if any(run.state in LIVE for run in found) else None)

    def _unseen(self, found: Sequence[Run]) -> list[RunView]:
        why = f"waiting for Redis (does not answer, {self._outage.lasted_s:.0f} s)"
        return [replace(view, unseen=why) for view in views(found, None)]


def _ended(views: Sequence[RunView]) -> bool:
    return all(view.run.state in RESTING for view in views)


def _awaited(look: Callable[[], list[RunView]], *, hindrances: bool) -> list[RunView]:
    since: dict[str, float] = {}
    said: set[tuple[str, str]] = set()
    while True:
        current, now = look(), time.monotonic()
        for view in current if hindrances else ():
            live = view.run.state in LIVE or view.unseen  # a run that lost Redis goes back to the queue
            if not (live and view.note):
                since.pop(view.run.id, None)
                continue
            one = view.run.id, re.sub(r"\d+ s\b", "", view.note)  # the same, however long it has lasted
            if now - since.setdefault(view.run.id, now) >= LINE_EVERY_S and one not in said:
                said.add(one)
                say(line(view))
                sys.stdout.flush()
        if _ended(current):
            return current
        time.sleep(FRAME_S)


def _lines(look: Callable[[], list[RunView]], *, json: bool) -> list[RunView]:
    said: dict[str, tuple[RunState, float]] = {}
    while True:
        current = look()
        for view in current:
            state, when = said.get(view.run.id, (None, 0.0))
            now, moves = time.monotonic(), view.done or view.note  # or says why it does not
            if state is not view.run.state or (moves and now - when > LINE_EVERY_S):
                said[view.run.id] = (view.run.state, now)
                emit(view.as_json()) if json else say(line(view))
                sys.stdout.flush()
        if _ended(current):
            return current
        time.sleep(FRAME_S)


def line(view: RunView) -> str:
    """One line for a run: what it is, how far, how fast, how long."""
    run = view.run
    parts = [f"{run.id}  {run.state}", f"{view.done:,}/{run.total:,} units"]
    if view.unchanged:
        parts.append(f"{view.unchanged:,} unchanged")
    if view.failed:
        parts.append(failures(view))
    parts.append(f"{view.rows:,} rows")
    if run.state is RunState.RUNNING and view.live.unit_rate:
        parts.append(f"{view.live.unit_rate:,.0f} units/s")
        parts.append(f"{duration(view.eta_s)} left")
    if run.state in TERMINAL:
        parts.append(duration(view.elapsed_s))
    if view.remark:
        parts.append(view.remark)
    return ", ".join(parts)


def trouble(view: RunView) -> str:
    """Say in one line why a run did not succeed, and what tells more."""
    run = view.run
    why = " ".join(view.note.split()) or (failures(view) if view.failed else "")
    more = f"`synctl errors {run.id}` tells why" if view.failed else f"`synctl history {run.id}` tells who and when"
    return f"{run.id} {run.state}{f': {why}' if why else ''}; {more}"


def failures(view: RunView) -> str:
    """`5 failed, of them 2 quarantined`."""
    refused = f", of them {view.quarantined:,} quarantined" if view.quarantined else ""
    return f"{view.failed:,} failed{refused}"
