"""Runs in SQL: creation without duplicates, compare-and-set of states, and the audit trail."""

from __future__ import annotations

import os
import pwd
import socket
from collections.abc import Collection, Sequence

import msgspec

from synctl.clock import now_ms
from synctl.errors import IllegalTransition, NotFound
from synctl.states import LIVE, TERMINAL, RunState, sources_of
from synctl.store.db import Row, Transaction
from synctl.suggest import did_you_mean
from synctl.words import shortened

ALL = 2**31
"""More runs than there are."""
TAKEN_OVER = "taken-over"
"""The kind of event that tells of a shard whose holder was given up; its reason begins with that holder."""
SHORTEST_PART = 4
"""Characters of a run's id that name it: an unset shell variable must not name the only run there is."""
ALIKE = 0.9
"""A run's id that is meant by a mistyped one has all but two or three characters of it: ids of a day look alike."""
REMEMBERED = 500
"""The newest runs, of which one may have been meant."""
_ORDER = (LIVE, {RunState.QUEUED}, {RunState.PAUSED})
"""What is listed before all others: where a screen is short, those that work must be on it."""


class Actor(msgspec.Struct, frozen=True):
    """Who asks, and from where: kept with every change of a run."""

    who: str
    origin: str

    @classmethod
    def this_process(cls, who: str | None = None) -> Actor:
        """Return the user of this process (or a worker's name), and its host and pid."""
        return cls(who or _user(), f"{socket.gethostname()}:{os.getpid()}")


class Run(msgspec.Struct, frozen=True):
    """A row of the `run` table."""

    seq: int
    id: str
    resource: str
    source: str
    sync_date: str
    params: str
    label: str
    state: RunState
    reason: str
    error_class: str | None
    waits_for: str
    epoch: int
    attempt: int
    shards: int
    total: int
    done: int
    failed: int
    quarantined: int
    unchanged: int
    rows: int
    changed: int
    anew: int
    created_at: int
    started_at: int | None
    finished_at: int | None
    pruned_at: int | None = None

    @property
    def settled(self) -> int:
        """Units that need no more work."""
        return self.done + self.failed


class NewRun(msgspec.Struct, frozen=True):
    """What a run is created from."""

    id: str
    resource: str
    source: str
    sync_date: str
    params: str
    label: str
    shards: int
    total: int
    anew: int = 0


def create(transaction: Transaction, new: NewRun, actor: Actor, reason: str) -> int | None:
    """Insert a queued run; return its `seq`, or None if a run of that id exists (whoever was first)."""
    row = transaction.one(
        "INSERT INTO run (id, resource, source, sync_date, params, label, state, reason, epoch, attempt, shards,"
        " total, done, failed, rows, changed, anew, created_at)"
        " VALUES (:id, :resource, :source, :sync_date, :params, :label, 'queued', '', 0, 0, :shards,"
        " :total, 0, 0, 0, 0, :anew, :now) ON CONFLICT (id) DO NOTHING RETURNING seq",
        now=now_ms(),
        **{name: getattr(new, name) for name in NewRun.__struct_fields__},
    )
    if row is None:
        return None
    record(transaction, new.id, "created", RunState.QUEUED, actor, reason)
    return int(row["seq"])


def find(transaction: Transaction, run_id: str) -> Run | None:
    """Return the run of that id."""
    row = transaction.one("SELECT * FROM run WHERE id = :id", id=run_id)
    return run_of(row) if row else None


def get(transaction: Transaction, name: str) -> Run:
    """Return the run that `name` names: its id, or a part of it that no other run's id has."""
    run = find(transaction, name)
    if run is not None:
        return run
    if len(name) < SHORTEST_PART:
        raise NotFound(
            f"run {shortened(repr(name))}: at least {SHORTEST_PART} characters of an id",
            hint="`synctl status` lists the runs",
        )
    rows = transaction.all(
        r"SELECT * FROM run WHERE id LIKE :part ESCAPE '\' ORDER BY created_at DESC LIMIT 6",
        part=like(name),
    )
    if len(rows) == 1:
        return run_of(rows[0])
    if rows:
        raise NotFound(
            f"run {shortened(repr(name))} is ambiguous: {', '.join(row['id'] for row in rows[:5])}",
            hint="type more of it",
        )
    near = did_you_mean(name.lower(), _newest_ids(transaction), like=ALIKE)
    raise NotFound(f"no run {shortened(repr(name))}{near}", hint="`synctl status` lists the runs")


def like(part: str) -> str:
    r"""Return the pattern of the ids that hold a part, for `LIKE … ESCAPE '\'`."""
    escaped = part.lower().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
    return f"%{escaped}%"


def listing(
    transaction: Transaction,
    *,
    states: Collection[RunState] | None = None,
    resource: str | None = None,
    since: int = 0,
    limit: int = 50,
) -> list[Run]:
    """Return runs, the newest first: those that are worked on, queued, paused, ended; none that ended before `since`.

    `since` is a moment in milliseconds.
    """
    chosen = sorted(states if states is not None else RunState)
    marks = ", ".join(f"'{state}'" for state in chosen)
    ranks = " ".join(f"WHEN '{state}' THEN {rank}" for rank, one in enumerate(_ORDER) for state in sorted(one))
    rows = transaction.all(
        f"SELECT * FROM run WHERE state IN ({marks}) AND (CAST(:resource AS TEXT) IS NULL OR resource = :resource)"
        " AND (finished_at IS NULL OR finished_at >= :since)"
        f" ORDER BY CASE state {ranks} ELSE {len(_ORDER)} END, created_at DESC LIMIT :limit",
        resource=resource,
        since=since,
        limit=limit,
    )
    return [run_of(row) for row in rows]


