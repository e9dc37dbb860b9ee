"""Who supervises a home: one process, also while others ask who it is."""

from __future__ import annotations

import fcntl
import os
import threading
from pathlib import Path

from synctl.engine.supervisor import SupervisorLock


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
