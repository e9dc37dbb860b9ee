"""Schedules as systemd units: a service that queues and waits, and a timer that starts it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Final

from synctl.config.schedules import Overlap, Schedule
from synctl.engine.schedules import arguments
from synctl.on_calendar import on_calendar

DAY_S: Final = 86_400
_PLAIN: Final = re.compile(r"[A-Za-z0-9_@+=:,./-]+")
_ESCAPED: Final = {"\\": "\\\\", '"': '\\"', "\n": "\\n", "\t": "\\t", "\r": "\\r"}


def units(name: str, schedule: Schedule, program: Sequence[str], environment: Mapping[str, str]) -> dict[str, str]:
    """Return file names and their text. Raises Untranslatable."""
    words = f"synctl {schedule.resource}: {schedule.when.words()}, {schedule.timezone}"
    # A timer starts no service that still runs: waiting makes it skip, returning at once makes it queue.
    waits = ["--wait"] if schedule.overlap is Overlap.SKIP else []
    command = [*program, "enqueue", *arguments(schedule), *waits, "--quiet", "--reason", f"schedule {name}"]
    service = [
        "[Unit]",
        f"Description={_specifier(words)}",
        "Wants=network-online.target",
        "After=network-online.target",
        "",
        "[Service]",
        "Type=oneshot",
        *(f"Environment={quoted(f'{key}={value}')}" for key, value in environment.items()),
        f"ExecStart={' '.join(quoted(word).replace('$', '$$') for word in command)}",
    ]
    timer = [
        "[Unit]",
        f"Description={_specifier(words)}",
        "",
        "[Timer]",
        *(f"OnCalendar={when}" for when in on_calendar(schedule.cron, schedule.timezone)),
        "AccuracySec=1s",
        f"Persistent={'true' if schedule.catch_up_s else 'false'}",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    stem = f"synctl-schedule-{name}"
    return {f"{stem}.service": _text(service), f"{stem}.timer": _text(timer)}


def notes(schedule: Schedule) -> list[str]:
    """Say what of a schedule a timer does otherwise."""
    found = []
    if schedule.overlap is Overlap.REPLACE:
        found.append("overlap = replace is `schedule run`'s alone: here the next run queues behind the active one")
    if schedule.if_stale_s is not None and schedule.if_stale_s < DAY_S:
        found.append(
            f"if_stale = {schedule.if_stale} is `schedule run`'s alone where a run has succeeded on the same day (UTC):"
            " here it is fresh until midnight"
        )
    return found


def quoted(word: str) -> str:
    """Quote a word of a unit file, where that is needed."""
    text = _specifier(word)
    if _PLAIN.fullmatch(text):
        return text
    return '"' + "".join(_ESCAPED.get(letter, letter) for letter in text) + '"'


def _specifier(text: str) -> str:
    return text.replace("%", "%%")


def _text(lines: Sequence[str]) -> str:
    return "".join(f"{line}\n" for line in lines)
