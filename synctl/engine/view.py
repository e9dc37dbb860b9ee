"""A run as an observer sees it: SQL's truth, with the live hash beside it. Reads only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from synctl.clock import iso, now_ms
from synctl.engine import progress
from synctl.engine.progress import Progress
from synctl.errors import ExitCode
from synctl.states import LIVE, RESTING, RunState, exit_code
from synctl.store.runs import Run
from synctl.words import shortfall

if TYPE_CHECKING:
    from redis import Redis

SILENT_S = 5.0
"""A shard writes ten times a second; after so long something is wrong."""


class RunView(msgspec.Struct, frozen=True):
    """One row of `status`, one bar of `watch`. `unseen`: why nothing live is known of it."""

    run: Run
    live: Progress
    unseen: str = ""

    @property
    def done(self) -> int:
        """Units done; the hash may be a tick ahead of the row read before it."""
        return self._newest(self.run.done, self.live.done)

    @property
    def failed(self) -> int:
        """Units failed."""
        return self._newest(self.run.failed, self.live.failed)

    @property
    def quarantined(self) -> int:
        """Those of the failed units whose answer broke a rule."""
        return self._newest(self.run.quarantined, self.live.quarantined)

    @property
    def unchanged(self) -> int:
        """Those of the done units of which nothing had to be written."""
        return self._newest(self.run.unchanged, self.live.unchanged)

    @property
    def rows(self) -> int:
        """Rows verified and stored."""
        return self._newest(self.run.rows, self.live.rows)

    def _newest(self, stored: int, live: int | None) -> int:
        return max(stored, live or 0) if self.run.state in LIVE else stored

    @property
    def elapsed_s(self) -> float | None:
        """Seconds from its first start to its end, or until now."""
        if self.run.started_at is None:
            return None
        return ((self.run.finished_at or now_ms()) - self.run.started_at) / 1000

    @property
    def eta_s(self) -> float | None:
        """Seconds left at the present rate, only while it runs."""
        return self.live.eta_s if self.run.state is RunState.RUNNING else None

    @property
    def holders(self) -> list[str]:
        """Who works on it: host:pid."""
        return [shard.holder for shard in self.live.holding] if self.run.state in LIVE else []

    @property
    def current(self) -> str:
        """A unit under way."""
        return next((shard.current for shard in self.live.holding if shard.current), "") if self.holders else ""

    @property
    def note(self) -> str:
        """Why it is in its state, or what it waits for."""
        if self.unseen and self.run.state not in RESTING:
            return self.unseen
        if self.run.waits_for:
            return f"waiting for {self.run.waits_for}"
        if self.run.state is RunState.RUNNING and self.silent_s > SILENT_S:
            return f"no sign of life for {self.silent_s:.0f} s; it goes on when a worker lives (`synctl doctor`)"
        return next((shard.note for shard in self.live.holding if shard.note), "") or self.run.reason

    @property
    def remark(self) -> str:
        """The note, unless it only counts the failed units: for where they are counted beside it."""
        return "" if self.note == shortfall(self.run.failed, self.run.total) else self.note

    @property
    def silent_s(self) -> float:
        """For how many seconds none of its shards has written; 0 where none is known."""
        now = now_ms()
        return (now - max((shard.at for shard in self.live.shards), default=now)) / 1000

    @property
    def exit_code(self) -> ExitCode:
        """The exit code of a command that waited for the run."""
        return exit_code(self.run.state, self.run.error_class)

    def as_json(self) -> dict[str, object]:
        """Return the stable fields of `--json`."""
        run = self.run
        running = run.state in LIVE
        return {
            "run": run.id,
            "resource": run.resource,
            "source": run.source,
            "label": run.label,
            "state": str(run.state),
            "reason": self.note,
            "waits_for": self.run.waits_for or None,
            "total": run.total,
            "done": self.done,
            "failed": self.failed,
            "quarantined": self.quarantined,
            "unchanged": self.unchanged,
            "rows": self.rows,
            "changed": run.changed,
            "units_per_s": round(self.live.unit_rate, 2) if running else 0.0,
            "rows_per_s": round(self.live.row_rate, 1) if running else 0.0,
            "eta_s": None if self.eta_s is None else round(self.eta_s, 1),
            "elapsed_s": None if self.elapsed_s is None else round(self.elapsed_s, 1),
            "stalled_s": round(self.live.stalled_s, 1) if running else 0.0,
            "current": self.current,
            "lease": [
                {"holder": shard.holder, "heartbeat_age_s": round((now_ms() - shard.at) / 1000, 1)}
                for shard in self.live.holding
            ]
            if running
            else [],
            "created_at": iso(run.created_at),
            "started_at": iso(run.started_at) if run.started_at else None,
            "finished_at": iso(run.finished_at) if run.finished_at else None,
            "pruned_at": iso(run.pruned_at) if run.pruned_at else None,
        }


def views(runs: Sequence[Run], client: Redis | None) -> list[RunView]:
    """Pair runs with their live progress; `client` is None where there is no Redis to ask."""
    ids = [run.id for run in runs if run.state in LIVE]
    live = progress.read(client, ids) if client is not None and ids else {}
    return [RunView(run, live.get(run.id, Progress())) for run in runs]
