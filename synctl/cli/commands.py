"""The commands: name, where its function is, and one line of help. A module is imported when its command runs."""

from __future__ import annotations

from typing import Final, NamedTuple


class Entry(NamedTuple):
    """A command that is not loaded yet."""

    target: str
    summary: str
    hidden: bool = False


COMMANDS: Final[dict[str, Entry]] = {
    "run": Entry("synctl.cli.run:run", "Sync now: start what is needed, show progress, stop what was started"),
    "up": Entry("synctl.cli.stack:up", "Start the local stack: Valkey, database, reference data, workers"),
    "down": Entry("synctl.cli.stack:down", "Stop the local stack; running syncs go on after the next `up`"),
    "seed": Entry("synctl.cli.seed:seed", "Load methods, cities and madhabs"),
    "cities": Entry("synctl.cli.cities:cities", "List your own cities, or remove one"),
    "enqueue": Entry("synctl.cli.enqueue:enqueue", "Queue a sync and print its run id"),
    "schedule": Entry("synctl.cli.schedule:schedule", "Queue syncs by the clock: list, run, next, trigger, export"),
    "status": Entry("synctl.cli.status:status", "Show all runs, or one in full"),
    "watch": Entry("synctl.cli.watch:watch", "Follow runs live"),
    "pause": Entry("synctl.cli.control:pause", "Pause runs; nothing done is lost"),
    "resume": Entry("synctl.cli.control:resume", "Go on with paused runs where they stopped"),
    "cancel": Entry("synctl.cli.control:cancel", "Cancel runs; what they stored stays"),
    "delete": Entry("synctl.cli.control:delete", "Remove ended runs and their ledger, never synced data"),
    "retry": Entry("synctl.cli.control:retry", "Queue only the failed units of a run again"),
    "units": Entry("synctl.cli.ledger:units", "List the units of a run with their state"),
    "errors": Entry("synctl.cli.ledger:errors", "Show why units failed, grouped by cause"),
    "changes": Entry("synctl.cli.changes:changes", "Show what a run changed in data that was stored before"),
    "quarantine": Entry("synctl.cli.quarantine:quarantine", "See and settle units whose answer broke a rule"),
    "history": Entry("synctl.cli.ledger:history", "Show who did what to runs, from where and why"),
    "logs": Entry("synctl.cli.logs:logs", "Show what workers logged, of a run or of all"),
    "coverage": Entry("synctl.cli.coverage:coverage", "Show what is stored, how old it is, and the gaps"),
    "verify": Entry("synctl.cli.verify:verify", "Check everything that is stored, again"),
    "show": Entry("synctl.cli.show:show", "Show stored data"),
    "export": Entry("synctl.cli.export.command:export", "Write stored data as CSV, JSON, Parquet or a calendar"),
    "locks": Entry("synctl.cli.locks:locks", "Show who works on which run, and who waits for it"),
    "doctor": Entry("synctl.cli.doctor:doctor", "Check everything a sync needs; say what is wrong and what to type"),
    "metrics": Entry("synctl.cli.metrics:metrics", "Print metrics for Prometheus"),
    "reap": Entry("synctl.cli.reap:reap", "Settle what dead workers left"),
    "prune": Entry("synctl.cli.prune:prune", "Remove the ledger of old runs, never what they stored"),
    "serve": Entry("synctl.cli.serve:serve", "Serve runs to browsers and programs: page, REST, live events, metrics"),
    "worker": Entry("synctl.cli.worker:worker", "Run one worker in the foreground"),
    "db": Entry("synctl.cli.db:db", "Create or migrate the database"),
    "config": Entry("synctl.cli.config:config", "Show the settings and their origin; check them"),
    "completion": Entry("synctl.cli.completion:completion", "Print the script that has a shell complete after a Tab"),
    "help": Entry("synctl.cli.help:show_help", "Show the help of a command, exit codes or environment variables"),
}
