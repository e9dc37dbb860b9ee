"""Logs: lines for people on a terminal, JSON lines in a file that all processes of a home share."""

from __future__ import annotations

from synctl.log.context import bound, in_context
from synctl.log.line import LEVELS, Line
from synctl.log.read import Follower, last_lines
from synctl.log.setup import FILE_NAME, log_everywhere, log_to_file

__all__ = [
    "FILE_NAME",
    "LEVELS",
    "Follower",
    "Line",
    "bound",
    "in_context",
    "last_lines",
    "log_everywhere",
    "log_to_file",
]
