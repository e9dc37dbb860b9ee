"""What it costs to look at a run that moves: the full screen, and the stream of events.

    python -m tests.bench.live --seconds 10

A run from a slow upstream is at work. CPU is that of the process which looks, as a share of one core.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time
from collections.abc import Callable

import pexpect

from tests.bench.meter import processor_seconds
from tests.e2e.conftest import Home, made_home, until
from tests.upstream.aladhan import serve
from tests.upstream.faults import Faults, parse

ORDER = ("prayer", "--cities", "100", "--year", "2026", "--source", "aladhan", "--shards", "2")
SCREEN = (40, 130)
START_S = 1.5
"""Until its imports and its first picture are done, which `tests.bench.startup` measures."""


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.live", description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    seconds = parser.parse_args().seconds
    with made_home() as home, serve(faults=Faults(*parse("hang(0.2)"))) as upstream:
        home.use(upstream, SYNCTL_WORKERS__PRAYER="2", SYNCTL_SOURCES__ALADHAN__IN_FLIGHT="0")
        home.run("up")
        home.run("enqueue", *ORDER)
        until(lambda: home.sql("SELECT done FROM run")[0][0] > 0, 60)
        screen, stream = _screen(home, seconds), _stream(home, seconds)
        home.run("cancel", "prayer", "--wait")
    print(f"CPU of watch on a moving run, in one core: full screen {screen:.1%}, --json {stream:.1%}")


def _share(pid: int, seconds: float, rest: Callable[[float], object]) -> float:
    rest(START_S)
    before = processor_seconds(pid)
    rest(seconds)
    return (processor_seconds(pid) - before) / seconds


def _screen(home: Home, seconds: float) -> float:
    process = pexpect.spawn(  # type: ignore[no-untyped-call]
        sys.executable, ["-m", "synctl", "watch"], env=home.environ(), dimensions=SCREEN, timeout=None
    )
    assert process.pid is not None
    try:
        return _share(process.pid, seconds, lambda rest: process.expect(pexpect.TIMEOUT, timeout=rest))
    finally:
        process.close(force=True)


def _stream(home: Home, seconds: float) -> float:
    command = [sys.executable, "-m", "synctl", "watch", "--json"]
    with subprocess.Popen(command, env=home.environ(), stdout=subprocess.DEVNULL) as process:
        try:
            return _share(process.pid, seconds, time.sleep)
        finally:
            process.kill()


if __name__ == "__main__":
    main()
