"""The ledger: units are claimed, settled and released here, under the fence of the shard's epoch.

`commit` is the heart of the promises: the rows of each unit, its ledger row and the run's counters change in
the one transaction that also proves that this process still holds its shard.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import msgspec

from synctl.clock import now_ms
from synctl.errors import Fenced, UnitError
from synctl.states import LIVE, RunState
from synctl.store.db import Transaction
from synctl.store.upsert import Rows, upsert

INSERT_CHUNK = 1000
MESSAGE_LIMIT = 500
"""Characters of an error message that are kept: enough for the cause, not for a page of HTML."""


@dataclass(frozen=True, slots=True)
class Lease:
    """The right to work on one shard of a run. `epoch` is the fence; `token` names the holder in Redis."""

    run_id: str
    run_seq: int
    shard: int
    epoch: int
    token: str
    holder: str


@dataclass(frozen=True, slots=True)
class Claimed:
    """A unit this shard is to process."""

    ordinal: int
    key: str
    spec: Sequence[object]


@dataclass(frozen=True, slots=True)
class Settled:
    """What became of a claimed unit: verified `parts`, or an `error`."""

    unit: Claimed
    took_ms: int
    attempts: int = 1
    parts: Sequence[Rows] = ()
    body_hash: str | None = None
    error: UnitError | None = None


@dataclass(frozen=True, slots=True)
class Counters:
    """The run as this shard's last commit left it."""

    state: RunState
    total: int
    done: int
    failed: int
    rows: int

    @property
    def open(self) -> int:
        """Units not settled yet."""
        return self.total - self.done - self.failed


def add_units(transaction: Transaction, run_seq: int, units: Iterable[tuple[str, Sequence[object]]]) -> int:
    """Write the units of a new run, in order; return how many. Streams: nothing is held but a chunk."""
    encode = msgspec.json.Encoder().encode
    numbered: Iterator[tuple[int, tuple[str, Sequence[object]]]] = enumerate(units)
    count = 0
    while chunk := list(islice(numbered, INSERT_CHUNK)):
        transaction.many(
            "INSERT INTO sync_unit (run_seq, ordinal, key, spec, state, epoch, attempts, rows, changed)"
            " VALUES (:run, :ordinal, :key, :spec, 'pending', 0, 0, 0, 0)",
            [{"run": run_seq, "ordinal": n, "key": key, "spec": encode(spec).decode()} for n, (key, spec) in chunk],
        )
        count += len(chunk)
    return count


def claim(transaction: Transaction, lease: Lease, limit: int) -> list[Claimed]:
    """Lease up to `limit` pending units to this shard, in order. Shards pull, so speed evens out by itself."""
    skip = " FOR UPDATE SKIP LOCKED" if transaction.dialect == "postgresql" else ""
    rows = transaction.all(
        "UPDATE sync_unit SET state = 'leased', shard = :shard, epoch = :epoch"
        " WHERE run_seq = :run AND ordinal IN (SELECT ordinal FROM sync_unit"
        f" WHERE run_seq = :run AND state = 'pending' ORDER BY ordinal LIMIT :limit{skip})"
        " RETURNING ordinal, key, spec",
        run=lease.run_seq,
        shard=lease.shard,
        epoch=lease.epoch,
        limit=limit,
    )
    decode = msgspec.json.Decoder(list[object]).decode
    return sorted(
        (Claimed(row["ordinal"], row["key"], decode(row["spec"])) for row in rows),
        key=lambda unit: unit.ordinal,
    )


def commit(transaction: Transaction, lease: Lease, settled: Sequence[Settled], resource: str, source: str) -> Counters:
    """Store what was settled: rows, ledger rows and counters at once.

    Raises Fenced if this process no longer holds the shard, if the run may not be written, or if a unit was
    settled before: the transaction rolls back whole.
    """
    guard(transaction, lease)
    now = now_ms()
    done = failed = rows = changed = 0
    for result in settled:
        if result.error is None:
            written = _store_rows(transaction, lease, result, resource, source, now)
            count = sum(len(part.rows) for part in result.parts)
            done, rows, changed = done + 1, rows + count, changed + written
            _settle(transaction, lease, result, "done", count, written, now)
        else:
            failed += 1
            _settle(transaction, lease, result, "failed", 0, 0, now)
    return _count(transaction, lease, done, failed, rows, changed)


