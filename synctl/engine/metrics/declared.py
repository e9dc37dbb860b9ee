"""Every metric, declared once: name, type, labels and what it means. docs/metrics.md says the same."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec


class Kind(StrEnum):
    """Prometheus' types, as far as they are used."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"


class Metric(msgspec.Struct, frozen=True):
    """A metric. `help` is one line, without its full stop."""

    name: str
    kind: Kind
    labels: tuple[str, ...]
    help: str


class Histogram(msgspec.Struct, frozen=True):
    """Observations by bucket (not added up) and the sum of their values."""

    buckets: Sequence[int]
    total: float


class Sample(msgspec.Struct, frozen=True):
    """A value of a metric, with its labels in the order in which they are declared."""

    name: str
    labels: tuple[str, ...]
    value: float | Histogram


def _gauge(name: str, help: str, *labels: str) -> Metric:  # noqa: A002 - Prometheus' word
    return Metric(f"synctl_{name}", Kind.GAUGE, labels, help)


METRICS: Final = (
    _gauge("build_info", "1, of the version that writes this", "version", "python"),
    _gauge("database_up", "1 if the database answers"),
    _gauge("database_migrated", "1 if its schema is the one this version reads; else what is in it is left out"),
    _gauge("database_size_bytes", "Size of the database, with SQLite's log"),
    _gauge("redis_up", "1 if Redis or Valkey answers; else what is in it is left out"),
    _gauge("redis_memory_bytes", "Memory that Redis uses"),
    _gauge("redis_memory_limit_bytes", "Its maxmemory; 0: no limit"),
    _gauge("disk_free_bytes", "Free space of the file system of a folder: home, database", "folder"),
    _gauge("disk_size_bytes", "Size of that file system", "folder"),
    _gauge("runs", "Runs that are kept", "resource", "state"),
    _gauge("run_units", "Units of the runs that are kept: open, done, failed, quarantined", "resource", "state"),
    _gauge("run_units_unchanged", "Units done of which nothing had to be written", "resource"),
    _gauge("run_rows", "Rows that the runs that are kept verified", "resource"),
    _gauge("run_rows_changed", "Rows of them that were new or different", "resource"),
    _gauge("open_units", "Units that active runs have still to do", "resource"),
    _gauge("last_run_state", "1 for the state in which the last run that ended did so", "resource", "state"),
    _gauge("last_success_timestamp_seconds", "When a run last succeeded; 0: never", "resource"),
    _gauge(
        "runs_waiting",
        "Queued runs that wait for a worker, or for a run before them to end (turn)",
        "resource",
        "waits_for",
    ),
    _gauge("runs_waiting_seconds", "For how long a run has waited for a worker", "resource"),
    _gauge("stored_units", "Units of which something is stored", "resource"),
    _gauge("stored_rows", "Rows that they verified", "resource"),
    _gauge("data_oldest_timestamp_seconds", "When the unit was synced that was so the longest ago", "resource"),
    _gauge("data_newest_timestamp_seconds", "When a unit was last synced", "resource"),
    _gauge("quarantined_units", "Units whose last answer broke a rule", "resource", "rule"),
    _gauge("queue_jobs", "Jobs in the queue, and those between it and a worker", "resource"),
    _gauge("workers", "Workers that are alive: idle, busy, …", "resource", "state"),
    _gauge("workers_silent", "Workers that have said nothing for 30 seconds", "resource"),
    _gauge("heartbeat_age_seconds", "Since a shard of a live run last wrote; at most 50 runs", "resource", "run"),
    _gauge("shards", "Shards that live runs expect, by whether anybody holds them: held, free", "resource", "lease"),
    _gauge("stalled_runs", "Live runs with a shard that gets nowhere", "resource"),
    _gauge("scheduler_up", "1 if a process queues what is scheduled; absent where nothing is"),
    _gauge("schedule_lag_seconds", "For how long a moment of a schedule has passed without being settled", "schedule"),
    Metric(
        "synctl_upstream_request_duration_seconds",
        Kind.HISTOGRAM,
        ("host", "status"),
        "Requests by class of status (2xx, 4xx; none: no whole answer came), from the first to the last byte",
    ),
    Metric(
        "synctl_upstream_limited_total",
        Kind.COUNTER,
        ("host",),
        "Answers that limit us: 429, or 503 with Retry-After",
    ),
    Metric("synctl_upstream_retries_total", Kind.COUNTER, ("host",), "Requests that were not the first for their unit"),
    _gauge("upstream_in_flight", "Requests under way, of all workers, where in_flight limits them", "host"),
    _gauge("upstream_in_flight_limit", "The most that may be; 0: any number", "host"),
    _gauge("upstream_rate_limit", "Requests a second that may be made; 0: any number", "host"),
    _gauge("upstream_reserved_seconds", "For so long all turns are taken", "host"),
    _gauge("upstream_closed_seconds", "For so long nobody asks the host; 0: it is open", "host"),
    _gauge("upstream_failing", "1 from when the host is closed until it has answered again", "host"),
)
