"""What the meter counts: also a process that has ended, before its parent asked what became of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tests.bench.meter import metered

SPENT_S = 0.2
PARENT = f"""
import os, sys, time
sys.stdin.read(1)
child = os.fork()
if not child:
    while time.process_time() < {SPENT_S}:
        pass
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
print("ended", flush=True)
time.sleep(0.05)
os.waitpid(child, 0)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform != "linux", reason="it reads /proc")
def test_a_child_is_counted_that_has_ended_and_was_not_reaped(tmp_path: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        bufsize=1,
        env={"SYNCTL_HOME": str(tmp_path)},
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        with metered(tmp_path) as cost:
            parent.stdin.write("\n")
            parent.stdin.flush()
            assert parent.stdout.readline() == "ended\n"
        parent.stdin.close()
    assert SPENT_S * 0.8 < cost.cpu < 100 * SPENT_S
