"""The commit log: triggers write down each unit that becomes done and each that is stored; then the proof."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tests.chaos.baseline import Expected
from tests.chaos.sql import Sql

_LOG = (
    "CREATE TABLE chaos_log ({id}, kind TEXT NOT NULL, run_id TEXT, run_seq INTEGER, ordinal INTEGER,"
    " unit_key TEXT NOT NULL, epoch INTEGER, fence INTEGER, at BIGINT NOT NULL)"
)
# `fence`: the epoch that holds the unit's shard while the unit is committed.
_DONE = (
    "INSERT INTO chaos_log (kind, run_seq, ordinal, unit_key, epoch, fence, at) VALUES ('done', new.run_seq,"
    " new.ordinal, new.key, new.epoch, (SELECT s.epoch FROM run_shard s WHERE s.run_seq = new.run_seq"
    " AND s.shard = new.shard), {now});"
)
_STORE = "INSERT INTO chaos_log (kind, run_id, unit_key, at) VALUES ('store', new.run_id, new.key, {now});"
_SQLITE_NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
_POSTGRES_NOW = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)"

SQLITE = (
    _LOG.format(id="id INTEGER PRIMARY KEY"),
    "CREATE TRIGGER chaos_done AFTER UPDATE OF state ON sync_unit WHEN new.state = 'done'"
    f" BEGIN {_DONE.format(now=_SQLITE_NOW)} END",
    f"CREATE TRIGGER chaos_insert AFTER INSERT ON stored_unit BEGIN {_STORE.format(now=_SQLITE_NOW)} END",
    f"CREATE TRIGGER chaos_update AFTER UPDATE ON stored_unit BEGIN {_STORE.format(now=_SQLITE_NOW)} END",
)
POSTGRES = (
    _LOG.format(id="id BIGSERIAL PRIMARY KEY"),
    "CREATE FUNCTION chaos_done() RETURNS trigger LANGUAGE plpgsql AS"
    f" $$ BEGIN {_DONE.format(now=_POSTGRES_NOW)} RETURN NULL; END $$",
    "CREATE FUNCTION chaos_store() RETURNS trigger LANGUAGE plpgsql AS"
    f" $$ BEGIN {_STORE.format(now=_POSTGRES_NOW)} RETURN NULL; END $$",
    "CREATE TRIGGER chaos_done AFTER UPDATE OF state ON sync_unit FOR EACH ROW WHEN (NEW.state = 'done')"
    " EXECUTE FUNCTION chaos_done()",
    "CREATE TRIGGER chaos_store AFTER INSERT OR UPDATE ON stored_unit FOR EACH ROW EXECUTE FUNCTION chaos_store()",
)

# One statement is one snapshot in both databases.
_COUNTERS = (
    "SELECT r.id, r.total, r.done, r.failed, r.rows,"
    " (SELECT COUNT(*) FROM sync_unit u WHERE u.run_seq = r.seq),"
    " (SELECT COUNT(*) FROM sync_unit u WHERE u.run_seq = r.seq AND u.state = 'done'),"
    " (SELECT COUNT(*) FROM sync_unit u WHERE u.run_seq = r.seq AND u.state = 'failed'),"
    " (SELECT COALESCE(SUM(u.rows), 0) FROM sync_unit u WHERE u.run_seq = r.seq AND u.state = 'done'),"
    " (SELECT COUNT(*) FROM chaos_log c WHERE c.kind = 'done' AND c.run_seq = r.seq),"
    " (SELECT COUNT(*) FROM chaos_log c WHERE c.kind = 'store' AND c.run_id = r.id)"
    " FROM run r ORDER BY r.seq"
)
CLOCK_MS = 2
"""The log's clock and the product's are the same, but rounded differently."""


class Witness:
    """What the log of one database says."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    def install(self) -> None:
        """Add the triggers."""
        self._sql.execute(*(SQLITE if self._sql.dialect == "sqlite" else POSTGRES))

    def runs(self) -> list[tuple[int, str, str]]:
        """Return seq, id and state of each run, the oldest first."""
        return [(seq, run, state) for seq, run, state in self._sql.rows("SELECT seq, id, state FROM run ORDER BY seq")]

    def done_lines(self, run_id: str) -> int:
        """Return how many units of a run were committed so far, doubles included."""
        query = "SELECT COUNT(*) FROM chaos_log c JOIN run r ON r.seq = c.run_seq WHERE c.kind = 'done' AND r.id = ?"
        return int(self._sql.rows(query, run_id)[0][0])

    def done_between(self, first: float, last: float) -> int:
        """Return how many units were committed between two moments (seconds since the epoch)."""
        query = "SELECT COUNT(*) FROM chaos_log WHERE kind = 'done' AND at > ? AND at < ?"
        return int(self._sql.rows(query, round(first * 1000), round(last * 1000))[0][0])

    def takeovers(self) -> int:
        """Return how often a shard was given to another holder, as the audit trail says."""
        return int(self._sql.rows("SELECT COUNT(*) FROM run_event WHERE kind = 'taken-over'")[0][0])

    def torn(self) -> list[str]:
        """Name what does not change together though it must: to be asked at any moment."""
        wrong = []
        for (
            run,
            _total,
            done,
            failed,
            rows,
            _units,
            done_units,
            failed_units,
            sum_rows,
            lines,
            stores,
        ) in self._sql.rows(_COUNTERS):
            if (done, done, done, failed, rows) != (done_units, lines, stores, failed_units, sum_rows):
                wrong.append(
                    f"torn: {run}: counters done {done}, failed {failed}, rows {rows}; ledger {done_units},"
                    f" {failed_units}, {sum_rows}; log {lines} done, {stores} stored"
                )
        return wrong

    def proof(self, expected: Mapping[str, Expected]) -> list[str]:
        """Return everything that differs from an undisturbed sync; `expected` is by run id. Nothing: proven."""
        return [
            *self._states(expected),
            *self.torn(),
            *self._once(),
            *self._fenced(),
            *self._paused(),
            *self._same_rows(expected),
            *self._same_ledger(expected),
        ]

    def _states(self, expected: Mapping[str, Expected]) -> list[str]:
        found = {run: state for _, run, state in self.runs()}
        wrong = [f"state: {run} is {state}" for run, state in found.items() if state != "succeeded"]
        if found.keys() != expected.keys():
            wrong.append(f"state: runs {sorted(found)} instead of {sorted(expected)}")
        return wrong

    def _once(self) -> list[str]:
        units = "sync_unit u JOIN run r ON r.seq = u.run_seq"
        done = self._sql.rows(
            f"SELECT r.id, u.key, COUNT(c.id) FROM {units} LEFT JOIN chaos_log c ON c.kind = 'done'"
            " AND c.run_seq = u.run_seq AND c.ordinal = u.ordinal GROUP BY r.id, u.key HAVING COUNT(c.id) <> 1"
        )
        stored = self._sql.rows(
            f"SELECT r.id, u.key, COUNT(c.id) FROM {units} LEFT JOIN chaos_log c ON c.kind = 'store'"
            " AND c.run_id = r.id AND c.unit_key = u.key GROUP BY r.id, u.key HAVING COUNT(c.id) <> 1"
        )
        return [
            f"{name}: {len(rows)} units not exactly once, such as {key} of {run}: {count} times"
            for name, rows in (("done", done), ("stored", stored))
            for run, key, count in rows[:1]
        ]

    def _fenced(self) -> list[str]:
        zombies = self._sql.rows(
            "SELECT run_seq, unit_key, epoch, fence, at FROM chaos_log WHERE kind = 'done'"
            " AND (fence IS NULL OR fence <> epoch) ORDER BY id"
        )
        return [
            f"fence: {len(zombies)} units committed by who does not hold the shard, such as {key} of run {run}:"
            f" epoch {epoch}, held by {fence}, at {at}"
            for run, key, epoch, fence, at in zombies[:1]
        ]

    def _paused(self) -> list[str]:
        wrong: list[str] = []
        for run_id, begin, end in self._pauses():
            late = self._sql.rows(
                "SELECT c.unit_key, c.at FROM chaos_log c JOIN run r ON r.seq = c.run_seq WHERE c.kind = 'done'"
                " AND r.id = ? AND c.at > ? AND c.at < ? ORDER BY c.id",
                run_id,
                begin + CLOCK_MS,
                end - CLOCK_MS,
            )
            wrong.extend(
                f"paused: {len(late)} units of {run_id} committed meanwhile, {begin} to {end}, such as {key} at {at}"
                for key, at in late[:1]
            )
        return wrong

    def _pauses(self) -> list[tuple[str, int, int]]:
        """Run, begin and end (ms) of each time that the audit trail calls paused."""
        begun: dict[str, int] = {}
        pauses = []
        for run_id, at, state in self._sql.rows("SELECT run_id, at, state FROM run_event ORDER BY id"):
            if state == "paused":
                begun.setdefault(run_id, at)
            elif run_id in begun:
                pauses.append((run_id, begun.pop(run_id), at))
        return pauses

    def _same_rows(self, expected: Mapping[str, Expected]) -> list[str]:
        wanted = sorted(row for one in expected.values() for row in one.rows)
        names = [name for name in self._sql.columns("prayer_time") if name != "unit_id"]
        return _difference("prayer_time", wanted, sorted(self._sql.rows(f"SELECT {', '.join(names)} FROM prayer_time")))

    def _same_ledger(self, expected: Mapping[str, Expected]) -> list[str]:
        wrong = []
        for seq, run, _ in self.runs():
            found = self._sql.rows("SELECT key, state, rows FROM sync_unit WHERE run_seq = ?", seq)
            wanted = expected[run].ledger if run in expected else []
            wrong.extend(_difference(f"ledger of {run}", sorted(wanted), sorted(found)))
        return wrong


def _difference(what: str, wanted: Sequence[tuple[Any, ...]], found: Sequence[tuple[Any, ...]]) -> list[str]:
    if wanted == found:
        return []
    missing, extra = sorted(set(wanted) - set(found)), sorted(set(found) - set(wanted))
    return [
        f"{what}: {len(found)} rows instead of {len(wanted)}; {len(missing)} missing, first {missing[:1]};"
        f" {len(extra)} extra, first {extra[:1]}"
    ]
