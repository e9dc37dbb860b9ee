"""What passes between a shard and the ledger: its lease, the units it claims, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from synctl.errors import MismatchError, UnitError
from synctl.states import RunState, UnitState
from synctl.store.upsert import Rows


class Lease(msgspec.Struct, frozen=True):
    """The right to work on one shard of a run. `epoch` is the fence; `token` names the holder in Redis."""

    run_id: str
    run_seq: int
    shard: int
    epoch: int
    token: str
    holder: str


class Known(msgspec.Struct, frozen=True):
    """What is stored of a unit, from the source that is asked again.

    `body_hash` may save work, so a forced run has none. `validators` are what the resource kept of the last answer: an
    ETag, a count. Rules in `waived` may be broken.
    """

    stored: bool = False
    body_hash: str | None = None
    rows: int = 0
    validators: Mapping[str, str] = msgspec.field(default_factory=dict)
    waived: frozenset[str] = frozenset()


NOTHING_KNOWN: Final = Known()


class Claimed(msgspec.Struct, frozen=True):
    """A unit this shard is to process. `deaths`: of processes that held it before; `crashes`: of their own doing."""

    ordinal: int
    key: str
    spec: Sequence[object]
    known: Known = NOTHING_KNOWN
    deaths: int = 0
    crashes: int = 0


class Settled(msgspec.Struct, frozen=True):
    """What became of a claimed unit: verified `parts`, the word that they are `unchanged`, or an `error`."""

    unit: Claimed
    took_ms: int
    attempts: int = 1
    parts: Sequence[Rows] = ()
    body_hash: str | None = None
    validators: Mapping[str, str] = msgspec.field(default_factory=dict)
    unchanged: bool = False
    basis: str = ""
    error: UnitError | None = None

    @property
    def state(self) -> UnitState:
        """The state it leaves the unit in."""
        if self.error is None:
            return UnitState.DONE
        return UnitState.QUARANTINED if isinstance(self.error, MismatchError) else UnitState.FAILED

    @property
    def row_count(self) -> int:
        """Rows that are verified by it."""
        return self.unit.known.rows if self.unchanged else sum(len(part.rows) for part in self.parts)


class Counters(msgspec.Struct, frozen=True):
    """The run as this shard's last commit left it."""

    state: RunState
    total: int
    done: int
    failed: int
    rows: int
    quarantined: int = 0
    unchanged: int = 0

    @property
    def open(self) -> int:
        """Units not settled yet."""
        return self.total - self.done - self.failed
