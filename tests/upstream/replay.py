"""Serves the recorded year calendars of AlAdhan as they were, byte for byte, where the recordings are at
hand.

The recordings are never part of the project: they lie in `../shared/recorded` beside it, or not at all.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from synctl.sources.prayer import PrayerRequest
from tests.upstream.bodies import encode, envelope
from tests.upstream.server import Asked, LoopbackServer, Reply

RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "aladhan"
ABSENT = "the recorded answers of AlAdhan (../shared/recorded) are not here"


@dataclass(frozen=True, slots=True)
class Recording:
    """One city's year, in 16 combinations of method and school such as `m3s1`."""

    city: str
    latitude: float
    longitude: float
    timezone: str
    year: int
    dates: Sequence[Mapping[str, Any]]
    timings: Mapping[str, Sequence[Sequence[str]]]
    metas: Mapping[str, Mapping[str, object]]
    exceptions: Mapping[str, Mapping[str, Mapping[str, object]]]
    names: Sequence[str]
    sha256: Mapping[str, str]

    @property
    def gregorian(self) -> list[str]:
        """The date of each day as it was answered: `31-12-2026`."""
        return [date_of["gregorian"]["date"] for date_of in self.dates]

    @property
    def timestamps(self) -> list[int]:
        """The moment of each day as it was answered: seconds since the epoch at 09:01:01 local."""
        return [int(str(date_of["timestamp"])) for date_of in self.dates]

    def request(self, combo: str) -> PrayerRequest:
        """What a combination answers."""
        method, school = combo.removeprefix("m").split("s")
        span = date(self.year, 1, 1), date(self.year, 12, 31)
        return PrayerRequest(self.latitude, self.longitude, self.timezone, int(method), int(school), *span)

    def days(self, combo: str) -> list[dict[str, object]]:
        """Every day as it was answered."""
        exceptions = self.exceptions.get(combo, {})
        return [
            {
                "timings": dict(zip(self.names, timings, strict=True)),
                "date": self.dates[count],
                "meta": exceptions.get(str(count), self.metas[combo]),
            }
            for count, timings in enumerate(self.timings[combo])
        ]

    def body(self, combo: str, month: int | None = None) -> bytes:
        """The body of a year, or that of a month made from it."""
        months: dict[str, list[dict[str, object]]] = {str(number): [] for number in range(1, 13)}
        for count, day in enumerate(self.days(combo)):
            months[str((date(self.year, 1, 1) + timedelta(days=count)).month)].append(day)
        return envelope(encode(months[str(month)] if month else months))


@cache
def recordings() -> Mapping[str, Recording]:
    """Every recording that is at hand, by city; none where there is no folder."""
    found = {}
    for path in sorted(RECORDED.glob("packed/*.json.gz")):
        packed = json.loads(gzip.decompress(path.read_bytes()))
        found[packed["city"]] = Recording(
            **{
                name: packed[name] for name in ("city", "latitude", "longitude", "timezone", "year", "dates", "timings")
            },
            metas=packed["meta"],
            exceptions=packed["meta_exceptions"],
            names=packed["timing_keys"],
            sha256=packed["sha256_of_raw_body"],
        )
    return found


def serve() -> LoopbackServer:
    """Make the server; use it as a context manager. Its API is below `/v1`."""
    return LoopbackServer(answer)


def answer(asked: Asked) -> Reply:
    """Answer a calendar that was recorded, and nothing else."""
    match asked.path.removeprefix("/v1/calendar/").split("/"):
        case [year, *month] if year.isdecimal() and len(month) < 2:
            for recording in recordings().values():
                place = (float(asked.params["latitude"]), float(asked.params["longitude"]))
                combo = f"m{asked.params['method']}s{asked.params['school']}"
                if (recording.latitude, recording.longitude, recording.year) == (*place, int(year)):
                    return Reply(200, recording.body(combo, int(month[0]) if month else None))
    return Reply(404, b"")
