"""The ledger: units are claimed, settled and released here, under the fence of the shard's epoch.

`commit` is the heart of the promises: the rows of each unit, its ledger row and the run's counters change in
the one transaction that also proves that this process still holds its shard.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import partial
from itertools import islice
from typing import Final, NamedTuple

import msgspec

from synctl.clock import now_ms
from synctl.errors import Fenced
from synctl.states import LIVE, RunState, UnitState
from synctl.store import publish
from synctl.store.db import Transaction, by_index
from synctl.store.runs import Run
from synctl.store.table import Table
from synctl.store.work import NOTHING_KNOWN, Claimed, Counters, Known, Lease, Settled

__all__ = ["NOTHING_KNOWN", "Added", "Claimed", "Counters", "Known", "Lease", "NewUnit", "Settled"]

INSERT_CHUNK = 1000
MESSAGE_LIMIT = 500
"""Characters of an error message that are kept: enough for the cause, not for a page of HTML."""


_NEW: Final = Table(
    "sync_unit",
    key=("run_seq", "ordinal"),
    values=("key", "spec", "state", "epoch", "attempts", "rows", "changed", "settled_at"),
)


class NewUnit(NamedTuple):
    """A unit of a new run. `fresh`: the rows that are stored of it, where it needs no sync; else None."""

    key: str
    spec: Sequence[object]
    fresh: int | None = None


class Added(msgspec.Struct, frozen=True):
    """How many units a new run has, and how many of them are settled already."""

    units: int
    fresh: int


def add_units(transaction: Transaction, run_seq: int, units: Iterable[NewUnit]) -> Added:
    """Write the units of a new run, in order, those that are fresh as done. Streams: nothing is held but a chunk."""
    encode = msgspec.json.Encoder().encode
    numbered: Iterator[tuple[int, NewUnit]] = enumerate(units)
    now = now_ms()
    count = fresh = rows = 0
    while chunk := list(islice(numbered, INSERT_CHUNK)):
        new: list[tuple[object, ...]] = []
        for ordinal, unit in chunk:
            state, settled_at = (UnitState.PENDING, None) if unit.fresh is None else (UnitState.DONE, now)
            spec = encode(unit.spec).decode()
            new.append((run_seq, ordinal, unit.key, spec, state.value, 0, 0, unit.fresh or 0, 0, settled_at))
        transaction.insert(_NEW, new)
        count += len(chunk)
        settled = [unit.fresh for _, unit in chunk if unit.fresh is not None]
        fresh += len(settled)
        rows += sum(settled)
    if count > INSERT_CHUNK:
        transaction.analyze("sync_unit")  # else PostgreSQL sorts all of them for each claim, until it has counted them
    if fresh:
        transaction.execute(
            "UPDATE run SET done = done + :fresh, unchanged = unchanged + :fresh, rows = rows + :rows WHERE seq = :run",
            fresh=fresh,
            rows=rows,
            run=run_seq,
        )
    return Added(count, fresh)


def claim(transaction: Transaction, lease: Lease, limit: int, start: int = 0) -> list[Claimed]:
    """Lease up to `limit` pending units to this shard: in order from `start` on, and then those before it.

    Shards pull, so speed evens out by itself. Suspects are not among them: units that a process held when it died.
    """
    if limit <= 0:  # SQLite would take less than 0 for no limit
        return []
    pending = partial(_lease, transaction, lease, "sync_unit_pending", start=start)
    claimed = pending("deaths = 0 AND ordinal >= :start ORDER BY ordinal", limit)
    if start and len(claimed) < limit:
        claimed += pending("deaths = 0 AND ordinal < :start ORDER BY ordinal", limit - len(claimed))
    return claimed


def claim_suspect(transaction: Transaction, lease: Lease) -> list[Claimed]:
    """Lease one suspect, the least suspected first. A shard works on it alone, so that a death has one cause."""
    return _lease(transaction, lease, "sync_unit_suspect", "deaths > 0 ORDER BY deaths, ordinal", 1)


def commit(transaction: Transaction, lease: Lease, settled: Sequence[Settled], resource: str, source: str) -> Counters:
    """Store what was settled: rows, ledger rows and counters at once.

    Raises Fenced if this process no longer holds the shard, if the run may not be written, or if a unit was
    settled before: the transaction rolls back whole.
    """
    guard(transaction, lease)
    now = now_ms()
    counts: Counter[str] = Counter()
    done = [result for result in settled if result.state is UnitState.DONE]
    publish.acquit(transaction, resource, done)
    published = publish.publish(transaction, lease, done, resource, source, now)
    ledger_rows = []
    for result in settled:
        written = published.get(result.unit.key, 0)
        if result.state is UnitState.DONE:
            counts["rows"] += result.row_count
            counts["changed"] += written
            counts["unchanged"] += not written
            counts["done"] += 1
        else:
            counts["failed"] += 1
        if result.state is UnitState.QUARANTINED:
            publish.quarantine(transaction, lease, result, resource, source, now)
            counts["quarantined"] += 1
        ledger_rows.append(_ledger_row(lease, result, written, now))
    _settle(transaction, lease, ledger_rows)
    return _count(transaction, lease, counts)


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


def suspect(transaction: Transaction, run_seq: int, shard: int, *, crashed: bool = False) -> int:
    """Give back the units of a shard whose holder vanished: one of them may have been the cause; return how many.

    `crashed`: the holder died of what it did itself.
    """
    return transaction.execute(
        f"UPDATE sync_unit{by_index(transaction, 'sync_unit_leased')}"
        " SET state = 'pending', shard = NULL, deaths = deaths + 1, crashes = crashes + :crashed"
        " WHERE run_seq = :run AND state = 'leased' AND shard = :shard",
        run=run_seq,
        shard=shard,
        crashed=int(crashed),
    )


def release(transaction: Transaction, run_seq: int, shard: int | None = None) -> int:
    """Give leased units back: of one shard, or of all."""
    return transaction.execute(
        f"UPDATE sync_unit{by_index(transaction, 'sync_unit_leased')}"
        " SET state = 'pending', shard = NULL WHERE run_seq = :run AND state = 'leased'"
        " AND (CAST(:shard AS INTEGER) IS NULL OR shard = :shard)",
        run=run_seq,
        shard=shard,
    )


def reopen(transaction: Transaction, run_seq: int, *, everything: bool) -> int:
    """Make failed and quarantined units pending again (`everything`: done ones too); return how many.

    Corrects the counters. A run that does everything again makes no use of what is known of its units. What was
    suspected stays so, but is given its chances anew.
    """
    states = "('failed', 'quarantined', 'done')" if everything else "('failed', 'quarantined')"
    index = "" if everything else by_index(transaction, "sync_unit_failed")
    count = transaction.execute(
        f"UPDATE sync_unit{index} SET state = 'pending', shard = NULL,"
        " deaths = CASE WHEN deaths > 0 THEN 1 ELSE 0 END, crashes = CASE WHEN crashes > 0 THEN 1 ELSE 0 END"
        f" WHERE run_seq = :run AND state IN {states}",
        run=run_seq,
    )
    zero = ", done = 0, rows = 0, changed = 0, unchanged = 0, anew = 1" if everything else ""
    transaction.execute(
        f"UPDATE run SET failed = 0, quarantined = 0, started_at = NULL{zero} WHERE seq = :run", run=run_seq
    )
    return count


def holds_rest(transaction: Transaction, run: Run) -> bool:
    """Whether all units of a run that are not done are in the ledger still: those that `reopen` would queue."""
    if run.pruned_at is None:
        return True
    row = transaction.one("SELECT COUNT(*) AS n FROM sync_unit WHERE run_seq = :run AND state <> 'done'", run=run.seq)
    return row is not None and row["n"] == run.total - run.done


def empty(transaction: Transaction, run_seq: int, total: int, *, anew: int) -> None:
    """Remove what is left of the units of a run, which is about to be given `total` new ones."""
    transaction.execute("DELETE FROM sync_unit WHERE run_seq = :run", run=run_seq)
    transaction.execute(
        "UPDATE run SET total = :total, done = 0, failed = 0, quarantined = 0, unchanged = 0, rows = 0, changed = 0,"
        " anew = :anew, started_at = NULL, pruned_at = NULL WHERE seq = :run",
        total=total,
        anew=anew,
        run=run_seq,
    )


def _lease(transaction: Transaction, lease: Lease, index: str, which: str, limit: int, start: int = 0) -> list[Claimed]:
    next_ones = (
        f"SELECT ordinal FROM sync_unit{by_index(transaction, index)}"
        f" WHERE run_seq = :run AND state = 'pending' AND {which} LIMIT :limit"
    )
    # Not IN on PostgreSQL: its planner may run a subquery that locks once for each row, each time with other rows.
    among = (
        f"= ANY(ARRAY({next_ones} FOR UPDATE SKIP LOCKED))"
        if transaction.dialect == "postgresql"
        else f"IN ({next_ones})"
    )
    rows = transaction.all(
        "UPDATE sync_unit SET state = 'leased', shard = :shard, epoch = :epoch"
        f" WHERE run_seq = :run AND ordinal {among} RETURNING ordinal, key, spec, deaths, crashes",
        run=lease.run_seq,
        shard=lease.shard,
        epoch=lease.epoch,
        limit=limit,
        start=start,
    )
    decode = msgspec.json.Decoder(list[object]).decode
    known = publish.known(transaction, lease.run_seq, [row["key"] for row in rows])
    return sorted(
        (
            Claimed(row["ordinal"], row["key"], decode(row["spec"]), known[row["key"]], row["deaths"], row["crashes"])
            for row in rows
        ),
        key=lambda unit: unit.ordinal,
    )


def _settle(transaction: Transaction, lease: Lease, rows: Sequence[Mapping[str, object]]) -> None:
    settled = transaction.many(
        "UPDATE sync_unit SET state = :state, attempts = attempts + :attempts, error_class = :error_class,"
        " http_status = :http_status, message = :message, rows = :rows, changed = :changed, body_hash = :body_hash,"
        " took_ms = :took, settled_at = :now"
        " WHERE run_seq = :run AND ordinal = :ordinal AND state = 'leased' AND shard = :shard AND epoch = :epoch",
        rows,
    )
    if settled != len(rows):
        raise Fenced(f"{lease.run_id}: a unit was settled by another holder; nothing was committed")


def _ledger_row(lease: Lease, result: Settled, changed: int, now: int) -> dict[str, object]:
    error = result.error
    return {
        "state": str(result.state),
        "attempts": result.attempts,
        "error_class": type(error).__name__ if error else None,
        "http_status": error.http_status if error else None,
        "message": str(error)[:MESSAGE_LIMIT].replace("\0", "\ufffd") if error else None,  # PostgreSQL stores no NUL
        "rows": 0 if error else result.row_count,
        "changed": changed,
        "body_hash": result.body_hash,
        "took": result.took_ms,
        "now": now,
        "run": lease.run_seq,
        "ordinal": result.unit.ordinal,
        "shard": lease.shard,
        "epoch": lease.epoch,
    }


def _count(transaction: Transaction, lease: Lease, counts: Counter[str]) -> Counters:
    live = ", ".join(f"'{state}'" for state in sorted(LIVE))
    columns = ("done", "failed", "quarantined", "unchanged", "rows", "changed")
    sums = ", ".join(f"{name} = {name} + :{name}" for name in columns)
    row = transaction.one(
        f"UPDATE run SET {sums} WHERE seq = :run AND state IN ({live})"
        " RETURNING state, total, done, failed, rows, quarantined, unchanged",
        run=lease.run_seq,
        **{name: counts[name] for name in columns},
    )
    if row is None:
        raise Fenced(f"{lease.run_id}: the run is no longer running; nothing was committed")
    return Counters(**{**{name: row[name] for name in Counters.__struct_fields__}, "state": RunState(row["state"])})
