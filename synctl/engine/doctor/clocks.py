"""This machine's clock beside those of Redis and PostgreSQL: ages and leases are told across machines."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from redis import Redis

from synctl.clock import now_ms
from synctl.engine.doctor.finding import Finding, ok, skipped, warning
from synctl.engine.doctor.patient import Patient
from synctl.store.db import Database

MOST_MS: Final = 2000
"""What shows a rate or a heartbeat wrongly: less than a lease, more than machines with NTP ever differ by."""


def clock(patient: Patient) -> Iterator[Finding]:
    """Compare the clocks."""
    if patient.redis is not None:
        client = patient.redis
        yield _compared("Redis", lambda: _redis_ms(client))
    if patient.database is not None and patient.database.dialect == "postgresql":
        database = patient.database
        yield _compared("PostgreSQL", lambda: _postgres_ms(database))
    elif patient.redis is None:
        yield skipped("clock", "no server to compare with")


def _compared(server: str, ask: Callable[[], int]) -> Finding:
    before = now_ms()
    theirs = ask()
    difference = theirs - (before + now_ms()) / 2
    apart = f"{abs(difference) / 1000:.1f} s"
    if abs(difference) <= MOST_MS:
        return ok("clock", f"agrees with that of {server} to {apart}")
    side = "behind" if difference > 0 else "ahead of"
    return warning("clock", f"{apart} {side} that of {server}", "set the clocks of all machines by NTP")


def _redis_ms(client: Redis) -> int:
    seconds, microseconds = client.time()
    return int(seconds) * 1000 + int(microseconds) // 1000


def _postgres_ms(database: Database) -> int:
    with database.read() as transaction:
        row = transaction.one("SELECT extract(epoch FROM clock_timestamp()) * 1000 AS ms")
    return int(row["ms"]) if row else 0
