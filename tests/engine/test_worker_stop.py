"""SIGTERM finds an idle worker in the middle of its chores; a worker that ends waits for nobody."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator

import pytest
from redis.client import PubSub
from rq.exceptions import StopRequested

from synctl.config import Settings
from synctl.engine.reaper import Finding, Reaper
from synctl.engine.worker import SyncWorker

MOMENT_S = 0.2
"""Long enough for a thread that has been woken to go round its loop."""


@pytest.fixture
def worker(settings: Settings, valkey_url: str) -> Iterator[SyncWorker]:
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    yield SyncWorker(settings, valkey_url, "prayer")
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.usefixtures("database")
def test_a_worker_that_reaps_ends_at_once_and_logs_no_error(
    worker: SyncWorker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def reap(_reaper: Reaper) -> list[Finding]:
        signal.signal(signal.SIGTERM, worker.request_stop)
        os.kill(os.getpid(), signal.SIGTERM)
        raise AssertionError("the signal did not come")

    monkeypatch.setattr(Reaper, "reap", reap)
    with caplog.at_level(logging.WARNING), pytest.raises(StopRequested):
        worker.run_maintenance_tasks()
    assert caplog.messages == []


def test_a_worker_that_ends_does_not_leave_its_listener_waiting_for_a_channel(
    worker: SyncWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.subscribe()  # type: ignore[no-untyped-call]
    listener = worker.pubsub_thread
    assert listener is not None
    unsubscribe = PubSub.unsubscribe

    def slowly(pubsub: PubSub) -> None:
        unsubscribe(pubsub)  # type: ignore[no-untyped-call]
        listener.join(MOMENT_S)  # the answer is there before we go on

    monkeypatch.setattr(PubSub, "unsubscribe", slowly)
    worker.unsubscribe()
    assert not listener.is_alive()


def test_a_horse_that_was_forked_just_now_is_signalled_alone(
    worker: SyncWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before its first line it is in our group, and so are the supervisor and the workers beside us."""
    horse = os.fork()
    if horse == 0:
        signal.pause()
    signalled: list[int] = []
    monkeypatch.setattr(os, "killpg", lambda group, _number: signalled.append(group))
    monkeypatch.setattr(worker, "_horse_pid", horse)
    for _ in range(2):
        worker.kill_horse(signal.SIGTERM)
    os.kill(horse, signal.SIGKILL)
    os.waitpid(horse, 0)
    assert signalled == [horse, horse]
    worker.kill_horse(signal.SIGTERM)  # it is gone
