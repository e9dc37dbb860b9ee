"""Retention: what old runs leave goes in small steps, and nothing that anybody may still need."""

from __future__ import annotations

from typing import NamedTuple

import pytest

from synctl.clock import now_ms
from synctl.states import RunState
from synctl.store import ledger, retention, runs, slots
from synctl.store.db import Database
from synctl.store.retention import Limits, Scope, Size
from synctl.store.runs import Actor, NewRun

ACTOR = Actor("somebody", "a test")
DAY = 86_400_000
NOW = now_ms()
LIMITS = Limits(units=NOW - 30 * DAY, runs=NOW - 365 * DAY)


class Made(NamedTuple):
    """A run: what it is, when it ended (days ago), its selection, and the states of its units."""

    state: str
    ended: int | None
    selection: str = "all"
    units: tuple[str, ...] = ("done", "done", "failed")


def make(database: Database, *made: Made) -> list[str]:
    """Create the runs, in this order; return their ids."""
    ids = []
    with database.write() as transaction:
        for number, one in enumerate(made):
            run_id = f"fake-{number}"
            new = NewRun(run_id, "fake", "here", "2026-01-01", one.selection, "", 1, len(one.units))
            seq = runs.create(transaction, new, ACTOR, "")
            assert seq is not None
            ledger.add_units(transaction, seq, (ledger.NewUnit(f"u{n}", [n]) for n in range(len(one.units))))
            for ordinal, state in enumerate(one.units):
                transaction.execute(
                    "UPDATE sync_unit SET state = :state, error_class = 'RejectedError', message = '404'"
                    " WHERE run_seq = :seq AND ordinal = :ordinal",
                    state=state,
                    seq=seq,
                    ordinal=ordinal,
                )
            transaction.execute(
                "INSERT INTO unit_change (run_seq, unit, table_name, row_key) VALUES (:seq, 'u0', 't', '{}')", seq=seq
            )
            transaction.execute(
                "UPDATE run SET state = :state, finished_at = :ended, created_at = :created, done = :done,"
                " failed = :failed WHERE seq = :seq",
                state=one.state,
                ended=None if one.ended is None else NOW - one.ended * DAY,
                created=NOW - (one.ended or 0) * DAY - 1,
                done=one.units.count("done"),
                failed=one.units.count("failed"),
                seq=seq,
            )
            ids.append(run_id)
        transaction.execute("UPDATE run_event SET at = :at", at=NOW - 400 * DAY)
    return ids


def found(database: Database, limits: Limits = LIMITS) -> list[tuple[str, Scope]]:
    with database.read() as transaction:
        return [(one.run.id, one.scope) for one in retention.old(transaction, limits)]


def remove(database: Database, limits: Limits = LIMITS) -> None:
    with database.read() as transaction:
        old = retention.old(transaction, limits)
    for one in old:
        last = False
        while not last:
            with database.write() as transaction:
                last = retention.remove_some(transaction, one, ACTOR)


def count(database: Database, table: str) -> int:
    with database.read() as transaction:
        row = transaction.one(f"SELECT COUNT(*) AS n FROM {table}")
    assert row is not None
    return int(row["n"])


NEWER = Made("succeeded", 1)
WHAT_GOES: list[tuple[str, list[Made], list[tuple[str, Scope]]]] = [
    ("an old run that succeeded", [Made("succeeded", 31)], [("fake-0", Scope.UNITS)]),
    ("not one that ended lately", [Made("succeeded", 29)], []),
    ("not one that is active, however old", [Made("running", None), Made("paused", None), Made("queued", None)], []),
    ("of the newest that failed in part what is done", [Made("partial", 31)], [("fake-0", Scope.DONE)]),
    ("nothing of the newest of which nothing is done but a change", [Made("failed", 31, units=("failed",))],
     [("fake-0", Scope.DONE)]),
    ("all of one that failed, after a newer one of its selection", [Made("partial", 31), NEWER],
     [("fake-0", Scope.UNITS)]),
    ("what is done, after a newer one of another selection", [Made("cancelled", 31), Made("succeeded", 1, "other")],
     [("fake-0", Scope.DONE)]),
    ("a very old run", [Made("succeeded", 400), NEWER], [("fake-0", Scope.RUN)]),
    ("not the last run of a resource", [Made("succeeded", 400)], [("fake-0", Scope.UNITS)]),
    ("nor its last that succeeded", [Made("succeeded", 400), Made("partial", 1)], [("fake-0", Scope.UNITS)]),
    ("a very old run that could be retried stays one", [Made("partial", 400), Made("succeeded", 1, "other")],
     [("fake-0", Scope.DONE)]),
    ("the oldest first", [Made("succeeded", 40), Made("succeeded", 50), NEWER],
     [("fake-1", Scope.UNITS), ("fake-0", Scope.UNITS)]),
]  # fmt: skip