def transition(
    transaction: Transaction,
    run: Run,
    target: RunState,
    actor: Actor,
    *,
    reason: str = "",
    only_from: Collection[RunState] | None = None,
    kind: str = "state",
    error_class: str | None = None,
) -> bool:
    """Compare-and-set the state; return whether this call changed it.

    `only_from` narrows the legal origins. A terminal state stamps `finished_at`. `error_class` is of the error
    that ended the run. Whom it waits for is for `turns` to say anew.
    """
    origins = sources_of(target) & frozenset(only_from if only_from is not None else RunState)
    marks = ", ".join(f"'{state}'" for state in sorted(origins))
    now = now_ms()
    changed = transaction.execute(
        "UPDATE run SET state = :target, reason = :reason, error_class = :error_class, waits_for = '',"
        " started_at = CASE WHEN :running = 1 THEN COALESCE(started_at, :now) ELSE started_at END,"
        " finished_at = CASE WHEN :terminal = 1 THEN :now ELSE NULL END"
        f" WHERE seq = :seq AND state IN ({marks})",
        target=str(target),
        reason=reason,
        error_class=error_class,
        now=now,
        running=int(target is RunState.RUNNING),
        terminal=int(target in TERMINAL),
        seq=run.seq,
    )
    if changed:
        record(transaction, run.id, kind, target, actor, reason)
    return bool(changed)


def wait_for(transaction: Transaction, run: Run, other: str) -> None:
    """Note the id of the run that a queued one waits for; empty: for none."""
    transaction.execute(
        "UPDATE run SET waits_for = :other WHERE seq = :seq AND state = 'queued' AND waits_for <> :other",
        other=other,
        seq=run.seq,
    )


def require_transition(
    transaction: Transaction,
    run: Run,
    target: RunState,
    actor: Actor,
    *,
    reason: str,
    verb: str,
    only_from: Collection[RunState] | None = None,
) -> None:
    """Compare-and-set the state, or raise IllegalTransition that says what the state is."""
    if not transition(transaction, run, target, actor, reason=reason, only_from=only_from, kind="request"):
        current = get(transaction, run.id)
        raise IllegalTransition(
            f"cannot {verb} {run.id}: it is {current.state}", hint=f"`synctl status {run.id}` tells more"
        )


def record(transaction: Transaction, run_id: str, kind: str, state: RunState, actor: Actor, reason: str) -> None:
    """Add a line to the audit trail."""
    transaction.execute(
        "INSERT INTO run_event (run_id, at, kind, state, who, origin, reason)"
        " VALUES (:run_id, :at, :kind, :state, :who, :origin, :reason)",
        run_id=run_id,
        at=now_ms(),
        kind=kind,
        state=str(state),
        who=actor.who,
        origin=actor.origin,
        reason=reason,
    )


def events(
    transaction: Transaction,
    run_id: str | None,
    limit: int = 100,
    *,
    since: int = 0,
    kinds: Collection[str] = (),
) -> Sequence[Row]:
    """Return the audit trail, oldest first: the last `limit` lines of one run or of all, from `since` (ms) on.

    `kinds` are the only ones, if there are any.
    """
    chosen = {f"kind{place}": kind for place, kind in enumerate(sorted(kinds))}
    only = f" AND kind IN ({', '.join(f':{name}' for name in chosen)})" if chosen else ""
    rows = transaction.all(
        "SELECT * FROM run_event WHERE (CAST(:run_id AS TEXT) IS NULL OR run_id = :run_id)"
        f" AND at >= :since{only} ORDER BY id DESC LIMIT :limit",
        run_id=run_id,
        since=since,
        limit=limit,
        **chosen,
    )
    return rows[::-1]


def delete(transaction: Transaction, run: Run, actor: Actor, reason: str) -> bool:
    """Remove a run with its ledger; False if it is live. What it synced stays, and so does its audit trail."""
    live = ", ".join(f"'{state}'" for state in sorted(LIVE))
    locked = f"UPDATE run SET waits_for = '' WHERE seq = :seq AND state NOT IN ({live})"
    if not transaction.execute(locked, seq=run.seq):
        return False
    for table in ("sync_unit", "run_shard", "unit_change"):
        transaction.execute(f"DELETE FROM {table} WHERE run_seq = :seq", seq=run.seq)
    transaction.execute("DELETE FROM run WHERE seq = :seq", seq=run.seq)
    record(transaction, run.id, "deleted", run.state, actor, reason)
    return True


def _newest_ids(transaction: Transaction) -> list[str]:
    rows = transaction.all("SELECT id FROM run ORDER BY created_at DESC LIMIT :limit", limit=REMEMBERED)
    return [row["id"] for row in rows]


def run_of(row: Row) -> Run:
    """Return the run that a row of its table is."""
    values = {name: row[name] for name in Run.__struct_fields__}
    return Run(**{**values, "state": RunState(values["state"])})


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container with a uid of its own
        return f"uid {os.getuid()}"
