"""How long commands take from start to end, beside those of RQ, one after the other in turn.

    python -m tests.bench.startup --tries 20

Against an embedded Valkey that runs, and a database with a run in it. Printed are medians, minima and ratios of minima:
a machine that does something else meanwhile makes a time longer, never shorter.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.e2e.conftest import Home, made_home

BIN = Path(sys.executable).parent
PAIRS = (("synctl --help", "rq --help"), ("synctl status", "rq info"))


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.startup", description=__doc__)
    parser.add_argument("--tries", type=int, default=20)
    options = parser.parse_args()
    with made_home() as home:
        home.run("up")
        home.run("enqueue", "prayer", "--city", "London", "--methods", "3", "--from", "today", "--wait")
        commands = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "synctl --help": [str(BIN / "synctl"), "--help"],
            "rq --help": [str(BIN / "rq"), "--help"],
            "synctl status": [str(BIN / "synctl"), "status"],
            "rq info": [str(BIN / "rq"), "info", "--url", f"unix://{home.path}/redis/valkey.sock"],
        }
        took = _measure(home, commands, options.tries)
    for name, times in took.items():
        print(f"{name:16} median {statistics.median(times) * 1000:5.0f} ms   least {min(times) * 1000:5.0f} ms")
    for ours, theirs in PAIRS:
        print(f"{ours} / {theirs}: {min(took[ours]) / min(took[theirs]):.2f}")


def _measure(home: Home, commands: Mapping[str, Sequence[str]], tries: int) -> dict[str, list[float]]:
    took: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(tries):
        for name, command in commands.items():
            began = time.perf_counter()
            subprocess.run(command, env=home.environ(), capture_output=True, check=True)
            took[name].append(time.perf_counter() - began)
    return took


if __name__ == "__main__":
    main()
