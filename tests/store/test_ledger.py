"""The ledger: a unit is worked on by one shard, and all that it means is committed at once or not at all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest

from synctl.errors import Fenced, MismatchError, RateLimitedError, RejectedError, TransientError, UnitError
from synctl.processors.prayer_unit import TABLE
from synctl.states import RunState
from synctl.store import ledger, runs, shards, units
from synctl.store.db import Database
from synctl.store.ledger import NOTHING_KNOWN, Claimed, Known, Lease, Settled
from synctl.store.runs import Actor, NewRun, Run
from synctl.store.upsert import ROWS_PER_STATEMENT, Rows, upsert

ACTOR = Actor("somebody", "a test")
UNITS = 6


@pytest.fixture
def leases(database: Database) -> list[Lease]:
    """A running run of six units over two shards."""
    with database.write() as transaction:
        new = NewRun("fake-1", "prayer", "here", "2026-01-01", "{}", "", 2, UNITS)
        seq = runs.create(transaction, new, ACTOR, "")
        assert seq is not None
        added = ledger.add_units(transaction, seq, (ledger.NewUnit(f"u{n}", [n, "x"]) for n in range(UNITS)))
        assert added == ledger.Added(units=UNITS, fresh=0)
        shards.expect(transaction, seq, 2)
        run = runs.get(transaction, "fake-1")
        epochs = [shards.acquire(transaction, run, one.shard, one.attempt, "h") for one in shards.expected(transaction)]
        runs.transition(transaction, run, RunState.RUNNING, ACTOR)
    return [Lease(run.id, seq, shard, epoch, f"t{shard}", "h") for shard, epoch in enumerate(epochs)]


def _rows(count: int, minute: int = 300, city: int = 1) -> Rows:
    return Rows(TABLE, [(city, 3, 0, day, 0, *[minute] * 11) for day in range(count)])


def _claim(database: Database, lease: Lease, limit: int) -> list[Claimed]:
    with database.write() as transaction:
        return ledger.claim(transaction, lease, limit)


def _commit(database: Database, lease: Lease, *settled: Settled) -> ledger.Counters:
    with database.write() as transaction:
        return ledger.commit(transaction, lease, settled, "prayer", "here")


def _run(database: Database) -> Run:
    with database.read() as transaction:
        return runs.get(transaction, "fake-1")


def _all(database: Database, sql: str) -> list[tuple[Any, ...]]:
    with database.read() as transaction:
        return [tuple(dict(row).values()) for row in transaction.all(sql)]


def _states(database: Database) -> list[str]:
    return [state for (state,) in _all(database, "SELECT state FROM sync_unit ORDER BY ordinal")]


def _everything(database: Database) -> list[Sequence[object]]:
    tables = ("run", "run_shard", "sync_unit", "stored_unit", "prayer_time")
    return [_all(database, f"SELECT * FROM {table}") for table in tables]


def test_units_are_claimed_in_order_and_none_twice(database: Database, leases: list[Lease]) -> None:
    taken = [_claim(database, lease, limit) for lease, limit in [(leases[0], 2), (leases[1], 3), (leases[0], 9)]]
    assert [[unit.ordinal for unit in some] for some in taken] == [[0, 1], [2, 3, 4], [5]]
    assert taken[0][0] == Claimed(0, "u0", [0, "x"])
    assert _claim(database, leases[1], 9) == []


def test_a_claim_begins_where_it_is_told_to_and_goes_round(database: Database, leases: list[Lease]) -> None:
    def claim(lease: Lease, limit: int, start: int) -> list[int]:
        with database.write() as transaction:
            return [unit.ordinal for unit in ledger.claim(transaction, lease, limit, start)]

    assert claim(leases[1], 2, 3) == [3, 4]
    assert claim(leases[0], 0, 3) == []
    assert claim(leases[0], 1, 0) == [0]
    assert claim(leases[1], 3, 5) == [5, 1, 2]
    assert claim(leases[0], 3, 1) == []


def test_a_commit_writes_rows_unit_and_counters(database: Database, leases: list[Lease]) -> None:
    one, two = _claim(database, leases[0], 2)
    counters = _commit(
        database,
        leases[0],
        Settled(one, 7, attempts=2, parts=[_rows(3), _rows(2, city=2)], body_hash="hash"),
        Settled(two, 8, error=RejectedError("gone", http_status=404)),
    )
    assert counters == ledger.Counters(RunState.RUNNING, total=UNITS, done=1, failed=1, rows=5)
    assert counters.open == UNITS - 2
    run = _run(database)
    assert (run.done, run.failed, run.rows, run.changed, run.settled) == (1, 1, 5, 5, 2)
    found = _all(database, "SELECT state, attempts, rows, changed, body_hash, took_ms FROM sync_unit WHERE ordinal = 0")
    assert found == [("done", 2, 5, 5, "hash", 7)]
    assert _all(database, "SELECT resource, key, source, run_id, body_hash, rows FROM stored_unit") == [
        ("prayer", "u0", "here", "fake-1", "hash", 5)
    ]
    assert _all(database, "SELECT COUNT(*) FROM prayer_time JOIN stored_unit s ON s.id = unit_id") == [(5,)]


@pytest.mark.parametrize("how", ["taken over", "expected again", "dissolved", "paused", "deleted"])
def test_who_lost_the_shard_commits_nothing(database: Database, leases: list[Lease], how: str) -> None:
    (unit,) = _claim(database, leases[0], 1)
    with database.write() as transaction:
        run, shard = runs.get(transaction, "fake-1"), shards.expected(transaction)[0]
        if how == "taken over":
            shards.acquire(transaction, run, 0, shard.attempt, "else")
        elif how == "expected again":
            shards.expect_again(transaction, shard)
        elif how == "dissolved":
            shards.dissolve(transaction, run.seq)
        elif how == "paused":  # the fence of the state alone
            transaction.execute("UPDATE run SET state = 'paused'")
        else:
            transaction.execute("UPDATE run SET state = 'cancelled'")
            assert runs.delete(transaction, run, ACTOR, "")
    before = _everything(database)
    with pytest.raises(Fenced):
        _commit(database, leases[0], Settled(unit, 1, parts=[_rows(3)]))
    assert _everything(database) == before


def test_a_unit_settled_twice_rolls_the_whole_commit_back(database: Database, leases: list[Lease]) -> None:
    one, two = _claim(database, leases[0], 2)
    (others,) = _claim(database, leases[1], 1)
    _commit(database, leases[0], Settled(one, 1, parts=[_rows(3)]))
    before = _everything(database)
    for again in (one, others):
        with pytest.raises(Fenced):
            _commit(database, leases[0], Settled(two, 1, parts=[_rows(3, 301)]), Settled(again, 1))
        assert _everything(database) == before


@pytest.mark.parametrize(
    ("error", "row"),
    [
        (RejectedError("gone", http_status=404), ("RejectedError", 404, "gone")),
        (TransientError("slow"), ("TransientError", None, "slow")),
        (RateLimitedError("wait", retry_after=None), ("RateLimitedError", 429, "wait")),
        (MismatchError("order", "Fajr after Isha"), ("MismatchError", None, "order: Fajr after Isha")),
        (UnitError("x" * 9999), ("UnitError", None, "x" * ledger.MESSAGE_LIMIT)),
    ],
)
def test_a_failure_is_recorded_with_its_cause(
    database: Database, leases: list[Lease], error: UnitError, row: tuple[object, ...]
) -> None:
    (unit,) = _claim(database, leases[0], 1)
    _commit(database, leases[0], Settled(unit, 1, attempts=5, error=error))
    found = "SELECT state, attempts, rows, error_class, http_status, message FROM sync_unit WHERE ordinal = 0"
    state = "quarantined" if isinstance(error, MismatchError) else "failed"
    assert _all(database, found) == [(state, 5, 0, *row)]
    with database.read() as transaction:
        (cause,) = units.causes(transaction, leases[0].run_seq)
    assert (cause.error_class, cause.http_status, cause.message, cause.count, cause.sample) == (*row, 1, "u0")
    assert _all(database, "SELECT * FROM stored_unit") == []


@pytest.mark.parametrize(("everything", "reopened", "counters"), [(False, 2, (1, 0, 3, 3)), (True, 3, (0, 0, 0, 0))])
def test_reopening_corrects_the_counters(
    database: Database, leases: list[Lease], everything: bool, reopened: int, counters: tuple[int, ...]
) -> None:
    one, *others = _claim(database, leases[0], 3)
    failed = [Settled(unit, 1, error=RejectedError("no")) for unit in others]
    _commit(database, leases[0], Settled(one, 1, parts=[_rows(3)]), *failed)
    with database.write() as transaction:
        assert ledger.reopen(transaction, leases[0].run_seq, everything=everything) == reopened
    run = _run(database)
    assert (run.done, run.failed, run.rows, run.changed) == counters
    assert _states(database).count("pending") == UNITS - run.done
    (first, *_) = _claim(database, leases[0], 9)
    assert first.ordinal == (0 if everything else 1)
    _commit(database, leases[0], Settled(first, 1))
    cleared = f"SELECT state, error_class, message FROM sync_unit WHERE ordinal = {first.ordinal}"
    assert _all(database, cleared) == [("done", None, None)]


@pytest.mark.parametrize("count", [0, 1, ROWS_PER_STATEMENT, ROWS_PER_STATEMENT + 1, 3 * ROWS_PER_STATEMENT + 7])
def test_rows_that_did_not_change_are_not_written(database: Database, count: int) -> None:
    with database.write() as transaction:
        assert upsert(transaction, [(1, _rows(count))])[1] == count
        assert upsert(transaction, [(1, _rows(count))])[1] == 0
        assert upsert(transaction, [(1, _rows(count, 301))])[1] == count
        one_differs = Rows(TABLE, [*_rows(count, 301).rows[:-1], *_rows(count, 302).rows[-1:]])
        assert upsert(transaction, [(1, one_differs)])[1] == min(count, 1)
    assert _all(database, "SELECT COUNT(*) FROM prayer_time") == [(count,)]


def test_syncing_a_unit_again_verifies_its_rows_and_changes_none(database: Database, leases: list[Lease]) -> None:
    for times in (1, 2):
        (unit,) = _claim(database, leases[0], 1)
        _commit(database, leases[0], Settled(unit, 1, parts=[_rows(5)]))
        run = _run(database)
        assert (run.rows, run.changed) == (5 * times, 5)
        with database.write() as transaction:
            transaction.execute("UPDATE sync_unit SET state = 'pending' WHERE ordinal = 0")


def test_units_of_one_commit_are_counted_each(database: Database, leases: list[Lease]) -> None:
    def settle(*parts: Rows) -> list[tuple[Any, ...]]:
        claimed = _claim(database, leases[0], UNITS)
        at_once = [Settled(unit, 5, parts=[part]) for unit, part in zip(claimed, parts, strict=False)]
        broken = Settled(claimed[len(parts)], 5, error=RejectedError("gone"))
        nothing = [Settled(unit, 5) for unit in claimed[len(parts) + 1 :]]
        _commit(database, leases[0], *at_once, broken, *nothing)
        return _all(database, "SELECT state, rows, changed FROM sync_unit ORDER BY ordinal")

    first = settle(_rows(4, city=1), _rows(3, city=2), _rows(2, city=3))
    rest = [("failed", 0, 0), *[("done", 0, 0)] * 2]
    assert first == [("done", 4, 4), ("done", 3, 3), ("done", 2, 2), *rest]
    with database.write() as transaction:
        ledger.reopen(transaction, leases[0].run_seq, everything=True)
    later = Rows(TABLE, [*_rows(1, minute=301, city=2).rows, *_rows(3, city=2).rows[1:]])
    second = settle(_rows(4, city=1), later, _rows(5, city=3))
    assert second == [("done", 4, 0), ("done", 3, 1), ("done", 5, 3), *rest]
    assert (_run(database).rows, _run(database).changed, _run(database).unchanged) == (12, 4, 3)


def test_units_of_many_parts_are_committed_at_once(database: Database, leases: list[Lease]) -> None:
    """SQLite takes 500 SELECTs in one statement."""
    claimed = _claim(database, leases[0], UNITS)
    _commit(
        database,
        leases[0],
        *(Settled(unit, 5, parts=[_scoped(100 * unit.ordinal + city) for city in range(90)]) for unit in claimed),
    )
    assert _all(database, "SELECT DISTINCT rows, changed FROM sync_unit") == [(90, 90)]


def _scoped(city: int) -> Rows:
    return Rows(TABLE, _rows(1, city=city).rows, {"city_id": city, "method_id": 3, "madhab_id": 0, "day": (0, 30)})


def test_a_shard_releases_its_own_units_or_those_of_all(database: Database, leases: list[Lease]) -> None:
    _claim(database, leases[0], 2)
    _claim(database, leases[1], 3)
    with database.write() as transaction:
        assert ledger.release(transaction, leases[0].run_seq, 0) == 2
    assert _states(database) == ["pending"] * 2 + ["leased"] * 3 + ["pending"]
    with database.write() as transaction:
        assert ledger.release(transaction, leases[0].run_seq) == 3
    assert _states(database) == ["pending"] * UNITS


def test_a_shard_that_leaves_or_stands_by_gives_its_units_back(database: Database, leases: list[Lease]) -> None:
    for lease in leases:
        _claim(database, lease, 2)
    with database.write() as transaction:
        shards.leave(transaction, leases[0])
    assert _states(database) == ["pending"] * 2 + ["leased"] * 2 + ["pending"] * 2
    with database.write() as transaction:
        assert shards.stand_by(transaction, leases[1]) == 0
        assert [(one.shard, one.epoch) for one in shards.expected(transaction)] == [(1, 0)]
    assert _states(database) == ["pending"] * UNITS
    with pytest.raises(Fenced):
        _commit(database, leases[1])


def test_a_deleted_run_leaves_what_it_stored_and_its_audit_trail(database: Database, leases: list[Lease]) -> None:
    (unit,) = _claim(database, leases[0], 1)
    _commit(database, leases[0], Settled(unit, 1, parts=[_rows(3)]))
    with database.write() as transaction:
        assert not runs.delete(transaction, runs.get(transaction, "fake-1"), ACTOR, "live")
        transaction.execute("UPDATE run SET state = 'cancelled'")
        assert runs.delete(transaction, runs.get(transaction, "fake-1"), ACTOR, "old")
        new = NewRun("fake-2", "prayer", "here", "2026-01-01", "{}", "", 1, 1)
        assert (runs.create(transaction, new, ACTOR, "") or 0) > leases[0].run_seq  # a seq is never used twice
        kinds = [event["kind"] for event in runs.events(transaction, "fake-1")]
    assert kinds == ["created", "state", "deleted"]
    assert _all(database, "SELECT COUNT(*) FROM prayer_time") == [(3,)]
    assert _all(database, "SELECT run_id FROM stored_unit") == [("fake-1",)]
    assert _all(database, "SELECT * FROM sync_unit") == _all(database, "SELECT * FROM run_shard") == []


def test_a_refused_unit_is_quarantined_and_what_was_stored_stays(database: Database, leases: list[Lease]) -> None:
    (unit,) = _claim(database, leases[0], 1)
    _commit(database, leases[0], Settled(unit, 1, error=MismatchError("order", "Fajr after Isha", sample={"fajr": 9})))
    assert _all(database, "SELECT failed, quarantined, done FROM run") == [(1, 1, 0)]
    assert _all(database, "SELECT resource, key, rule, sample FROM quarantine") == [
        ("prayer", unit.key, "order", '{"fajr":9}')
    ]
    assert _all(database, "SELECT * FROM stored_unit") == []


def test_what_is_known_of_a_unit_comes_with_its_claim(database: Database, leases: list[Lease]) -> None:
    (unit,) = _claim(database, leases[0], 1)
    assert unit.known == NOTHING_KNOWN
    _commit(database, leases[0], Settled(unit, 1, parts=[_rows(3)], body_hash="h", validators={"etag": "e"}))
    again = _again(database, leases[0])
    assert again.known == Known(stored=True, body_hash="h", rows=3, validators={"etag": "e"})
    counters = _commit(database, leases[0], Settled(again, 1, unchanged=True, body_hash="h"))
    assert (counters.done, counters.unchanged, counters.rows) == (1, 1, 3)
    assert _all(database, "SELECT changed, rows FROM sync_unit WHERE ordinal = 0") == [(0, 3)]
    assert _all(database, "SELECT COUNT(*) FROM prayer_time") == [(3,)]


def test_a_forced_run_makes_no_use_of_what_was_answered(database: Database, leases: list[Lease]) -> None:
    (unit,) = _claim(database, leases[0], 1)
    _commit(database, leases[0], Settled(unit, 1, parts=[_rows(3)], body_hash="h", validators={"etag": "e"}))
    with database.write() as transaction:
        transaction.execute("UPDATE run SET anew = 1")
    assert _again(database, leases[0]).known == Known(stored=True, rows=3, validators={"etag": "e"})
    with database.write() as transaction:
        transaction.execute("UPDATE run SET anew = 0, source = 'elsewhere'")
    assert _again(database, leases[0]).known == Known(stored=True)


def test_a_waived_rule_comes_with_the_claim(database: Database, leases: list[Lease]) -> None:
    with database.write() as transaction:
        transaction.execute(
            "INSERT INTO waiver (resource, key, rule, who, reason, at) VALUES ('prayer', 'u0', 'order', 'me', '', 0)"
        )
    (unit,) = _claim(database, leases[0], 1)
    assert unit.known == Known(waived=frozenset({"order"}))
    _commit(database, leases[0], Settled(unit, 1, parts=[_rows(3)], body_hash="h"))
    assert _again(database, leases[0]).known == Known(stored=True, body_hash="h", rows=3)  # for that one answer only


def test_changed_new_and_vanished_rows_are_kept_with_the_run(database: Database, leases: list[Lease]) -> None:
    scope = {"city_id": 1, "method_id": 3, "madhab_id": 0, "day": (0, 10_000)}
    (unit,) = _claim(database, leases[0], 1)
    first = _rows(3)
    _commit(database, leases[0], Settled(unit, 1, parts=[Rows(first.table, first.rows, scope)]))
    assert _all(database, "SELECT * FROM unit_change") == []  # all of it is new
    kept, changed, _gone = first.rows
    other = (*changed[:-1], 999)
    fresh = (*changed[:3], 9_999, *changed[4:])
    again = _again(database, leases[0])
    _commit(database, leases[0], Settled(again, 1, parts=[Rows(first.table, [kept, other, fresh], scope)]))
    found = "SELECT unit, table_name, old IS NULL AS fresh, new IS NULL AS gone FROM unit_change ORDER BY id"
    marks = [(False, False), (True, False), (False, True)]
    assert _all(database, found) == [(unit.key, "prayer_time", *mark) for mark in marks]
    assert _all(database, "SELECT changed FROM sync_unit WHERE ordinal = 0") == [(3,)]
    assert _all(database, "SELECT COUNT(*) AS n, MAX(day) AS last FROM prayer_time") == [(3, 9_999)]


def _again(database: Database, lease: Lease) -> Claimed:
    """Claim the first unit once more, as another run would."""
    with database.write() as transaction:
        transaction.execute("UPDATE sync_unit SET state = 'pending' WHERE ordinal = 0")
        transaction.execute("UPDATE run SET done = 0, failed = 0, rows = 0, changed = 0, unchanged = 0")
    (unit,) = _claim(database, lease, 1)
    return unit


def test_a_claim_keeps_to_its_limit_whatever_the_planner_thinks(database: Database, leases: list[Lease]) -> None:
    """PostgreSQL once ran the subquery of the claim for each row, after it had analysed the ledger of other runs."""
    with database.write() as transaction:
        transaction.execute(
            "INSERT INTO sync_unit (run_seq, ordinal, key, spec, state, epoch, attempts, rows, changed)"
            " SELECT s.run_seq, s.ordinal + 1000, s.key, s.spec, 'done', 0, 0, 0, 0 FROM sync_unit s"
        )
        transaction.execute("ANALYZE sync_unit")
        new = NewRun("fake-2", "prayer", "here", "2026-01-01", "{}", "", 1, 200)
        seq = runs.create(transaction, new, ACTOR, "")
        assert seq is not None
        transaction.many(
            "INSERT INTO sync_unit (run_seq, ordinal, key, spec, state, epoch, attempts, rows, changed)"
            " VALUES (:run, :ordinal, :key, '[]', 'pending', 0, 0, 0, 0)",
            [{"run": seq, "ordinal": n, "key": f"v{n}"} for n in range(200)],
        )
        shards.expect(transaction, seq, 1)
        run = runs.get(transaction, "fake-2")
        (one,) = shards.expected(transaction, "fake-2")
        epoch = shards.acquire(transaction, run, one.shard, one.attempt, "h")
    lease = Lease(run.id, seq, 0, epoch, "t", "h")
    assert [len(_claim(database, lease, limit)) for limit in (3, 16, 0, -5, 1)] == [3, 16, 0, 0, 1]


def test_a_unit_whose_rows_another_one_overwrote_is_not_known_any_more(database: Database, leases: list[Lease]) -> None:
    """A month from another source over the year that holds it: the year's answer is not what is stored."""
    scope = {"city_id": 1, "method_id": 3, "madhab_id": 0, "day": (0, 10_000)}
    year, month = _claim(database, leases[0], 2)
    rows = _rows(3)
    _commit(database, leases[0], Settled(year, 1, parts=[Rows(rows.table, rows.rows, scope)], body_hash="h"))
    march = {**scope, "day": (1, 1)}
    _commit(
        database, leases[0], Settled(month, 1, parts=[Rows(rows.table, [_rows(3, 400).rows[1]], march)], body_hash="m")
    )
    assert _again(database, leases[0]).known == Known(stored=True, rows=3)
    assert _all(database, "SELECT key, body_hash FROM stored_unit ORDER BY key") == [("u0", None), ("u1", "m")]
