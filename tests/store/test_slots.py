"""Slots in SQL: claimed by one, taken over by one, settled once."""

from __future__ import annotations

from synctl.store import slots
from synctl.store.db import Database
from synctl.store.runs import Actor
from synctl.store.slots import SlotState

ONE, TWO = Actor("a", "host:1"), Actor("b", "host:2")


def test_a_slot_is_claimed_by_the_first_and_taken_over_by_one(database: Database) -> None:
    with database.write() as transaction:
        first = slots.claim(transaction, "nightly", 1000, "2026-11-02", ONE, 5)
        assert first is not None
        assert slots.claim(transaction, "nightly", 1000, "2026-11-03", TWO, 6) is None
        assert slots.claim(transaction, "other", 1000, "2026-11-03", TWO, 6) is not None
        slots.miss(transaction, "nightly", [(1000, "late"), (900, "late")], TWO, 7)
        assert slots.last(transaction, "nightly") == first
        again = slots.claim_again(transaction, first, TWO, 8)
        assert again is not None
        assert (again.sync_date, again.origin, again.claimed_at) == ("2026-11-02", "host:2", 8)
        assert slots.claim_again(transaction, first, ONE, 9) is None
        assert [one.schedule for one in slots.claimed(transaction)] == ["nightly", "other"]


def test_a_slot_is_settled_once(database: Database) -> None:
    with database.write() as transaction:
        claimed = slots.claim(transaction, "nightly", 1000, "2026-11-02", ONE, 5)
        assert claimed is not None
        assert slots.settle(transaction, claimed, SlotState.ENQUEUED, "created", "prayer-1", 6)
        assert not slots.settle(transaction, claimed, SlotState.FAILED, "late", None, 7)
        assert slots.claim_again(transaction, claimed, TWO, 8) is None
        (found,) = slots.listing(transaction, "nightly", 10)
    assert (found.state, found.why, found.run_id, found.settled_at) == (SlotState.ENQUEUED, "created", "prayer-1", 6)


def test_a_schedule_is_as_it_is_since_it_last_changed(database: Database) -> None:
    with database.write() as transaction:
        assert slots.know(transaction, "nightly", "0 2 * * * UTC", 10) == 10
        assert slots.know(transaction, "nightly", "0 2 * * * UTC", 20) == 10
        assert slots.know(transaction, "nightly", "0 3 * * * UTC", 30) == 30
        slots.retire(transaction, ["nightly"], 40)
        assert slots.know(transaction, "nightly", "0 3 * * * UTC", 50) == 30
        slots.retire(transaction, [], 60)
        slots.retire(transaction, [], 70)
        assert slots.know(transaction, "nightly", "0 3 * * * UTC", 80) == 80
