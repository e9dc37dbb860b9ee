"""The documents of the API, as `--json` writes them: docs/json.md says what each field means."""

from __future__ import annotations

import msgspec


class _Document(msgspec.Struct, forbid_unknown_fields=True):
    pass


class Lease(_Document):
    """Who works on a run."""

    holder: str
    heartbeat_age_s: float


class RunDocument(_Document):
    """A run, as `status --json` writes it."""

    run: str
    resource: str
    source: str
    label: str
    state: str
    reason: str
    waits_for: str | None
    total: int
    done: int
    failed: int
    quarantined: int
    unchanged: int
    rows: int
    changed: int
    units_per_s: float
    rows_per_s: float
    eta_s: float | None
    elapsed_s: float | None
    stalled_s: float
    current: str
    lease: list[Lease]
    created_at: str
    started_at: str | None
    finished_at: str | None
    pruned_at: str | None


class Cause(_Document):
    """Units that failed alike."""

    error: str
    http_status: int | None
    message: str
    count: int
    sample: str


class OneRun(RunDocument):
    """A run with the causes of its failures: of the first 10,000 units that failed."""

    errors: list[Cause]


class Runs(_Document):
    """A page of runs, the newest first. `next`: where the next page is."""

    runs: list[RunDocument]
    next: str | None


class UnitDocument(_Document):
    """A unit, as `units --json` writes it."""

    run: str
    unit: str
    state: str
    attempts: int
    deaths: int
    crashes: int
    error: str | None
    http_status: int | None
    message: str | None
    rows: int
    changed: int
    took_ms: int | None
    settled_at: str | None


class Units(_Document):
    """A page of units, in the order of the ledger. `pruned_at`: since when those that were done, or all, are not."""

    run: str
    units: list[UnitDocument]
    pruned_at: str | None
    next: str | None


class Errors(_Document):
    """Why units failed: causes of the first 10,000, the most frequent first, and a page of the units."""

    run: str
    causes: list[Cause]
    units: list[UnitDocument]
    pruned_at: str | None
    next: str | None


class EventDocument(_Document):
    """An event, as `watch --json` writes it."""

    id: int | None
    event: str
    run: str
    at: str
    state: str
    who: str | None
    origin: str | None
    reason: str | None
    progress: RunDocument | None


class Events(_Document):
    """The audit trail of a run, oldest first."""

    run: str
    events: list[EventDocument]


class Queued(_Document):
    """What became of an order, as `enqueue --json` writes it."""

    run: str
    state: str
    why: str
    created: bool
    waits_for: str | None
    resource: str
    source: str
    label: str
    units: int
    fresh: int
    done: int
    failed: int


class Retried(_Document):
    """What became of a retry, as `retry --json` writes it."""

    run: str
    state: str
    why: str
    units: int


class Deleted(_Document):
    """A run that is no more."""

    run: str
    deleted: bool


class Stored(_Document):
    """What is stored of a resource."""

    resource: str
    units: int
    rows: int
    first: str | None
    last: str | None
    oldest: str
    newest: str
    sources: dict[str, int]


class Coverage(_Document):
    """What is stored, in short."""

    resources: list[Stored]


class CityYear(_Document):
    """A city's year of prayer times; `months`: shares of 1."""

    resource: str
    city: str
    city_id: int
    country: str
    year: int
    months: list[float]
    rows: int
    expected: int
    oldest: str | None
    newest: str | None


class Edition(_Document):
    """An edition of the Quran or of a hadith collection."""

    resource: str
    edition: str
    language: str
    state: str
    texts: int
    expected: int | None
    empty_texts: int
    synced_at: str | None


class ResourceCoverage(_Document):
    """What is stored of a resource: cities, or editions."""

    resource: str
    cities: list[CityYear]
    editions: list[Edition]


class Worker(_Document):
    """A worker that is alive."""

    worker: str
    queue: str
    state: str
    host: str
    pid: int
    last_heartbeat: str


class Queue(_Document):
    """The queue of a resource: jobs that wait, workers that listen."""

    queue: str
    resource: str
    waiting: int
    workers: int


class Fleet(_Document):
    """Workers and queues."""

    workers: list[Worker]
    queues: list[Queue]


class Budget(_Document):
    """An upstream host. `rate`: requests a second, 0: no limit; `most` under way, 0: any number."""

    host: str
    source: str
    rate: float
    most: int
    under_way: int
    ahead_s: float
    closed_s: float
    why: str


class Budgets(_Document):
    """The budgets of the upstream hosts."""

    budgets: list[Budget]


class Slot(_Document):
    """A moment of a schedule, and what came of it."""

    slot: str
    state: str
    why: str
    run: str | None
    run_state: str | None
    who: str
    origin: str
    at: str


class ScheduleDocument(_Document):
    """A schedule, as `schedule list --json` writes it."""

    schedule: str
    words: str
    cron: str
    timezone: str
    resource: str
    arguments: list[str]
    if_stale_s: int | None
    overlap: str
    catch_up_s: int
    enabled: bool
    next: list[str]
    slots: list[Slot]


class Schedules(_Document):
    """Every schedule, and who queues them."""

    leader: str | None
    schedules: list[ScheduleDocument]
