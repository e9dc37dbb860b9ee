"""Workers have a core each where there are as many of them; work horses leave others the way."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

import pytest

from synctl.engine import cores

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux says where a process runs")
COUNT = len(os.sched_getaffinity(0)) if sys.platform == "linux" else 1


@pytest.fixture
def process() -> Iterator[int]:
    with subprocess.Popen(["sleep", "60"]) as started:
        yield started.pid
        started.kill()


@pytest.mark.parametrize("number", range(1, COUNT + 1))
def test_as_many_workers_as_cores_have_one_each(process: int, number: int) -> None:
    cores.keep(process, number, COUNT)
    assert os.sched_getaffinity(process) == {sorted(os.sched_getaffinity(0))[number - 1]}


@pytest.mark.parametrize("workers", [COUNT - 1, COUNT + 1])
def test_fewer_and_more_go_where_the_kernel_puts_them(process: int, workers: int) -> None:
    cores.keep(process, 1, workers)
    assert os.sched_getaffinity(process) == os.sched_getaffinity(0)


def test_a_worker_that_has_ended_is_no_matter() -> None:
    with subprocess.Popen(["true"]) as ended:
        ended.wait()
    cores.keep(ended.pid, 1, COUNT)


def test_a_system_that_cannot_say_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.delattr(os, "sched_setscheduler")
    cores.keep(os.getpid(), 1, COUNT)
    cores.work_in_batch()
