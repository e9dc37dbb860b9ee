"""`synctl schedule run` and `trigger`: queue what is due, or what is asked for now."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Annotated, Final

import typer

from synctl.cli.enqueue import Manner, order
from synctl.cli.options import JsonOption, QuietOption
from synctl.cli.schedule_list import ScheduleArgument
from synctl.cli.session import open_session
from synctl.clock import today
from synctl.engine import schedules
from synctl.engine.enqueue import Order
from synctl.errors import UsageError

GRACE_S: Final = 1
"""What may be under way at SIGTERM. What takes longer is rolled back, and the next process does it."""


class _TooLate(BaseException):
    """What was under way at SIGTERM did not end by itself."""


def run() -> None:
    """Queue what is due, in the foreground, until SIGTERM: for systemd, a container, or several machines.

    Any number may run: one of them leads, and another one takes over within ten seconds when it dies.
    Each slot is queued once. The configuration is read at the start.

    \b
    Example:
      synctl schedule run

    Exit codes: 0 ended by SIGTERM or Ctrl-C, 2 wrong configuration or no schedule in it,
    5 the database is not set up, 10 database unreachable at the start.
    """
    from synctl.engine.scheduler import Scheduler  # noqa: PLC0415 - what `trigger` needs not
    from synctl.log import log_everywhere  # noqa: PLC0415
    from synctl.store.runs import Actor  # noqa: PLC0415

    with open_session() as session:
        if not session.settings.schedule:
            raise UsageError("the configuration has no schedule", hint="write a table [schedule.NAME] into synctl.toml")
        schedules.require_resources(session.settings)
        scheduler = Scheduler(
            session.database, session.client, session.connection, session.settings, Actor.this_process()
        )
        log_everywhere(session.settings)
        with _until_told() as stop:
            scheduler.run(stop, session.redis_url)


def trigger(
    name: ScheduleArgument,
    wait: Annotated[bool, typer.Option("--wait", help="Return when the run has ended, with its exit code.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the run live, then as --wait.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be queued; change nothing.")] = False,
    quiet: QuietOption = False,
    json: JsonOption = False,
) -> None:
    """Queue the sync of one schedule now, whether it is enabled or not: as `enqueue` with its selectors.

    --dry-run shows whether they are right. The slots go on as they would; one of the same day meets this run.

    \b
    Examples:
      synctl schedule trigger nightly --dry-run
      synctl schedule trigger nightly --watch

    Exit codes: 0 queued or nothing new; with --wait 0 succeeded, 3 partial, 4 failed, 6 paused, 7 cancelled;
    2 no such schedule or wrong configuration, 5 prerequisites not met, 9 upstream unavailable,
    10 Redis or database unreachable.
    """
    with open_session() as session:
        schedule = schedules.require(session.settings, name)
        schedules.require_resources(session.settings)
        manner = Manner(wait=wait, watch=watch, dry_run=dry_run, quiet=quiet, json=json)
        wanted = Order(reason=f"schedule {name}, triggered", if_stale=schedule.if_stale_s)
        code = order(session, schedule.resource, schedules.selectors(schedule, today()), wanted, manner)
    raise typer.Exit(code)


@contextmanager
def _until_told() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and SIGINT set; what is still under way `GRACE_S` later is broken off.

    Only the first of them counts: another one neither puts that off nor breaks off what comes after this.
    """
    stop = threading.Event()

    def tell(_signal: int, _frame: object) -> None:
        if not stop.is_set():
            stop.set()
            signal.alarm(GRACE_S)

    def break_off(_signal: int, _frame: object) -> None:
        raise _TooLate

    signal.signal(signal.SIGALRM, break_off)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, tell)
    with suppress(_TooLate):
        try:
            yield stop
        finally:
            stop.set()
            signal.alarm(0)
