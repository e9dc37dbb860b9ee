"""The checks in their order, what each needs, and what becomes of one that breaks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import msgspec
from redis.exceptions import NoPermissionError

from synctl.config import Settings
from synctl.engine.connect import clear_errors
from synctl.engine.doctor import broker, clocks, machine, sql, upstreams, work
from synctl.engine.doctor.finding import GRAVEST_FIRST, Finding, skipped, warning, wrong
from synctl.engine.doctor.patient import Patient
from synctl.errors import ConfigError, ExitCode, SynctlError


class Check(msgspec.Struct, frozen=True):
    """A check, and the parts of the patient without which it cannot be made (as attribute and name)."""

    name: str
    look: Callable[[Patient], Iterator[Finding]]
    needs: tuple[tuple[str, str], ...] = ()
    breaks: ExitCode = ExitCode.FAILED
    """What it means that the check itself breaks."""


_DATABASE: Final = ("database", "no database")
_MIGRATED: Final = ("migrated", "no database that is up to date")
_REDIS: Final = ("redis", "no Redis")
_INFO: Final = ("info", "the user of Redis may not ask INFO")

CHECKS: Final = (
    Check("configuration", machine.configuration),
    Check("home", machine.home),
    Check("disk", machine.disk),
    Check("database", sql.database, breaks=ExitCode.UNREACHABLE),  # by a URL that psycopg cannot read
    Check("migrations", sql.migrations, (_DATABASE,)),
    Check("prerequisites", sql.prerequisites, (_DATABASE, _MIGRATED)),
    Check("redis", broker.redis, breaks=ExitCode.UNREACHABLE),
    Check("memory", broker.memory, (_REDIS, _INFO)),
    Check("persistence", broker.persistence, (_REDIS, _INFO)),
    Check("clock", clocks.clock),
    Check("supervisor", work.supervisor),
    Check("workers", work.workers, (_REDIS,)),
    Check("queues", work.depths, (_REDIS,)),
    Check("stuck runs", work.stuck, (_DATABASE, _MIGRATED, _REDIS)),
    Check("upstreams", upstreams.upstreams),
)


def examine(load: Callable[[], Settings], *, offline: bool = False) -> Iterator[Finding]:
    """Make every check and yield what it finds. Raises nothing: what breaks is a finding.

    `load` reads the configuration, which may be what is wrong. `offline` leaves the upstreams alone.
    """
    try:
        patient = Patient(load(), offline)
    except Exception as error:  # noqa: BLE001 - see `_told`
        yield _told(CHECKS[0], error)
        yield from (skipped(check.name, "no configuration") for check in CHECKS[1:])
        return
    with patient.opened:
        for check in CHECKS:
            lacking = next((name for part, name in check.needs if getattr(patient, part) is None), None)
            if lacking is None:
                yield from _looked(check, patient)
            else:
                yield skipped(check.name, lacking)


def _looked(check: Check, patient: Patient) -> Iterator[Finding]:
    try:
        with clear_errors(patient.redis_url):
            try:
                yield from check.look(patient)
            except NoPermissionError as error:  # a user who may only read is none of our errors
                yield warning(check.name, f"Redis: {error}", "give its user +@read, +ping, +info and +time to be told")
    except Exception as error:  # noqa: BLE001 - see `_told`
        yield _told(check, error)


def _told(check: Check, error: Exception) -> Finding:
    """Make a finding of whatever a check raised: who is ill is not helped by a doctor that faints."""
    name = check.name
    if isinstance(error, ConfigError):
        return wrong(name, str(error), error.hint or "correct it; docs/configuration.md holds every key")
    if isinstance(error, SynctlError):
        code = error.exit_code if error.exit_code in GRAVEST_FIRST else check.breaks
        return wrong(name, str(error), error.hint or "see docs/troubleshooting.md", code)
    if isinstance(error, OSError):
        where = error.filename or "the working directory"  # the one thing we ask the system for without a name
        return wrong(name, f"{where}: {error.strerror or error}", "see that it exists and may be used", check.breaks)
    first = next(iter(str(error).splitlines()), "")
    message = f"cannot be looked at: {type(error).__name__}: {first}"
    return wrong(name, message, "see docs/troubleshooting.md", check.breaks)
