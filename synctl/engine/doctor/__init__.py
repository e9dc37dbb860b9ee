"""Looks at everything a sync needs and says what is wrong and what mends it. Reads only."""

from __future__ import annotations

from synctl.engine.doctor.examination import CHECKS, examine
from synctl.engine.doctor.finding import Finding, Status, exit_code

__all__ = ["CHECKS", "Finding", "Status", "examine", "exit_code"]
