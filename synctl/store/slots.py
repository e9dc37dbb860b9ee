"""Slots of schedules in SQL: each moment of a schedule is claimed by one process, and settled once.

Moments are milliseconds since the Unix epoch.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from enum import StrEnum

import msgspec

from synctl.states import ACTIVE
from synctl.store.db import Row, Transaction
from synctl.store.runs import Actor

KEPT_MS = 90 * 86_400_000
"""For how long it is told what came of a slot."""


class SlotState(StrEnum):
    """What came of a slot. All but the first are final."""

    CLAIMED = "claimed"
    """Somebody is queueing it, or died doing so."""
    ENQUEUED = "enqueued"
    """Its run was queued, or was there already: `why` says which."""
    SKIPPED = "skipped"
    """A run of the same schedule was active."""
    MISSED = "missed"
    """Nothing ran at its time, and it was too late or a later one stood for it."""
    FAILED = "failed"
    """It could not be queued: `why` is the error."""


class Slot(msgspec.Struct, frozen=True):
    """A row of `schedule_slot`."""

    schedule: str
    slot: int
    state: SlotState
    run_id: str | None
    why: str
    sync_date: str
    who: str
    origin: str
    claimed_at: int
    settled_at: int | None


def know(transaction: Transaction, schedule: str, spec: str, now: int) -> int:
    """Note how a schedule reads, and return since when it does: `now`, if it is new or has changed."""
    row = transaction.one(
        "INSERT INTO schedule_seen (schedule, spec, since) VALUES (:schedule, :spec, :now)"
        " ON CONFLICT (schedule) DO UPDATE SET spec = excluded.spec,"
        " since = CASE WHEN schedule_seen.spec = excluded.spec THEN schedule_seen.since ELSE excluded.since END"
        " RETURNING since",
        schedule=schedule,
        spec=spec,
        now=now,
    )
    assert row is not None  # noqa: S101 - an upsert returns its row
    return int(row["since"])


def retire(transaction: Transaction, in_force: Collection[str], now: int) -> None:
    """Note that all other schedules are not in force: what passes meanwhile is not made up for."""
    for row in transaction.all("SELECT schedule FROM schedule_seen WHERE spec <> ''"):
        if row["schedule"] not in in_force:
            know(transaction, row["schedule"], "", now)


def last(transaction: Transaction, schedule: str) -> Slot | None:
    """Return the latest slot that anything is known of."""
    row = transaction.one(
        "SELECT * FROM schedule_slot WHERE schedule = :schedule ORDER BY slot DESC LIMIT 1", schedule=schedule
    )
    return _slot(row) if row else None


def listing(transaction: Transaction, schedule: str, limit: int) -> list[Slot]:
    """Return the latest slots, the newest first."""
    rows = transaction.all(
        "SELECT * FROM schedule_slot WHERE schedule = :schedule ORDER BY slot DESC LIMIT :limit",
        schedule=schedule,
        limit=limit,
    )
    return [_slot(row) for row in rows]


def claim(transaction: Transaction, schedule: str, slot: int, sync_date: str, actor: Actor, now: int) -> Slot | None:
    """Take a slot; None if somebody has, whoever was first."""
    row = transaction.one(
        "INSERT INTO schedule_slot (schedule, slot, state, why, sync_date, who, origin, claimed_at)"
        " VALUES (:schedule, :slot, 'claimed', '', :sync_date, :who, :origin, :now)"
        " ON CONFLICT (schedule, slot) DO NOTHING RETURNING *",
        schedule=schedule,
        slot=slot,
        sync_date=sync_date,
        who=actor.who,
        origin=actor.origin,
        now=now,
    )
    return _slot(row) if row else None


def miss(transaction: Transaction, schedule: str, slots: Iterable[tuple[int, str]], actor: Actor, now: int) -> None:
    """Record slots that are not done, each with its reason."""
    for slot, why in slots:
        transaction.execute(
            "INSERT INTO schedule_slot (schedule, slot, state, why, sync_date, who, origin, claimed_at, settled_at)"
            " VALUES (:schedule, :slot, 'missed', :why, '', :who, :origin, :now, :now)"
            " ON CONFLICT (schedule, slot) DO NOTHING",
            schedule=schedule,
            slot=slot,
            why=why,
            who=actor.who,
            origin=actor.origin,
            now=now,
        )


def claimed(transaction: Transaction) -> list[Slot]:
    """Return the slots that are claimed and not settled, oldest first."""
    rows = transaction.all("SELECT * FROM schedule_slot WHERE state = 'claimed' ORDER BY slot")
    return [_slot(row) for row in rows]


def claim_again(transaction: Transaction, slot: Slot, actor: Actor, now: int) -> Slot | None:
    """Take over a slot that its claimer did not settle; None if another process did, or it is settled by now."""
    row = transaction.one(
        "UPDATE schedule_slot SET claimed_at = :now, who = :who, origin = :origin WHERE schedule = :schedule"
        " AND slot = :slot AND state = 'claimed' AND claimed_at = :seen AND origin = :seen_origin RETURNING *",
        schedule=slot.schedule,
        slot=slot.slot,
        seen=slot.claimed_at,
        seen_origin=slot.origin,
        who=actor.who,
        origin=actor.origin,
        now=now,
    )
    return _slot(row) if row else None


def settle(transaction: Transaction, slot: Slot, state: SlotState, why: str, run_id: str | None, now: int) -> bool:
    """Say what came of a slot; False if it was settled already."""
    return bool(
        transaction.execute(
            "UPDATE schedule_slot SET state = :state, why = :why, run_id = :run_id, settled_at = :now"
            " WHERE schedule = :schedule AND slot = :slot AND state = 'claimed'",
            schedule=slot.schedule,
            slot=slot.slot,
            state=str(state),
            why=why,
            run_id=run_id,
            now=now,
        )
    )


def queued(transaction: Transaction, reason: str) -> tuple[str, str] | None:
    """Return how and which run was queued for a reason that names one slot; None if none was."""
    row = transaction.one(
        "SELECT kind, run_id FROM run_event WHERE reason = :reason AND kind IN ('created', 'retried', 'forced')"
        " ORDER BY id LIMIT 1",
        reason=reason,
    )
    return (str(row["kind"]), str(row["run_id"])) if row else None


def active_runs(transaction: Transaction, schedule: str) -> list[str]:
    """Return the ids of a schedule's runs that have not ended."""
    states = ", ".join(f"'{state}'" for state in sorted(ACTIVE))
    rows = transaction.all(
        "SELECT DISTINCT r.id, r.seq FROM schedule_slot s JOIN run r ON r.id = s.run_id"
        f" WHERE s.schedule = :schedule AND r.state IN ({states}) ORDER BY r.seq",
        schedule=schedule,
    )
    return [str(row["id"]) for row in rows]


def forget_old(transaction: Transaction, now: int) -> None:
    """Remove what was settled long ago, but for the latest slot of each schedule, from which the next is counted."""
    transaction.execute(
        "DELETE FROM schedule_slot WHERE settled_at < :before AND slot < (SELECT MAX(later.slot)"
        " FROM schedule_slot later WHERE later.schedule = schedule_slot.schedule)",
        before=now - KEPT_MS,
    )


def _slot(row: Row) -> Slot:
    values = {name: row[name] for name in Slot.__struct_fields__}
    return Slot(**{**values, "state": SlotState(values["state"])})
