"""The threads of a shard: they process units, and hand what became of them to the loop that commits."""

from __future__ import annotations

import logging
import threading
import time
from contextlib import suppress
from queue import Empty, SimpleQueue
from typing import Self

from synctl.engine.stop import StopSignal
from synctl.errors import MismatchError, UnitError
from synctl.log import bound, in_context
from synctl.redact import redacted
from synctl.resource import Session
from synctl.store.ledger import Claimed, Settled
from synctl.words import count

MOMENT_S = 0.02
"""A fifth of what passes between two looks at progress."""

log = logging.getLogger("synctl.pool")


class UnexpectedError(UnitError):
    """A bug or a library's surprise while a unit was processed; the log has its traceback."""


class WorkPool:
    """`concurrency` daemon threads. Nobody joins them: a thread that hangs in a request must not delay a stop."""

    def __init__(self, session: Session, concurrency: int, stop: StopSignal) -> None:
        self._session = session
        self._stop = stop
        self._ended = threading.Event()
        self._todo: SimpleQueue[Claimed] = SimpleQueue()
        self._settled: SimpleQueue[Settled | None] = SimpleQueue()
        self.current = ""
        for number in range(concurrency):
            threading.Thread(target=in_context(self._work), name=f"unit-{number}", daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        """What is still processed is of no interest any more."""
        self._ended.set()

    def submit(self, unit: Claimed) -> None:
        """Process a unit when a thread is free."""
        self._todo.put(unit)

    def wake(self) -> None:
        """End a `settled` that waits."""
        self._settled.put(None)

    def settled(self, timeout: float, enough: int = 1) -> list[Settled]:
        """Wait up to `timeout` seconds for a unit, and return it with all others that are ready.

        Until there are `enough` it waits a moment for more: most of what a commit costs is the same for any number.
        """
        found: list[Settled] = []
        with suppress(Empty):
            result = self._settled.get(timeout=timeout)
            moment = time.monotonic() + MOMENT_S
            while result is not None:
                found.append(result)
                left = moment - time.monotonic() if len(found) < enough else 0.0
                result = self._settled.get(timeout=left) if left > 0 else self._settled.get_nowait()
        return found

    def _work(self) -> None:
        while True:
            unit = self._todo.get()
            if self._must_end():
                return
            self.current = unit.key
            with bound(unit=unit.key):
                result = self._process(unit)
            if self._must_end():  # interrupted: the unit is not settled, it goes back to the ledger
                return
            self._settled.put(result)

    def _must_end(self) -> bool:
        return self._stop.is_set() or self._ended.is_set()

    def _process(self, unit: Claimed) -> Settled:
        began = time.monotonic()
        try:
            batch = self._session.process(unit.spec, unit.known)
        except UnitError as error:
            log.warning("%s after %s: %s", _verdict(error), count(error.attempts, "attempt"), error)
            return Settled(unit, _ms(began), attempts=error.attempts, error=error)
        except Exception as error:  # recorded as this unit's failure; the run goes on
            if not self._must_end():
                log.exception("failed, unexpected %s", type(error).__name__)
            told = redacted(f"{type(error).__name__}: {error}")
            return Settled(unit, _ms(began), error=UnexpectedError(told))
        log.debug("%s in %d ms", "unchanged" if batch.unchanged else "verified", _ms(began))
        return Settled(
            unit,
            _ms(began),
            attempts=batch.attempts,
            parts=batch.parts,
            body_hash=batch.body_hash,
            validators=batch.validators,
            unchanged=batch.unchanged,
            basis=batch.basis,
        )


def _verdict(error: UnitError) -> str:
    return "refused" if isinstance(error, MismatchError) else "failed"


def _ms(began: float) -> int:
    return round((time.monotonic() - began) * 1000)
