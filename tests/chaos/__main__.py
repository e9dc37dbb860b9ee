"""Run seeds, or mutants, without pytest: `python -m tests.chaos --seeds 1-10 --database sqlite`."""

from __future__ import annotations

import argparse
import signal
import sys
from pathlib import Path

from tests.chaos import mutants
from tests.chaos.baseline import made_baseline
from tests.chaos.storm import available, storm
from tests.store.databases import VARIABLE


def main() -> int:
    """Return 0 if every seed kept every promise, or if every mutant was caught."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that every home is stopped
    options = _options()
    if not available(options.database):
        sys.stderr.write(f"{VARIABLE} holds no PostgreSQL URL\n")
        return 2
    if options.mutant:
        names = list(mutants.MUTANTS) if options.mutant == "all" else [options.mutant]
        caught = [
            mutants.hunt(name, options.database, seeds(options.seeds), options.disturbances, options.package)
            for name in names
        ]
        return 0 if all(caught) else 1
    failed = 0
    with made_baseline(options.package) as baseline:
        for seed in seeds(options.seeds):
            verdict = storm(seed, options.database, options.disturbances, baseline, package=options.package)
            print(verdict.text(), flush=True)
            if options.verbose:
                print(f"  looks: {dict(sorted(verdict.observed.items()))}", flush=True)
            failed += bool(verdict.wrong)
    return 1 if failed else 0


def seeds(text: str) -> list[int]:
    """Read `1,3,7-9`."""
    found: list[int] = []
    for part in text.split(","):
        first, _, last = part.partition("-")
        found.extend(range(int(first), int(last or first) + 1))
    return found


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.chaos", description=__doc__)
    parser.add_argument("--seeds", default="1", help="such as 1-10 or 3,5")
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--disturbances", type=int, default=200)
    parser.add_argument("--package", type=Path, help="a folder that holds another synctl/ to test")
    parser.add_argument("--mutant", choices=("all", *mutants.MUTANTS), help="break synctl on purpose")
    parser.add_argument("--verbose", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
