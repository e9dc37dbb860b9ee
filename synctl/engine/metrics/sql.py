"""Metrics of the database: how large it is, what runs did, what is stored and how old it is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from synctl.clock import now_ms
from synctl.config import Settings
from synctl.engine.metrics.declared import Sample
from synctl.states import ACTIVE, TERMINAL, RunState
from synctl.store import slots, totals
from synctl.store.db import Row, Transaction
from synctl.store.slots import SlotState

_UNITS: Final = ("open", "done", "failed", "quarantined")


def size(transaction: Transaction, sqlite: Path | None) -> Iterator[Sample]:
    """Its size on disk."""
    if sqlite is None:
        row = transaction.one("SELECT pg_database_size(current_database()) AS size")
        octets = row["size"] if row else 0
    else:
        parts = (Path(f"{sqlite}{suffix}") for suffix in ("", "-wal"))
        octets = sum(part.stat().st_size for part in parts if part.exists())
    yield Sample("synctl_database_size_bytes", (), octets)


def runs(transaction: Transaction, resources: Sequence[str]) -> Iterator[Sample]:
    """Runs and what they did. There is a value for each state, so that an alert need not ask whether it is there."""
    found = {(row["resource"], row["state"]): row for row in totals.runs_by_state(transaction)}
    for resource in resources:
        of_state = {state: found.get((resource, str(state))) for state in RunState}
        rows = [row for row in of_state.values() if row]
        for state, row in of_state.items():
            yield Sample("synctl_runs", (resource, str(state)), row["runs"] if row else 0)
        for units in _UNITS:
            yield Sample("synctl_run_units", (resource, units), sum(_units(row, units) for row in rows))
        for name, column in (("units_unchanged", "unchanged"), ("rows", "rows"), ("rows_changed", "changed")):
            yield Sample(f"synctl_run_{name}", (resource,), float(sum(row[column] for row in rows)))
        active = (row for state, row in of_state.items() if row and state in ACTIVE)
        yield Sample("synctl_open_units", (resource,), sum(_units(row, "open") for row in active))
    yield from _last(transaction, resources)
    yield from _waiting(transaction, resources)


def data(transaction: Transaction) -> Iterator[Sample]:
    """What is stored, of those resources that store something, and what was refused."""
    for row in totals.stored(transaction):
        labels = (row["resource"],)
        yield Sample("synctl_stored_units", labels, row["units"])
        yield Sample("synctl_stored_rows", labels, float(row["rows"]))
        yield Sample("synctl_data_oldest_timestamp_seconds", labels, row["oldest"] / 1000)
        yield Sample("synctl_data_newest_timestamp_seconds", labels, row["newest"] / 1000)
    for row in totals.quarantined(transaction):
        yield Sample("synctl_quarantined_units", (row["resource"], row["rule"]), row["units"])


def schedules(transaction: Transaction, settings: Settings) -> Iterator[Sample]:
    """How late each schedule is. One that nobody has run yet has no moment to be late for."""
    now = now_ms()
    seen = totals.schedules_since(transaction)
    for name, schedule in settings.schedule.items():
        last = slots.last(transaction, name)
        if not schedule.enabled or name not in seen:
            continue
        if last is not None and last.state is SlotState.CLAIMED:
            due = last.slot
        else:
            since = max(seen[name], last.slot if last else 0)
            due = next(schedule.when.after(since), now)
        yield Sample("synctl_schedule_lag_seconds", (name,), max(0.0, (now - due) / 1000))


def _units(row: Row, state: str) -> int:
    """Units of a state; those in quarantine are failed ones, too, but counted once here."""
    if state == "open":
        return int(row["total"] - row["done"] - row["failed"])
    return int(row["failed"] - row["quarantined"] if state == "failed" else row[state])


def _last(transaction: Transaction, resources: Sequence[str]) -> Iterator[Sample]:
    ended = {row["resource"]: row for row in totals.last_ended(transaction)}
    for resource in resources:
        row = ended.get(resource)
        for state in sorted(TERMINAL):
            yield Sample(
                "synctl_last_run_state", (resource, str(state)), int(row is not None and row["state"] == state)
            )
        succeeded = row["succeeded_at"] if row else None
        yield Sample("synctl_last_success_timestamp_seconds", (resource,), (succeeded or 0) / 1000)


def _waiting(transaction: Transaction, resources: Sequence[str]) -> Iterator[Sample]:
    queued = {row["resource"]: row for row in totals.queued(transaction)}
    for resource in resources:
        row = queued.get(resource)
        for whom in ("worker", "turn"):
            yield Sample("synctl_runs_waiting", (resource, whom), int(row[f"for_{whom}"]) if row else 0)
        since = row["since"] if row else None
        waited = 0.0 if since is None else max(0.0, (now_ms() - since) / 1000)
        yield Sample("synctl_runs_waiting_seconds", (resource,), waited)
