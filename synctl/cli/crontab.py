"""Schedules as lines of a crontab."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Final

from synctl.cli import timers
from synctl.config.schedules import Overlap, Schedule
from synctl.engine.schedules import arguments
from synctl.on_calendar import Untranslatable

HEAD: Final = """\
# Written by `synctl schedule export --crontab`. CRON_TZ is for cronie; another cron, Debian's for one, goes by the
# clock of the machine whatever CRON_TZ says. No cron makes up for times at which the machine was off.
"""
_OWN: Final = re.compile(r"[LW#]", re.IGNORECASE)
"""What only some crons know; a cron that does not refuses the whole file."""
_BARE_STEP: Final = re.compile(r"(?<![\d-])(\d+)/(\d+)")
_HIGHEST: Final = (59, 23, 31, 12, 6)


def entry(name: str, schedule: Schedule, program: Sequence[str], environment: Mapping[str, str]) -> str:
    """Return the lines of a schedule. Raises Untranslatable."""
    fields = schedule.cron.upper().split()
    if _OWN.search("".join((fields[2], re.sub("[A-Z]{3}", "", fields[4])))):
        raise Untranslatable("no common cron knows L, W or #")
    when = " ".join(_stepped(field, highest) for field, highest in zip(fields, _HIGHEST, strict=True))
    # Without a look at its own last run, cron can skip only where any run is in the way.
    skips = ["--no-wait"] if schedule.overlap is Overlap.SKIP else []
    command = [*program, "enqueue", *arguments(schedule), *skips, "--wait", "--quiet", "--reason", f"schedule {name}"]
    assigned = [f"{key}={value}" for key, value in environment.items()]
    line = shlex.join(command)
    if assigned:
        line = f"env {shlex.join(assigned)} {line}"
    if "\n" in line or "\r" in line:
        raise Untranslatable("a crontab cannot hold a line break")
    return (
        f"# {name}: {schedule.when.words()}\nCRON_TZ={schedule.timezone}\n{when} {line.replace('%', chr(92) + '%')}\n"
    )


def notes(schedule: Schedule) -> list[str]:
    """Say what of a schedule cron does otherwise."""
    found = []
    if schedule.timezone != "UTC":
        found.append(f"{schedule.timezone} is obeyed by a cron that knows CRON_TZ only")
    return [*found, *timers.notes(schedule)]


def _stepped(field: str, highest: int) -> str:
    """Write `5/15` as `5-59/15`, which every cron knows."""
    return _BARE_STEP.sub(rf"\1-{highest}/\2", field)