@pytest.mark.parametrize(("made", "goes"), [case[1:] for case in WHAT_GOES], ids=[case[0] for case in WHAT_GOES])
def test_what_goes_is(database: Database, made: list[Made], goes: list[tuple[str, Scope]]) -> None:
    make(database, *made)
    assert found(database) == goes
    remove(database)
    assert found(database) == []
    with database.read() as transaction:
        left = {run.id for run in runs.listing(transaction, limit=100)}
    assert left == {f"fake-{number}" for number in range(len(made))} - {
        name for name, scope in goes if scope is Scope.RUN
    }


def test_the_run_keeps_its_counters_and_says_since_when_its_units_are_gone(database: Database) -> None:
    (name,) = make(database, Made("succeeded", 31, units=("done",) * 5))
    remove(database)
    with database.read() as transaction:
        run = runs.get(transaction, name)
        events = [(event["kind"], event["reason"].partition(";")[0]) for event in runs.events(transaction, name)]
    assert (run.total, run.done, run.state) == (5, 5, RunState.SUCCEEDED)
    assert run.pruned_at is not None
    assert run.pruned_at >= NOW
    assert count(database, "sync_unit") == count(database, "unit_change") == 0
    assert events == [("created", ""), ("pruned", "all units, and what they changed")]


def test_what_retry_needs_stays_and_is_recognised_as_whole(database: Database) -> None:
    newest, old, *_ = make(database, Made("partial", 31, "other"), Made("partial", 31), NEWER)
    remove(database)
    with database.read() as transaction:
        assert ledger.holds_rest(transaction, runs.get(transaction, newest))
        assert not ledger.holds_rest(transaction, runs.get(transaction, old))


def test_no_transaction_removes_more_than_a_batch(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "BATCH", 3)
    make(database, Made("succeeded", 31, units=("done",) * 7))
    with database.read() as transaction:
        (one,) = retention.old(transaction, LIMITS)
        assert retention.size(transaction, one) == Size(units=7, changes=1)
    left = []
    last = False
    while not last:
        with database.write() as transaction:
            last = retention.remove_some(transaction, one, ACTOR)
        left.append(count(database, "sync_unit"))
    assert left == [4, 1, 0]


def test_a_run_that_is_queued_again_meanwhile_is_left_alone(database: Database) -> None:
    (name,) = make(database, Made("partial", 31))
    with database.write() as transaction:
        (one,) = retention.old(transaction, LIMITS)
        runs.transition(transaction, one.run, RunState.QUEUED, ACTOR)
        assert retention.remove_some(transaction, one, ACTOR)
        assert runs.get(transaction, name).pruned_at is None
    assert count(database, "sync_unit") == 3


def test_of_a_run_that_goes_only_that_is_left_in_the_audit_trail(database: Database) -> None:
    gone, _ = make(database, Made("succeeded", 400), NEWER)
    remove(database)
    with database.write() as transaction:
        assert [event["kind"] for event in runs.events(transaction, gone)] == ["pruned"]
        transaction.execute("UPDATE run_event SET at = 0")
        assert retention.forget_deleted(transaction, LIMITS)
        assert [event["run_id"] for event in runs.events(transaction, None)] == ["fake-1"]


def test_what_a_claimed_slot_of_a_schedule_may_have_queued_stays(database: Database) -> None:
    make(database, Made("succeeded", 400), NEWER)
    with database.write() as transaction:
        slots.claim(transaction, "nightly", NOW - 401 * DAY, "2025-10-01", ACTOR, NOW)
    assert found(database) == [("fake-0", Scope.UNITS)]


def test_without_limits_nothing_goes(database: Database) -> None:
    make(database, Made("succeeded", 4000), NEWER)
    assert found(database, Limits(None, None)) == []
    assert found(database, Limits(None, NOW - 365 * DAY)) == [("fake-0", Scope.RUN)]
