"""Shards in SQL: which RQ jobs a run should have, and the epoch that fences their commits."""

from __future__ import annotations

import msgspec

from synctl.clock import now_ms
from synctl.errors import Fenced
from synctl.states import LIVE, RunState
from synctl.store import ledger
from synctl.store.db import Transaction
from synctl.store.runs import Run


class Shard(msgspec.Struct, frozen=True):
    """A shard that is expected to work: a row of `run_shard`."""

    run_seq: int
    run_id: str
    resource: str
    shard: int
    attempt: int
    epoch: int
    holder: str
    enqueued_at: int
    started_at: int | None

    @property
    def job_id(self) -> str:
        """The id of its RQ job. RQ allows letters, digits, `_` and `-` only."""
        return f"{self.run_id}-s{self.shard}-a{self.attempt}"


def expect(transaction: Transaction, run_seq: int, shards: int) -> None:
    """Say that a run needs `shards` jobs, each with an attempt number of its own. Whoever held one is fenced."""
    transaction.execute("DELETE FROM run_shard WHERE run_seq = :run", run=run_seq)
    ledger.release(transaction, run_seq)
    for shard in range(shards):
        transaction.execute(
            "INSERT INTO run_shard (run_seq, shard, attempt, epoch, holder, enqueued_at)"
            " VALUES (:run, :shard, :attempt, 0, '', :now)",
            run=run_seq,
            shard=shard,
            attempt=_next_attempt(transaction, run_seq),
            now=now_ms(),
        )


def expect_again(transaction: Transaction, shard: Shard, *, crashed: bool = False) -> Shard | None:
    """Advance a shard to its next attempt; None if another process did so first, or took it meanwhile.

    The epoch is raised too, so a holder that was only thought dead can no longer commit. What it held is suspect,
    the more so if it `crashed` by its own doing.
    """
    attempt = _next_attempt(transaction, shard.run_seq)
    now = now_ms()
    moved = transaction.execute(
        "UPDATE run_shard SET attempt = :attempt, epoch = 0, holder = '', enqueued_at = :now, started_at = NULL"
        " WHERE run_seq = :run AND shard = :shard AND attempt = :seen AND epoch = :seen_epoch",
        attempt=attempt,
        now=now,
        run=shard.run_seq,
        shard=shard.shard,
        seen=shard.attempt,
        seen_epoch=shard.epoch,
    )
    if not moved:
        return None
    # Whoever ends well gives back what it held before.
    ledger.suspect(transaction, shard.run_seq, shard.shard, crashed=crashed)
    return Shard(shard.run_seq, shard.run_id, shard.resource, shard.shard, attempt, 0, "", now, None)


def queued_now(transaction: Transaction, run_seq: int) -> None:
    """Say that the jobs of a run go into their queue only now: it had to wait for another run."""
    transaction.execute("UPDATE run_shard SET enqueued_at = :now WHERE run_seq = :run", now=now_ms(), run=run_seq)


def acquire(transaction: Transaction, run: Run, shard: int, attempt: int, holder: str) -> int:
    """Give a shard its next epoch and return it; what a holder before did not give back is suspect.

    Raises Fenced if this attempt is no longer the expected one, so an old or doubled RQ job ends here.
    """
    row = transaction.one("UPDATE run SET epoch = epoch + 1 WHERE seq = :run RETURNING epoch", run=run.seq)
    if row is None:
        raise Fenced(f"{run.id}: the run was deleted")
    taken = transaction.execute(
        "UPDATE run_shard SET epoch = :epoch, holder = :holder, started_at = :now"
        " WHERE run_seq = :run AND shard = :shard AND attempt = :attempt",
        epoch=row["epoch"],
        holder=holder,
        now=now_ms(),
        run=run.seq,
        shard=shard,
        attempt=attempt,
    )
    if not taken:
        raise Fenced(f"{run.id} shard {shard}: attempt {attempt} is no longer expected")
    ledger.suspect(transaction, run.seq, shard)
    return int(row["epoch"])


def leave(transaction: Transaction, lease: ledger.Lease) -> None:
    """Give back what this shard leased and end its part in the run.

    Raises Fenced if the shard is somebody else's by now.
    """
    ledger.guard(transaction, lease)
    ledger.release(transaction, lease.run_seq, lease.shard)
    transaction.execute(
        "DELETE FROM run_shard WHERE run_seq = :run AND shard = :shard", run=lease.run_seq, shard=lease.shard
    )


def stand_by(transaction: Transaction, lease: ledger.Lease) -> int:
    """Give back what this shard leased, but keep expecting it; return how many shards of the run still work."""
    ledger.guard(transaction, lease)
    ledger.release(transaction, lease.run_seq, lease.shard)
    transaction.execute(
        "UPDATE run_shard SET epoch = 0, holder = '' WHERE run_seq = :run AND shard = :shard",
        run=lease.run_seq,
        shard=lease.shard,
    )
    row = transaction.one("SELECT COUNT(*) AS n FROM run_shard WHERE run_seq = :run AND epoch > 0", run=lease.run_seq)
    return int(row["n"]) if row else 0


def dissolve(transaction: Transaction, run_seq: int) -> None:
    """Expect no shard any more and fence every holder."""
    transaction.execute("DELETE FROM run_shard WHERE run_seq = :run", run=run_seq)
    ledger.release(transaction, run_seq)


def expected(transaction: Transaction, run_id: str | None = None) -> list[Shard]:
    """Return the shards that should be working or queued: of one run, or of all that are queued or live."""
    states = ", ".join(f"'{state}'" for state in sorted(LIVE | {RunState.QUEUED}))
    rows = transaction.all(
        "SELECT s.run_seq, r.id AS run_id, r.resource, s.shard, s.attempt, s.epoch, s.holder, s.enqueued_at,"
        " s.started_at FROM run_shard s JOIN run r ON r.seq = s.run_seq"
        f" WHERE r.state IN ({states}) AND (CAST(:run_id AS TEXT) IS NULL OR r.id = :run_id)"
        " ORDER BY r.created_at, s.shard",
        run_id=run_id,
    )
    return [Shard(**{name: row[name] for name in Shard.__struct_fields__}) for row in rows]


def _next_attempt(transaction: Transaction, run_seq: int) -> int:
    row = transaction.one("UPDATE run SET attempt = attempt + 1 WHERE seq = :run RETURNING attempt", run=run_seq)
    if row is None:
        raise Fenced(f"run {run_seq} was deleted")
    return int(row["attempt"])