def guard(transaction: Transaction, lease: Lease) -> None:
    """Prove inside the transaction that the shard is still ours; its row is locked until the end."""
    held = transaction.execute(
        "UPDATE run_shard SET epoch = epoch WHERE run_seq = :run AND shard = :shard AND epoch = :epoch",
        run=lease.run_seq,
        shard=lease.shard,
        epoch=lease.epoch,
    )
    if not held:
        raise Fenced(
            f"{lease.run_id} shard {lease.shard}: epoch {lease.epoch} no longer holds it; nothing was committed"
        )


def release(transaction: Transaction, run_seq: int, shard: int | None = None) -> int:
    """Give leased units back: of one shard, or of all."""
    return transaction.execute(
        "UPDATE sync_unit SET state = 'pending', shard = NULL WHERE run_seq = :run AND state = 'leased'"
        " AND (CAST(:shard AS INTEGER) IS NULL OR shard = :shard)",
        run=run_seq,
        shard=shard,
    )


def reopen(transaction: Transaction, run_seq: int, *, everything: bool) -> int:
    """Make failed units pending again (`everything`: done ones too) and correct the counters; return how many."""
    states = "('failed', 'done')" if everything else "('failed')"
    count = transaction.execute(
        f"UPDATE sync_unit SET state = 'pending', shard = NULL WHERE run_seq = :run AND state IN {states}",
        run=run_seq,
    )
    transaction.execute(
        "UPDATE run SET failed = 0, done = CASE WHEN :all = 1 THEN 0 ELSE done END,"
        " rows = CASE WHEN :all = 1 THEN 0 ELSE rows END, changed = CASE WHEN :all = 1 THEN 0 ELSE changed END"
        " WHERE seq = :run",
        run=run_seq,
        all=int(everything),
    )
    return count


def _store_rows(transaction: Transaction, lease: Lease, result: Settled, resource: str, source: str, now: int) -> int:
    count = sum(len(part.rows) for part in result.parts)
    row = transaction.one(
        "INSERT INTO stored_unit (resource, key, source, run_id, synced_at, body_hash, rows)"
        " VALUES (:resource, :key, :source, :run_id, :now, :body_hash, :rows)"
        " ON CONFLICT (resource, key) DO UPDATE SET source = excluded.source, run_id = excluded.run_id,"
        " synced_at = excluded.synced_at, body_hash = excluded.body_hash, rows = excluded.rows RETURNING id",
        resource=resource,
        key=result.unit.key,
        source=source,
        run_id=lease.run_id,
        now=now,
        body_hash=result.body_hash,
        rows=count,
    )
    assert row is not None  # noqa: S101 - INSERT … RETURNING always returns a row
    return sum(upsert(transaction, part, row["id"]) for part in result.parts)


def _settle(
    transaction: Transaction, lease: Lease, result: Settled, state: str, rows: int, changed: int, now: int
) -> None:
    error = result.error
    settled = transaction.execute(
        "UPDATE sync_unit SET state = :state, attempts = attempts + :attempts, error_class = :error_class,"
        " http_status = :http_status, message = :message, rows = :rows, changed = :changed, body_hash = :body_hash,"
        " took_ms = :took, settled_at = :now"
        " WHERE run_seq = :run AND ordinal = :ordinal AND state = 'leased' AND shard = :shard AND epoch = :epoch",
        state=state,
        attempts=result.attempts,
        error_class=type(error).__name__ if error else None,
        http_status=error.http_status if error else None,
        message=str(error)[:MESSAGE_LIMIT] if error else None,
        rows=rows,
        changed=changed,
        body_hash=result.body_hash,
        took=result.took_ms,
        now=now,
        run=lease.run_seq,
        ordinal=result.unit.ordinal,
        shard=lease.shard,
        epoch=lease.epoch,
    )
    if settled != 1:
        raise Fenced(f"{lease.run_id} unit {result.unit.key}: settled by another holder; nothing was committed")


def _count(transaction: Transaction, lease: Lease, done: int, failed: int, rows: int, changed: int) -> Counters:
    live = ", ".join(f"'{state}'" for state in sorted(LIVE))
    row = transaction.one(
        "UPDATE run SET done = done + :done, failed = failed + :failed, rows = rows + :rows,"
        f" changed = changed + :changed WHERE seq = :run AND state IN ({live})"
        " RETURNING state, total, done, failed, rows",
        done=done,
        failed=failed,
        rows=rows,
        changed=changed,
        run=lease.run_seq,
    )
    if row is None:
        raise Fenced(f"{lease.run_id}: the run is no longer running; nothing was committed")
    return Counters(RunState(row["state"]), row["total"], row["done"], row["failed"], row["rows"])
