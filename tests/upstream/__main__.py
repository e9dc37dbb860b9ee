"""Run a stand-in as a process of its own, for chaos tests and measurements.

    python -m tests.upstream --port 0 --latency 0.05 --faults 'rate-limit(1)~0.02,error~0.02' --seed 7

The first line it prints is the base URL of its AlAdhan API; a line for each other service follows, its name and
its base URL. `/_stats` tells how many requests were answered how.
"""

from __future__ import annotations

import argparse
import signal
import sys

from tests.upstream import aladhan, alquran, hadith
from tests.upstream.faults import Faults, parse


def main() -> int:
    """Serve until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m tests.upstream", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--faults", type=parse, default=[], help="rules, see tests/upstream/faults.py")
    parser.add_argument("--seed", type=int, default=0, help="of the chance in faults")
    options = parser.parse_args()
    signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGTERM, signal.SIGINT))
    faults = Faults(*options.faults, seed=options.seed, latency=options.latency)
    try:
        return _serve(options, faults)
    except OSError as error:
        parser.exit(2, f"cannot listen on {options.host}:{options.port}: {error.strerror}\n")


def _serve(options: argparse.Namespace, faults: Faults) -> int:
    with (
        aladhan.serve(faults, host=options.host, port=options.port) as server,
        alquran.serve(faults, host=options.host) as quran,
        hadith.serve(faults, host=options.host) as files,
    ):
        print(f"{server.url}/v1\nalquran {quran.url}/v1\nhadith_api {files.url}", flush=True)
        signal.sigwait((signal.SIGTERM, signal.SIGINT))
    return 0


if __name__ == "__main__":
    sys.exit(main())
