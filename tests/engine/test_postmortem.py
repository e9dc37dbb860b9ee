"""What a work horse died of, told by how it ended."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from synctl.engine import postmortem

CODE = "import os, signal, sys; signal.signal(signal.SIGTERM, signal.SIG_DFL); {}"
ENDS = {
    "in a library": ("os.kill(os.getpid(), signal.SIGSEGV)", False, True),
    "by giving up": ("os.abort()", False, True),
    "killed by somebody": ("os.kill(os.getpid(), signal.SIGKILL)", False, False),
    "killed for its memory": ("os.kill(os.getpid(), signal.SIGKILL)", True, True),
    "asked to end": ("os.kill(os.getpid(), signal.SIGTERM)", True, False),
    "with an exit code": ("os._exit(1)", True, False),
    "well": ("os._exit(0)", False, False),
}


@pytest.mark.parametrize("how", ENDS)
def test_only_its_own_doing_is_a_crash(how: str) -> None:
    code, out_of_memory, own = ENDS[how]
    ended = subprocess.run([sys.executable, "-c", CODE.format(code)], check=False, stderr=subprocess.DEVNULL).returncode
    wait_status = -ended if ended < 0 else ended << 8  # as waitpid tells it
    assert postmortem.crashed(wait_status, out_of_memory=out_of_memory) is own


def test_a_kernel_says_how_often_it_was_out_of_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(postmortem, "VMSTAT", tmp_path / "vmstat")
    assert postmortem.oom_kills() == 0
    (tmp_path / "vmstat").write_text("pgfault 12\noom_kill 7\ndrop_pagecache 0\n")
    assert postmortem.oom_kills() == 7
