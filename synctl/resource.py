"""What the author of a resource writes, and what the engine gives in return.

A resource says which units a selection has, and turns one unit into verified rows. Loop, lease, retry, budget,
progress, pause, cancel and partial failure belong to the engine.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

import msgspec

from synctl.clock import iso
from synctl.config import Settings
from synctl.store.columnar import Columnar
from synctl.store.db import Database, Transaction
from synctl.store.prerequisites import Missing
from synctl.store.upsert import Rows, Table
from synctl.store.work import NOTHING_KNOWN, Known

__all__ = [
    "NOTHING_KNOWN",
    "Batch",
    "Columnar",
    "Context",
    "Finding",
    "Gate",
    "Known",
    "Missing",
    "OpenGate",
    "Plan",
    "Preloaded",
    "Resource",
    "Rows",
    "Selectors",
    "Session",
    "Stop",
    "Table",
    "Turn",
    "Unit",
]


class Unit(msgspec.Struct, frozen=True):
    """The smallest piece fetched, verified and stored at once. `spec` is what `process` needs, as JSON values.

    No two of a plan have the same key, or store the same row.
    """

    key: str
    spec: Sequence[object]
    covered_by: Sequence[str] = ()
    """Keys of larger units that hold the same rows."""
    rows: int = 0
    """How many it has, where that is known before it is fetched."""
    basis: str = ""
    """What is asked that the key does not say: what is stored on another basis is not fresh."""


class Batch(msgspec.Struct, frozen=True):
    """All that one unit stores. `body_hash` is of the upstream's bytes, or of the rows where there are none.

    `unchanged`: they are what is stored already, so `parts` is empty. `validators` come back with the unit's next
    sync. `basis` is that of the unit.
    """

    parts: Sequence[Rows]
    body_hash: str | None = None
    attempts: int = 1
    validators: Mapping[str, str] = msgspec.field(default_factory=dict)
    unchanged: bool = False
    basis: str = ""

    @property
    def row_count(self) -> int:
        """Rows over all tables."""
        return sum(len(part.rows) for part in self.parts)


class Finding(msgspec.Struct, frozen=True):
    """What a check of stored data found. `subject` names the place for people."""

    rule: str
    subject: str
    message: str


class Holding(msgspec.Struct, frozen=True):
    """What is stored of an edition, as `--edition` names it.

    `wanted`: it is part of the default selection, or was stored before. `rows` of `expected`, None: nobody says how
    many there are. `synced_at` in milliseconds, None: nothing is stored. `empty_texts`: rows without a text.
    """

    edition: str
    language: str
    wanted: bool
    rows: int = 0
    expected: int | None = None
    empty_texts: int = 0
    synced_at: int | None = None

    def state(self, since: int = 0) -> str:
        """Return complete, incomplete, old (synced before `since`, milliseconds), missing, or listed (not wanted)."""
        if self.synced_at is None:
            return "missing" if self.wanted else "listed"
        if self.expected is not None and self.rows < self.expected:
            return "incomplete"
        return "old" if self.synced_at < since else "complete"

    def as_json(self, resource: str, since: int = 0) -> dict[str, object]:
        """Return the stable fields of `coverage quran --json` and `coverage hadith --json`."""
        return {
            "resource": resource,
            "edition": self.edition,
            "language": self.language,
            "state": self.state(since),
            "texts": self.rows,
            "expected": self.expected,
            "empty_texts": self.empty_texts,
            "synced_at": None if self.synced_at is None else iso(self.synced_at),
        }


class Plan(msgspec.Struct, frozen=True):
    """A selection, resolved. `params` is canonical: the same selection gives the same value, in whatever order."""

    resource: str
    source: str
    params: Mapping[str, object]
    label: str
    total: int
    units: Iterable[Unit]


class Selectors(msgspec.Struct, frozen=True):
    """What the operator selected; None and empty mean: the resource's default."""

    cities: int | None = None
    city: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    own_cities: bool = False
    methods: str | None = None
    madhab: str | None = None
    year: int | None = None
    first: date | None = None
    last: date | None = None
    edition: tuple[str, ...] = ()
    collection: tuple[str, ...] = ()
    source: str | None = None
    accept_shrink: bool = False


