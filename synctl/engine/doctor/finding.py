"""What a check found, and the exit code of all findings together."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Final

import msgspec

from synctl.errors import ExitCode

GRAVEST_FIRST: Final = (ExitCode.UNREACHABLE, ExitCode.PREREQUISITES, ExitCode.FAILED)
"""Of several errors the one that hides the others decides: without Redis nothing can be said of workers."""


class Status(StrEnum):
    """How grave a finding is."""

    OK = "ok"
    WARNING = "warning"
    ERROR = "error"
    SKIPPED = "skipped"


class Finding(msgspec.Struct, frozen=True):
    """One line of the report. `hint` is what to type or do, empty where nothing is wrong."""

    check: str
    status: Status
    message: str
    hint: str = ""
    exit_code: ExitCode = ExitCode.OK

    def as_json(self) -> dict[str, object]:
        """Return the stable fields of `--json`."""
        return {
            "check": self.check,
            "status": str(self.status),
            "message": self.message,
            "hint": self.hint or None,
        }


def ok(check: str, message: str) -> Finding:
    """Say what is so."""
    return Finding(check, Status.OK, message)


def warning(check: str, message: str, hint: str) -> Finding:
    """Say what will do for now."""
    return Finding(check, Status.WARNING, message, hint)


def wrong(check: str, message: str, hint: str, exit_code: ExitCode = ExitCode.FAILED) -> Finding:
    """Say what keeps syncs from working."""
    return Finding(check, Status.ERROR, message, hint, exit_code)


def skipped(check: str, why: str) -> Finding:
    """Say why a check was not made."""
    return Finding(check, Status.SKIPPED, f"not looked at: {why}")


def exit_code(findings: Iterable[Finding]) -> ExitCode:
    """Return the code of the gravest error; OK where there are only warnings."""
    codes = {finding.exit_code for finding in findings if finding.status is Status.ERROR}
    return next((code for code in GRAVEST_FIRST if code in codes), ExitCode.OK)


def size(octets: int) -> str:
    """`512 B`, `1.2 MiB`, `40.0 GiB`."""
    value = float(octets)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if value < 1024:
            return f"{octets} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return f"{value:,.1f} TiB"


def some(number: int, noun: str) -> str:
    """`1 run`, `3 runs`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"
