"""Totals over all runs and all that is stored, for metrics. Nothing here reads the ledger: runs have its counters."""

from __future__ import annotations

from synctl.states import TERMINAL, RunState
from synctl.store.db import Row, Transaction

_ENDED = ", ".join(f"'{state}'" for state in sorted(TERMINAL))


def runs_by_state(transaction: Transaction) -> list[Row]:
    """Return for each resource and state: runs, their units by state, rows and changed rows."""
    return transaction.all(
        "SELECT resource, state, COUNT(*) AS runs, SUM(total) AS total, SUM(done) AS done, SUM(failed) AS failed,"
        " SUM(quarantined) AS quarantined, SUM(unchanged) AS unchanged, SUM(rows) AS rows, SUM(changed) AS changed"
        " FROM run GROUP BY resource, state"
    )


def last_ended(transaction: Transaction) -> list[Row]:
    """Return for each resource the state of the run that ended last, and when one last succeeded, or NULL."""
    return transaction.all(
        "SELECT resource, state, (SELECT MAX(finished_at) FROM run s WHERE s.resource = r.resource"
        f" AND s.state = '{RunState.SUCCEEDED}') AS succeeded_at FROM run r WHERE state IN ({_ENDED}) AND seq ="
        f" (SELECT seq FROM run e WHERE e.resource = r.resource AND e.state IN ({_ENDED})"
        " ORDER BY finished_at DESC, seq DESC LIMIT 1)"
    )


def queued(transaction: Transaction) -> list[Row]:
    """Return for each resource how many queued runs wait for a worker and for their turn.

    `since`: when the one that has waited longest for a worker was queued (milliseconds), or NULL.
    """
    return transaction.all(
        "SELECT resource, SUM(CASE WHEN waits_for = '' THEN 1 ELSE 0 END) AS for_worker,"
        " SUM(CASE WHEN waits_for = '' THEN 0 ELSE 1 END) AS for_turn,"
        " MIN(CASE WHEN waits_for = '' THEN (SELECT MIN(enqueued_at) FROM run_shard s WHERE s.run_seq = run.seq) END)"
        f" AS since FROM run WHERE state = '{RunState.QUEUED}' GROUP BY resource"
    )


def stored(transaction: Transaction) -> list[Row]:
    """Return for each resource the units and rows that are stored, and the first and last sync of any (ms)."""
    # A resource at a time, each from the index alone: of 1.6 million units that takes a quarter of what GROUP BY does.
    names = transaction.all(
        "WITH RECURSIVE named(resource) AS (SELECT MIN(resource) FROM stored_unit UNION ALL"
        " SELECT (SELECT MIN(resource) FROM stored_unit WHERE resource > named.resource) FROM named"
        " WHERE named.resource IS NOT NULL) SELECT resource FROM named WHERE resource IS NOT NULL"
    )
    rows = (
        transaction.one(
            "SELECT :resource AS resource, COUNT(*) AS units, SUM(rows) AS rows,"
            " (SELECT MIN(synced_at) FROM stored_unit WHERE resource = :resource) AS oldest,"
            " (SELECT MAX(synced_at) FROM stored_unit WHERE resource = :resource) AS newest"
            " FROM stored_unit WHERE resource = :resource",
            resource=name["resource"],
        )
        for name in names
    )
    return [row for row in rows if row is not None]


def quarantined(transaction: Transaction) -> list[Row]:
    """Return how many units are in quarantine, by resource and rule."""
    return transaction.all("SELECT resource, rule, COUNT(*) AS units FROM quarantine GROUP BY resource, rule")


def schedules_since(transaction: Transaction) -> dict[str, int]:
    """Return since when each schedule is in force as it is (ms)."""
    rows = transaction.all("SELECT schedule, since FROM schedule_seen WHERE spec <> ''")
    return {row["schedule"]: row["since"] for row in rows}