class Stop(Protocol):
    """Set when the work must end. A `threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether the work must end."""

    def wait(self, timeout: float) -> bool:
        """Sleep for `timeout` seconds or until the work must end; whether it must."""


class Turn(Protocol):
    """Leave to make one request, and to say what became of it. Used with `with`: its end gives the leave back.

    `failed`, `unreachable` and `limited` return for how many seconds the host has been so to everybody: that is no
    fault of the unit. 0: it is not.
    """

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None: ...

    def measured(self, status: int | None, seconds: float, *, again: bool) -> None:
        """The request took so long. `status` None: no whole answer came; `again`: it was not the first for its unit."""

    def answered(self) -> None:
        """The host answered as it should."""

    def failed(self, *, fresh: bool) -> float:
        """The host answered with an error of its own, too late or not to the end; `fresh`: to a first attempt."""

    def unreachable(self) -> float:
        """No connection came about."""

    def limited(self, seconds: float) -> float:
        """The host wants no request for so long: nobody in the fleet makes one."""


class Gate(Protocol):
    """The way to upstream hosts, one for the whole fleet: request rate, requests under way, closures, outages."""

    def turn(self, host: str) -> Turn:
        """Wait until a request may be made, or the work must end."""


class OpenGate:
    """Lets everything pass, for a source without an upstream: also a Turn that never hears of an outage."""

    def turn(self, host: str) -> Self:
        """Return at once."""
        return self

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        pass

    def measured(self, status: int | None, seconds: float, *, again: bool) -> None:
        """Nobody wants to know."""

    def answered(self) -> None:
        """Nobody wants to know."""

    def failed(self, *, fresh: bool) -> float:
        """Return 0: one failure tells nothing of others."""
        return 0.0

    def unreachable(self) -> float:
        """Return 0: one failure tells nothing of others."""
        return 0.0

    def limited(self, seconds: float) -> float:
        """Return 0: one limit tells nothing of others."""
        return 0.0


class Context(msgspec.Struct, frozen=True):
    """What the engine gives a session: settings, the stop signal, and the gate to pass before each request."""

    settings: Settings
    stop: Stop
    gate: Gate = msgspec.field(default_factory=OpenGate)


class Session(Protocol):
    """An opened source. `process` is called by several threads at once."""

    def process(self, spec: Sequence[object], known: Known) -> Batch:
        """Fetch, decode and verify one unit. What is `known` of it may save work.

        Raises UnitError; the engine records it and goes on. A MismatchError quarantines the unit.
        """

    def close(self) -> None:
        """Interrupt requests under way and release connections."""


@runtime_checkable
class Edited(Protocol):
    """A resource that comes in editions, which `synctl coverage` lists."""

    def holdings(self, transaction: Transaction) -> Sequence[Holding]:
        """What is stored of each edition that is wanted or that upstream lists."""


@runtime_checkable
class Preloaded(Protocol):
    """A resource with modules that a worker imports once, before it forks: else each job imports them anew."""

    def preload(self, settings: Settings) -> None:
        """Import what the source needs that is configured. Open nothing: that must not cross a fork."""


class Resource(Protocol):
    """A kind of data to keep in step: `prayer`, `quran`, `hadith`, or one of your own."""

    name: str
    rules: Mapping[str, str]
    """What is verified: the name of each rule, and what it demands."""

    def prerequisites(self, database: Database, settings: Settings) -> Sequence[Missing]:
        """What reference data lacks before a run may start."""

    def plan(self, selectors: Selectors, database: Database, settings: Settings, today: date) -> Plan:
        """Resolve a selection. Raises UsageError where it names what does not exist."""

    def overlap(self, one: Mapping[str, object], other: Mapping[str, object]) -> bool:
        """Whether two selections, given by the `params` of their plans, store a row in common.

        Runs that do take turns; others may work at the same time.
        """

    def audit(self, transaction: Transaction, settings: Settings) -> Iterator[Finding]:
        """Check everything that is stored, again."""

    def concurrency(self, source: str, settings: Settings) -> int:
        """How many units a shard processes at once."""

    def open(self, source: str, context: Context) -> Session:
        """Open a source in the process that uses it. Nothing opened here may cross a fork."""
