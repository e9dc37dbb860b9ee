"""One poller for all who follow: it reads the events once and hands them to each client's own queue.

Nobody waits for a client: whose queue is full is dropped, and comes again with the last id that it saw.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import suppress
from typing import Final

import msgspec

from synctl.engine import events
from synctl.engine.events import Event, Follower
from synctl.engine.view import RunView
from synctl.errors import SynctlError
from synctl.redact import redacted
from synctl.web.backend import Backend
from synctl.web.dispatch import Work
from synctl.web.problems import Refused

POLL_S: Final = 0.2
"""Between looks for events; as `watch --json` does."""
AFTER_FAILURE_S: Final = 1.0
WAITING: Final = 1000
"""Events that may wait for a client: half a minute of a busy fleet."""
BURST: Final = WAITING // 2
"""When more than so many happened at once, each client reads them by itself: a queue would be full at once."""
MOST_CLIENTS: Final = 1000

log = logging.getLogger("synctl.web")


class Told(msgspec.Struct, frozen=True):
    """An event as it goes out. `id` is None of progress."""

    id: int | None
    text: str


class Dropped(Exception):
    """The client did not keep up, or the server ends: it may come again."""


class Until(msgspec.Struct, frozen=True):
    """So much happened at once that it is to be read: all events up to this id."""

    id: int


class Subscriber(msgspec.Struct, eq=False):
    """A client's queue, bounded."""

    queue: asyncio.Queue[Told | Until | None] = msgspec.field(default_factory=lambda: asyncio.Queue(WAITING + 1))

    def put(self, told: Told | Until) -> bool:
        """Add what is to be told; return whether there was room."""
        if self.queue.qsize() >= WAITING:
            return False
        self.queue.put_nowait(told)
        return True

    def end(self) -> None:
        """Tell it that nothing more comes."""
        with suppress(asyncio.QueueFull):  # then it was told before
            self.queue.put_nowait(None)


class Hub:
    """Follows events from now on, once for all. `run` is its task."""

    def __init__(self, backend: Backend, work: Work) -> None:
        self._backend = backend
        self._work = work
        self._subscribers: set[Subscriber] = set()
        self._moving: dict[str, Told] = {}
        self._follower: Follower | None = None
        self._begun = asyncio.Event()

    async def run(self) -> None:
        """Poll until cancelled. An outage of the database or of Redis is waited out."""
        failed = False
        try:
            while True:
                if not self._subscribers:
                    self._moving.clear()  # nobody looks, so it grows old
                try:
                    self._tell_all(await self._work.do(self._news))
                    self._begun.set()
                except SynctlError as error:
                    if not failed:
                        log.warning("no events: %s", redacted(str(error)))
                    failed = True
                    await asyncio.sleep(AFTER_FAILURE_S)
                else:
                    failed = False
                    await asyncio.sleep(POLL_S)
        finally:
            for subscriber in self._subscribers:
                subscriber.end()

    def require_room(self) -> None:
        """Raise Refused where too many follow."""
        if len(self._subscribers) >= MOST_CLIENTS:
            raise Refused(503, "too-many-clients", f"{MOST_CLIENTS} follow already", headers={"Retry-After": "30"})

    async def follow(self, after: int | None) -> AsyncGenerator[Told, None]:
        """Yield every event after `after` (None: from now on), and how far runs are that move.

        Raises Dropped where the client is too slow or the server ends.
        """
        await self._begun.wait()
        mine = Subscriber()
        reached = self._position
        self._subscribers.add(mine)  # from here on nothing is missed: what was before is read below
        try:
            for told in list(self._moving.values()):
                yield told
            last = reached if after is None else after
            async for told in self._missed(last, reached):
                last = told.id or last
                yield told
            while (item := await mine.queue.get()) is not None:
                if isinstance(item, Until):
                    async for told in self._missed(last, item.id):
                        last = told.id or last
                        yield told
                elif item.id is None or item.id > last:
                    last = item.id or last
                    yield item
            raise Dropped
        finally:
            self._subscribers.discard(mine)

    @property
    def _position(self) -> int:
        return self._follower.after if self._follower else 0

    def _news(self) -> list[Event]:
        if self._follower is None:
            with self._backend.database.read() as transaction:
                start = events.latest(transaction)
            self._follower = Follower(self._backend.database, self._active, start)
        return list(self._follower.news())

    def _active(self) -> list[RunView]:
        """Return the runs that move; none where nobody looks."""
        if not self._subscribers:
            return []
        with self._backend.database.read() as transaction:
            found = events.followed(transaction, ())
        return self._backend.views(found)

    def _tell_all(self, news: Sequence[Event]) -> None:
        kept = [event.id for event in news if event.id is not None]
        at_once = len(kept) > BURST
        for event in news:
            told = Told(event.id, msgspec.json.encode(event).decode())
            if event.id is None:
                self._moving[event.run] = told
            else:
                self._moving.pop(event.run, None)  # what it said of its progress is of another state
            if event.id is None or not at_once:
                self._put(told)
            elif event.id == kept[-1]:
                self._put(Until(event.id))

    def _put(self, item: Told | Until) -> None:
        slow = [one for one in self._subscribers if not one.put(item)]
        for subscriber in slow:
            log.warning("dropped a client that did not keep up")
            self._subscribers.discard(subscriber)
            subscriber.end()

    async def _missed(self, after: int, until: int) -> AsyncIterator[Told]:
        """Yield the events between two ids, waiting for those that PostgreSQL may still bring to light."""
        while after < until:
            found = await self._work.do(lambda: self._read(after))  # noqa: B023 - it is awaited at once
            for event in found:
                after = event.id or after
                if after <= until:
                    yield Told(event.id, msgspec.json.encode(event).decode())
            if not found:
                await asyncio.sleep(POLL_S)

    def _read(self, after: int) -> list[Event]:
        with self._backend.database.read() as transaction:
            return events.read(transaction, after)
