"""A schedule as an observer sees it: its next times, and what came of its last slots. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import islice

import msgspec

from synctl.clock import iso
from synctl.config.schedules import Schedule
from synctl.engine import schedules
from synctl.store import runs, slots
from synctl.store.db import Transaction
from synctl.store.runs import Run
from synctl.store.slots import Slot


class SlotView(msgspec.Struct, frozen=True):
    """A slot, and its run as it is now; None where it has none or it was deleted."""

    slot: Slot
    run: Run | None

    def as_json(self) -> dict[str, object]:
        """Return the stable fields of `--json`."""
        return {
            "slot": iso(self.slot.slot),
            "state": str(self.slot.state),
            "why": self.slot.why,
            "run": self.slot.run_id,
            "run_state": str(self.run.state) if self.run else None,
            "who": self.slot.who,
            "origin": self.slot.origin,
            "at": iso(self.slot.settled_at or self.slot.claimed_at),
        }


class ScheduleView(msgspec.Struct, frozen=True):
    """One entry of `schedule list`. `slots`: the newest first."""

    name: str
    schedule: Schedule
    upcoming: Sequence[int]
    slots: Sequence[SlotView]

    def as_json(self) -> dict[str, object]:
        """Return the stable fields of `--json`."""
        one = self.schedule
        return {
            "schedule": self.name,
            "words": one.when.words(),
            "cron": one.cron,
            "timezone": one.timezone,
            "resource": one.resource,
            "arguments": schedules.arguments(one),
            "if_stale_s": one.if_stale_s,
            "overlap": str(one.overlap),
            "catch_up_s": one.catch_up_s,
            "enabled": one.enabled,
            "next": [iso(moment) for moment in self.upcoming],
            "slots": [slot.as_json() for slot in self.slots],
        }


def upcoming(schedule: Schedule, now: int, count: int) -> list[int]:
    """Return the next moments of a schedule; none if it is disabled."""
    return list(islice(schedule.when.after(now), count)) if schedule.enabled else []


def past(transaction: Transaction, name: str, count: int) -> list[SlotView]:
    """Return what came of the latest slots."""
    return [
        SlotView(slot, runs.find(transaction, slot.run_id) if slot.run_id else None)
        for slot in slots.listing(transaction, name, count)
    ]
