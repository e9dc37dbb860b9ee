"""SIGTERM finds an idle worker in the middle of its chores."""

from __future__ import annotations

import logging
import os
import signal
from collections.abc import Iterator

import pytest
from rq.exceptions import StopRequested

from synctl.config import Settings
from synctl.engine.reaper import Finding, Reaper
from synctl.engine.worker import SyncWorker


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
