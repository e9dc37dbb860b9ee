"""Removes what old runs leave behind: by hand in one go, by idle workers in small slices once an hour."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Final

from redis import Redis

from synctl.clock import now_ms
from synctl.config import RetentionSettings
from synctl.engine import keys
from synctl.store import retention
from synctl.store.db import Database
from synctl.store.retention import Limits, Old
from synctl.store.runs import Actor

EVERY_S: Final = 3600
"""Retention is measured in days: an hour is often enough."""
SLICE_S: Final = 0.2
"""Of an idle worker's two seconds: a run that is queued meanwhile does not wait for old ones to go."""
log = logging.getLogger("synctl.retention")


def limits(units_s: int | None, runs_s: int | None) -> Limits:
    """Return the moments that lie so many seconds ago."""
    now = now_ms()
    return Limits(*(None if age is None else now - age * 1000 for age in (units_s, runs_s)))


def remove(
    database: Database, actor: Actor, wanted: Limits, rest: Callable[[float], object] = time.sleep
) -> Iterator[Old | None]:
    """Remove what is to go; yield after each transaction: the run that is through with it, or None.

    Before the next one it rests as long as that took: other writers have half of the time.
    """
    with database.read() as transaction:
        found = retention.old(transaction, wanted)
    for one in found:
        last = False
        while not last:
            began = time.monotonic()
            with database.write() as transaction:
                last = retention.remove_some(transaction, one, actor)
            yield one if last else None
            rest(time.monotonic() - began)
    if wanted.runs is not None:
        last = False
        while not last:
            with database.write() as transaction:
                last = retention.forget_deleted(transaction, wanted)
            yield None


class Housekeeper:
    """What an idle worker does about old runs. Of all workers one sees to it, once an hour.

    A Redis that was lost lets it be done once more, or by two: each removes what it finds.
    """

    def __init__(self, client: Redis, settings: RetentionSettings) -> None:
        self._client = client
        self._settings = settings
        self._busy = False

    def tend(self, database: Database, actor: Actor) -> None:
        """Remove what is to go, if nobody has within the hour; what takes too long goes on next time."""
        if self._settings.units_s is None and self._settings.runs_s is None:
            return
        if not self._busy and not self._client.set(keys.PRUNED, actor.origin, nx=True, ex=EVERY_S):
            return
        self._busy = True
        until = time.monotonic() + SLICE_S
        for one in remove(database, actor, limits(self._settings.units_s, self._settings.runs_s)):
            if one is not None:
                log.info("pruned: %s", one.scope, extra={"run": one.run.id})
            if time.monotonic() >= until:
                return
        self._busy = False
