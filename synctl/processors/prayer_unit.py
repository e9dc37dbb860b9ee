"""A unit of prayer times as the ledger has it, and where its rows go."""

from __future__ import annotations

from datetime import date
from typing import Final

import msgspec

from synctl.resource import Table
from synctl.sources.prayer import TIME_NAMES

TABLE: Final = Table(
    "prayer_time",
    key=("city_id", "method_id", "madhab_id", "day"),
    values=("utc_offset", *(name.lower() for name in TIME_NAMES)),
)


class Spec(msgspec.Struct, array_like=True, frozen=True):
    """The `spec` of a unit, read back."""

    city: int
    latitude: float
    longitude: float
    timezone: str
    method: int
    madhab: int
    first: date
    last: date


def basis(latitude: float, longitude: float, timezone: str) -> str:
    """A city that was corrected keeps its key, but what is stored of it is of another place."""
    return f"{latitude},{longitude},{timezone}"
