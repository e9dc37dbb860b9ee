"""What the author of a resource writes, and what the engine gives in return.

A resource says which units a selection has, and turns one unit into verified rows. Loop, lease, retry, budget,
progress, pause, cancel and partial failure belong to the engine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from synctl.config import Settings
from synctl.store.db import Database
from synctl.store.prerequisites import Missing
from synctl.store.upsert import Rows, Table

__all__ = [
    "Batch",
    "Context",
    "Missing",
    "Plan",
    "Resource",
    "Rows",
    "Selectors",
    "Session",
    "Stop",
    "Table",
    "Unit",
]


@dataclass(frozen=True, slots=True)
class Unit:
    """The smallest piece fetched, verified and stored at once. `spec` is what `process` needs, as JSON values."""

    key: str
    spec: Sequence[object]


@dataclass(frozen=True, slots=True)
class Batch:
    """All that one unit stores. `body_hash` is of the upstream's bytes; None where there are none."""

    parts: Sequence[Rows]
    body_hash: str | None = None
    attempts: int = 1

    @property
    def row_count(self) -> int:
        """Rows over all tables."""
        return sum(len(part.rows) for part in self.parts)


@dataclass(frozen=True, slots=True)
class Plan:
    """A selection, resolved. `params` is canonical: the same selection gives the same value, in whatever order."""

    resource: str
    source: str
    params: Mapping[str, object]
    label: str
    total: int
    units: Iterable[Unit]


@dataclass(frozen=True, slots=True)
class Selectors:
    """What the operator selected; None and empty mean: the resource's default."""

    cities: int | None = None
    city: tuple[str, ...] = ()
    country: tuple[str, ...] = ()
    methods: str | None = None
    madhab: str | None = None
    year: int | None = None
    first: date | None = None
    last: date | None = None
    edition: tuple[str, ...] = ()
    collection: tuple[str, ...] = ()
    source: str | None = None


class Stop(Protocol):
    """Set when the work must end. A `threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether the work must end."""

    def wait(self, timeout: float) -> bool:
        """Sleep for `timeout` seconds or until the work must end; whether it must."""


@dataclass(frozen=True, slots=True)
class Context:
    """What the engine gives a session: settings, the stop signal, and a call to make before each request.

    `admit(host)` waits for the shared budget of an upstream host; `penalise(host, seconds)` tells the whole
    fleet that the host limits us.
    """

    settings: Settings
    stop: Stop
    admit: Callable[[str], None] = field(default=lambda _host: None)
    penalise: Callable[[str, float], None] = field(default=lambda _host, _seconds: None)


class Session(Protocol):
    """An opened source. `process` is called by several threads at once."""

    def process(self, spec: Sequence[object]) -> Batch:
        """Fetch, decode and verify one unit.

        Raises UnitError; the engine records it and goes on.
        """

    def close(self) -> None:
        """Interrupt requests under way and release connections."""


class Resource(Protocol):
    """A kind of data to keep in step: `prayer`, `quran`, `hadith`, or one of your own."""

    name: str

    def prerequisites(self, database: Database, settings: Settings) -> Sequence[Missing]:
        """What reference data lacks before a run may start."""

    def plan(self, selectors: Selectors, database: Database, settings: Settings, today: date) -> Plan:
        """Resolve a selection. Raises UsageError where it names what does not exist."""

    def concurrency(self, source: str, settings: Settings) -> int:
        """How many units a shard processes at once."""

    def open(self, source: str, context: Context) -> Session:
        """Open a source in the process that uses it. Nothing opened here may cross a fork."""
