"""What an upstream says beside its answer: why it refuses, and when it may be asked again."""

from __future__ import annotations

from contextlib import suppress
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING

import msgspec

if TYPE_CHECKING:
    import httpx

LONGEST_MESSAGE = 200
"""Characters of an upstream's own words that are kept in the ledger."""


def upstreams_words(body: bytes) -> str | None:
    """Of AlAdhan's error envelope, `{"data": "<message>"}`, or of a gateway's `{"message": …}`."""
    with suppress(msgspec.DecodeError, ValueError):
        envelope = msgspec.json.decode(body)
        if isinstance(envelope, dict):
            words = (envelope.get(key) for key in ("data", "message"))
            return next((word[:LONGEST_MESSAGE] for word in words if isinstance(word, str)), None)
    return None


def retry_after(headers: httpx.Headers, now: float) -> float | None:
    """Seconds until we may ask again, from a number or a date; None where there is neither.

    A date is compared with the upstream's own Date, so that a wrong clock here does not matter.
    """
    text = headers.get("retry-after", "").strip()
    if text.isdecimal():
        return float(text)
    with suppress(ValueError):
        until = parsedate_to_datetime(text).timestamp()
        with suppress(ValueError):
            now = parsedate_to_datetime(headers.get("date", "")).timestamp()
        return max(0.0, until - now)
    return None
