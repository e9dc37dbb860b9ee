"""Prayer times, a unit at a time: fetched, read and verified. Only what works a run loads this."""

from __future__ import annotations

import threading
from collections.abc import Sequence

import msgspec

from synctl.errors import MismatchError
from synctl.processors.days import Days
from synctl.processors.prayer_rules import verify
from synctl.processors.prayer_unit import TABLE, Spec, basis
from synctl.resource import Batch, Columnar, Known, Rows
from synctl.sources.prayer import EPOCH, PrayerRequest, PrayerSource


class PrayerSession(msgspec.Struct, frozen=True):
    """An opened source of prayer times. `tolerance`: minutes that `prayer.agreement` allows, 0: it is not looked at.

    Threads verify one after the other. Python runs only one of them at a time anyway, and what the first finds of a
    city serves the others, which would all look for it when a city begins.
    """

    source: PrayerSource
    tolerance: int = 0
    verifying: threading.Lock = msgspec.field(default_factory=threading.Lock)

    def process(self, spec: Sequence[object], known: Known) -> Batch:
        """Fetch, decode and verify one unit."""
        unit = msgspec.convert(spec, Spec)
        request = PrayerRequest(
            latitude=unit.latitude,
            longitude=unit.longitude,
            timezone=unit.timezone,
            method=unit.method,
            madhab=unit.madhab,
            first=unit.first,
            last=unit.last,
        )
        fetched = self.source.fetch(request, known.body_hash, known.waived)
        place = basis(unit.latitude, unit.longitude, unit.timezone)
        if fetched.unchanged:
            return Batch([], body_hash=fetched.body_hash, attempts=fetched.attempts, unchanged=True, basis=place)
        try:
            with self.verifying:
                verify(Days(request, fetched.columns, self.tolerance), known.waived)
        except MismatchError as error:
            error.attempts = fetched.attempts
            raise
        rows = Columnar((unit.city, unit.method, unit.madhab), fetched.columns)
        scope = {
            "city_id": unit.city,
            "method_id": unit.method,
            "madhab_id": unit.madhab,
            "day": (unit.first.toordinal() - EPOCH, unit.last.toordinal() - EPOCH),
        }
        return Batch([Rows(TABLE, rows, scope)], body_hash=fetched.body_hash, attempts=fetched.attempts, basis=place)

    def close(self) -> None:
        """Interrupt requests under way."""
        self.source.close()
