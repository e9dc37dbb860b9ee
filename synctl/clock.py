"""The one place that reads the wall clock."""

from __future__ import annotations

import time
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo


def now_ms() -> int:
    """Return milliseconds since the Unix epoch."""
    return time.time_ns() // 1_000_000


def today() -> date:
    """Return the date in UTC, so that every host names a day's run alike."""
    return datetime.now(UTC).date()


def today_in(timezone: str) -> date:
    """Return the date in a time zone. Raises ZoneInfoNotFoundError."""
    return datetime.now(ZoneInfo(timezone)).date()


def iso(ms: int) -> str:
    """Return an instant as ISO 8601 in UTC, to the second."""
    return datetime.fromtimestamp(ms / 1000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
