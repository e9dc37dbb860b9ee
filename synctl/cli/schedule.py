"""`synctl schedule`: its commands, each loaded only when it is called."""

from __future__ import annotations

from typing import ClassVar

from synctl.cli.app import LazyGroup, subgroup
from synctl.cli.commands import Entry


class ScheduleGroup(LazyGroup):
    """The commands of `synctl schedule`."""

    program: ClassVar = "synctl schedule"
    table: ClassVar = {
        "list": Entry("synctl.cli.schedule_list:list_schedules", "Show every schedule, its next times, its last slot"),
        "run": Entry("synctl.cli.schedule_run:run", "Queue what is due, in the foreground, until told to stop"),
        "next": Entry("synctl.cli.schedule_list:next_times", "Show the next times of one schedule"),
        "trigger": Entry("synctl.cli.schedule_run:trigger", "Queue the sync of one schedule now"),
        "export": Entry("synctl.cli.schedule_export:export", "Write schedules as systemd timers or as a crontab"),
    }


def _root() -> None:
    """Queue syncs by the clock, as the tables [schedule.NAME] of the configuration say.

    \b
    Examples:
      synctl schedule list
      synctl schedule run
      synctl schedule next nightly --count 3
      synctl schedule export --systemd

    Exit codes: 0 done, 2 usage or wrong configuration, 5 prerequisites not met, 10 Redis or database unreachable.
    """


schedule = subgroup("schedule", ScheduleGroup, _root)
