"""synctl with a promise removed on purpose: the chaos must catch each of them, or it proves nothing."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.chaos.baseline import made_baseline
from tests.chaos.storm import storm


@dataclass(frozen=True, slots=True)
class Edit:
    """A text of a file that is replaced, each of the `times` that it is there."""

    file: str
    old: str
    new: str
    times: int = 1


_GUARD = Edit("store/ledger.py", "    if not held:\n", "    if not held and False:\n")
"""The proof inside each transaction that the shard is still ours."""
_SETTLE = Edit(
    "store/ledger.py",
    " WHERE run_seq = :run AND ordinal = :ordinal AND state = 'leased' AND shard = :shard AND epoch = :epoch\",",
    ' WHERE run_seq = :run AND ordinal = :ordinal",',
)
"""The compare-and-set of each unit, which names the epoch too and so is a second check of it."""
_DEAF = (
    Edit(
        "engine/ticker.py",
        "                self._stop.request(StopReason.SUSPENDED, _said(error))\n            return\n",
        "                pass\n            return\n",
    ),
    Edit(
        "engine/ticker.py",
        '            log.error("another process holds the lease: stopping, nothing more is committed here")\n'
        "            self._stop.request(StopReason.LOST)\n",
        "            pass\n",
    ),
    Edit(
        "engine/ticker.py",
        "        if state is None:\n            self._stop.request(StopReason.LOST)\n",
        "        if state is None:\n            pass\n",
    ),
)
"""The heartbeat stops the work neither when it cannot renew, nor when another holds the lease, nor when SQL says so."""

MUTANTS: Mapping[str, Sequence[Edit]] = {
    "control": (),  # the copy itself: it must not be caught
    "no-epoch-check": (_GUARD, _SETTLE),
    "ledger-outside": (
        Edit(
            "store/ledger.py",
            "    _settle(transaction, lease, ledger_rows)\n",
            '    transaction.positional("COMMIT", ())\n'
            '    transaction.positional({"sqlite": "BEGIN IMMEDIATE"}.get(transaction.dialect, "BEGIN"), ())\n'
            "    guard(transaction, lease)\n"
            "    _settle(transaction, lease, ledger_rows)\n",
        ),
    ),
    "ignores-lease": (*_DEAF, _GUARD, _SETTLE),
    "ignores-lease-fenced": _DEAF,  # SQL's fence stays: only the promise to stop in time is broken
}


def hunt(name: str, dialect: str, seeds: Sequence[int], disturbances: int, package: Path | None) -> bool:
    """Run seeds until the mutant is caught; return whether the result is as it must be."""
    with _mutated(name, package) as folder, made_baseline(package) as baseline:
        print(f"mutant {name}: {_imported(folder)}", flush=True)
        for seed in seeds:
            verdict = storm(seed, dialect, disturbances, baseline, package=folder, hasty=True)
            print(verdict.line(), flush=True)
            for wrong in verdict.wrong[:6]:
                print(f"  wrong: {wrong[:400]}", flush=True)
            if verdict.wrong:
                print(f"mutant {name} was caught by seed {seed}", flush=True)
                return bool(MUTANTS[name])
    print(f"mutant {name} was NOT caught by {len(seeds)} seeds", flush=True)
    return not MUTANTS[name]


@contextmanager
def _mutated(name: str, package: Path | None) -> Iterator[Path]:
    """Give a folder with a changed copy of `synctl`."""
    import synctl  # noqa: PLC0415 - only its place is wanted

    origin = package / "synctl" if package else Path(synctl.__file__).parent
    folder = Path(tempfile.mkdtemp(prefix="synctl-mutant-"))
    try:
        shutil.copytree(origin, folder / "synctl", ignore=shutil.ignore_patterns("__pycache__"))
        for edit in MUTANTS[name]:
            path = folder / "synctl" / edit.file
            text = path.read_text()
            found = text.count(edit.old)
            if found != edit.times:
                raise LookupError(f"mutant {name}: {edit.file} holds {found} times, not {edit.times}:\n{edit.old}")
            path.write_text(text.replace(edit.old, edit.new))
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _imported(folder: Path) -> str:
    """Return the file that a process of the stack imports; it must be the copy."""
    done = subprocess.run(
        [sys.executable, "-c", "import synctl; print(synctl.__file__)"],
        env={"PYTHONPATH": str(folder)}, cwd=folder.parent, capture_output=True, text=True, check=True,
    )  # fmt: skip
    place = done.stdout.strip()
    if not place.startswith(str(folder)):
        raise LookupError(f"{place} is imported, not the copy in {folder}")
    return place
