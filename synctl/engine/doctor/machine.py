"""This machine: where the settings come from, the home folder, room on the disk."""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from synctl.engine.doctor.finding import Finding, ok, size, some, warning, wrong
from synctl.engine.doctor.patient import Patient
from synctl.store.db import sqlite_path

LEAST_FREE: Final = 1 << 30
"""The default selection takes some 200 MiB a year, and as much again while its log is merged."""
LEAST_SHARE: Final = 0.05
_ELSEWHERE: Final = "set SYNCTL_HOME to a folder you may write"


def configuration(patient: Patient) -> Iterator[Finding]:
    """Say which files and variables settings come from."""
    origins = Counter(_file(origin) for origin in patient.settings.origins.values() if origin != "default")
    named = ", ".join(f"{some(number, 'setting')} from {name}" for name, number in sorted(origins.items()))
    yield ok("configuration", f"{named}; the rest are defaults" if named else "defaults; no file or variable sets any")


def home(patient: Patient) -> Iterator[Finding]:
    """See whether the folder of all that synctl keeps can be written."""
    folder, settings = patient.settings.home, patient.settings
    if folder.is_dir():
        if os.access(folder, os.R_OK | os.W_OK | os.X_OK):
            yield ok("home", f"{folder}, writable")
        else:
            yield wrong("home", f"{folder} cannot be written", f"correct its rights, or {_ELSEWHERE}")
    elif os.path.lexists(folder):
        yield wrong("home", f"{folder} is no folder", f"move it away, or {_ELSEWHERE}")
    elif not os.access(_existing(folder), os.W_OK | os.X_OK):
        yield wrong("home", f"{folder} does not exist and cannot be created", _ELSEWHERE)
    elif settings.redis.url and settings.database.url:
        yield ok("home", f"{folder} does not exist; here only logs of `synctl up` would need it")
    else:
        yield warning("home", f"{folder} does not exist yet", "synctl up")


def disk(patient: Patient) -> Iterator[Finding]:
    """See whether there is room where synctl writes: the home, and the folder of an SQLite file."""
    folders = [patient.settings.home]
    if patient.settings.database_url.startswith("sqlite:"):
        folders.append(sqlite_path(patient.settings.database_url).parent)
    for folder in {_existing(one).stat().st_dev: _existing(one) for one in folders}.values():
        usage = shutil.disk_usage(folder)
        message = f"{size(usage.free)} free of {size(usage.total)} at {folder}"
        if usage.free < LEAST_FREE or usage.free < usage.total * LEAST_SHARE:
            yield warning("disk", message, "make room, or move all with SYNCTL_HOME")
        else:
            yield ok("disk", message)


def _file(origin: str) -> str:
    """Take line and name off `FILE:LINE`, `.env:LINE NAME` and `environment NAME`."""
    if origin.startswith("environment "):
        return "the environment"
    file, colon, line = origin.rpartition(":")
    return file if colon and line[:1].isdigit() else origin


def _existing(folder: Path) -> Path:
    """Return the folder, or the nearest one above it that exists."""
    return next(one for one in (folder, *folder.parents) if one.exists())
