"""Who supervises a home: one process, also while others ask who it is. It ends when it is told to."""

from __future__ import annotations

import fcntl
import os
import signal
import threading
from collections.abc import Callable
from pathlib import Path

from synctl.engine.supervisor import Supervisor, SupervisorLock
from tests.helpers import until


def test_one_process_supervises_and_tells_its_pid(tmp_path: Path) -> None:
    lock = SupervisorLock(tmp_path)
    assert lock.holder() is None
    assert lock.acquire()
    assert SupervisorLock(tmp_path).holder() == os.getpid()
    assert not SupervisorLock(tmp_path).acquire()


def test_who_asks_for_the_supervisor_does_not_keep_one_from_starting(tmp_path: Path) -> None:
    with (tmp_path / "supervisor.lock").open("w") as probe:
        fcntl.flock(probe, fcntl.LOCK_SH)
        asked_no_more = threading.Timer(0.1, lambda: fcntl.flock(probe, fcntl.LOCK_UN))
        asked_no_more.start()
        assert SupervisorLock(tmp_path).acquire()
        asked_no_more.join()


def test_a_valkey_that_cannot_be_started_does_not_hold_up_the_end(tmp_path: Path) -> None:
    def ensure(given_up: Callable[[], bool]) -> bool:
        os.kill(os.getpid(), signal.SIGTERM)
        return bool(until(given_up))

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    Supervisor({}, tmp_path, ensure).run()
    for number, handler in before.items():
        signal.signal(number, handler)
