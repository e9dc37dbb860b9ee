"""Units that are settled one soon after the other are handed over together."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack

import pytest

from synctl.engine import pool as pools
from synctl.engine.pool import WorkPool
from synctl.engine.stop import StopReason, StopSignal
from synctl.resource import Batch, Known
from synctl.store.ledger import Claimed

LONG_S = 30.0


class Gated:
    """Each unit waits until it may end."""

    def __init__(self) -> None:
        self.may_end = threading.Semaphore(0)

    def process(self, spec: Sequence[object], known: Known) -> Batch:
        self.may_end.acquire()
        return Batch([])

    def close(self) -> None:
        pass


@pytest.fixture
def session() -> Gated:
    return Gated()


@pytest.fixture
def pool(session: Gated) -> Iterator[WorkPool]:
    with ExitStack() as stack:
        made = stack.enter_context(WorkPool(session, 3, StopSignal()))
        stack.callback(session.may_end.release, 10)
        for number in range(3):
            made.submit(Claimed(number, f"u{number}", []))
        yield made


def test_it_waits_a_moment_for_more_and_no_longer_than_for_enough(
    monkeypatch: pytest.MonkeyPatch, pool: WorkPool, session: Gated
) -> None:
    monkeypatch.setattr(pools, "MOMENT_S", LONG_S)
    session.may_end.release()
    threading.Timer(0.1, session.may_end.release).start()
    began = time.monotonic()
    assert len(pool.settled(LONG_S, enough=2)) == 2
    assert time.monotonic() - began < LONG_S / 2


def test_it_gives_what_there_is_when_the_moment_is_over(pool: WorkPool, session: Gated) -> None:
    session.may_end.release()
    assert len(pool.settled(LONG_S, enough=3)) == 1


def test_a_stop_ends_the_moment(monkeypatch: pytest.MonkeyPatch, session: Gated) -> None:
    monkeypatch.setattr(pools, "MOMENT_S", LONG_S)
    stop = StopSignal()
    with WorkPool(session, 1, stop) as pool:
        stop.on_request(pool.wake)
        pool.submit(Claimed(0, "u0", []))
        session.may_end.release()
        threading.Timer(0.1, stop.request, [StopReason.PAUSE]).start()
        began = time.monotonic()
        assert len(pool.settled(LONG_S, enough=2)) <= 1
        assert time.monotonic() - began < LONG_S / 2
    session.may_end.release(10)


def test_without_a_unit_it_waits_as_long_as_it_is_told(pool: WorkPool) -> None:
    assert pool.settled(0.01) == []
