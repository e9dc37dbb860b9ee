"""One chaos run: disturb a stack that syncs, let it come to rest, and prove that the database does not show it."""

from __future__ import annotations

import json
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.chaos.baseline import SELECTIONS, Baseline, selection
from tests.chaos.disturbances import Disturber
from tests.chaos.observers import Observers
from tests.chaos.stage import Stage, settings
from tests.e2e.conftest import Home, made_home
from tests.store.databases import VARIABLE, empty
from tests.upstream.aladhan import serve
from tests.upstream.faults import Faults, parse

FAULTS = "rate-limit(1)~0.02,error~0.03,truncate~0.02,hang(2.6)~0.05,hang(5)~0.005"
"""Of the two hangs one is sat out, the other ends in a time-out. The cap of Retry-After is below its second."""
LATENCY_S = 0.12
INTERVAL_S = (0.1, 0.6)
LOOK_S = 0.04
"""Between looks for what must change together: a few milliseconds each."""
REST_S = 90.0
"""For all runs to succeed once nobody disturbs any more."""
STORM_S = 400.0
"""A storm that lasts longer found nothing to disturb for most of the time."""
ACTIVE = {"queued", "running", "pausing", "paused", "cancelling"}


@dataclass(slots=True)
class Verdict:
    """What a seed came to. `wrong` is empty if every promise was kept."""

    seed: int
    dialect: str
    disturbances: Counter[str] = field(default_factory=Counter)
    observed: Counter[str] = field(default_factory=Counter)
    runs: int = 0
    takeovers: int = 0
    zombies: int = 0
    seconds: float = 0.0
    wrong: list[str] = field(default_factory=list)
    notes: Counter[str] = field(default_factory=Counter)
    dump: str = ""

    def line(self) -> str:
        """Return the seed in one line."""
        kinds = ", ".join(f"{name} {count}" for name, count in self.disturbances.most_common())
        word = "ok" if not self.wrong else f"FAILED ({len(self.wrong)})"
        return (
            f"seed {self.seed} {self.dialect}: {self.disturbances.total()} disturbances ({kinds}); {self.runs} runs,"
            f" {self.takeovers} takeovers, {self.zombies} zombies woken, {self.observed.total()} looks,"
            f" {self.seconds:.0f} s: {word}"
        )

    def text(self) -> str:
        """Return the line, what is wrong, what was noted and, if anything is wrong, the dump."""
        parts = [self.line(), *(f"  wrong: {one}" for one in self.wrong[:30])]
        parts.extend(f"  note: {count} × {note}" for note, count in self.notes.most_common(12))
        return "\n".join([*parts, self.dump] if self.wrong else parts)


def available(dialect: str) -> bool:
    """Whether there is a server for such a database."""
    return dialect == "sqlite" or VARIABLE in os.environ


def storm(
    seed: int, dialect: str, disturbances: int, baseline: Baseline, *, package: Path | None = None, hasty: bool = False
) -> Verdict:
    """Run a seed. `package` is a folder that holds another `synctl`; `hasty` ends the storm when anything is wrong."""
    verdict = Verdict(seed, dialect)
    faults = Faults(*parse(FAULTS), seed=seed, latency=LATENCY_S)
    began = time.monotonic()
    with serve(faults) as upstream, made_home() as home, _database(dialect, home) as database:
        home.environment = settings(upstream.url, database, package)
        stage = Stage(home, database)
        try:
            _Storm(stage, random.Random(seed), faults, verdict, hasty=hasty).run(disturbances, baseline)
        finally:
            stage.kill_all()
            verdict.seconds = time.monotonic() - began
            verdict.wrong, verdict.notes = stage.wrong, stage.notes
    return verdict


@contextmanager
def _database(dialect: str, home: Home) -> Iterator[str | None]:
    """Give the URL of a database, None for the home's own."""
    if dialect == "sqlite":
        yield None
        return
    with empty(dialect, home.path) as url:
        yield url


class _Storm:
    def __init__(self, stage: Stage, rng: random.Random, faults: Faults, verdict: Verdict, *, hasty: bool) -> None:
        self._stage, self._rng, self._verdict, self._hasty = stage, rng, verdict, hasty
        self._disturber = Disturber(stage, rng, faults)
        self._selections = rng.sample(range(SELECTIONS), SELECTIONS)
        self._ordered: dict[str, int] = {}

    def run(self, disturbances: int, baseline: Baseline) -> None:
        stage, verdict = self._stage, self._verdict
        stage.home.run("up")
        stage.witness.install()
        with Observers(stage) as observers:
            self._disturb(disturbances)
            rested = self._come_to_rest()
        verdict.disturbances, verdict.zombies = self._disturber.done, self._disturber.zombies
        verdict.observed = observers.exits
        if not rested or stage.wrong:
            verdict.dump = stage.dump()
        stage.stop()
        verdict.runs, verdict.takeovers = len(self._ordered), stage.witness.takeovers()
        stage.wrong.extend(stage.witness.proof({run: baseline.expect(number) for run, number in self._ordered.items()}))

    def _disturb(self, disturbances: int) -> None:
        deadline = time.monotonic() + STORM_S
        count = 0
        while count < disturbances and not (self._hasty and self._stage.wrong):
            if time.monotonic() > deadline:
                self._stage.wrong.append(f"only {count} disturbances within {STORM_S:.0f} s")
                return
            self._stage.keep_up()
            if self._active() < 1 + (count % 50 < 20):
                self._enqueue()
            count += self._disturber.strike(disturbances - count)
            due = time.monotonic() + self._rng.uniform(*INTERVAL_S)
            while True:
                self._look_for_tears()
                if time.monotonic() >= due:
                    break
                time.sleep(LOOK_S)

    def _come_to_rest(self) -> bool:
        """Whether every run succeeded in time, with no more help than an operator's `up` and `resume`."""
        self._disturber.calm()
        self._stage.join(REST_S)
        deadline = time.monotonic() + REST_S
        while time.monotonic() < deadline:
            self._stage.keep_up()
            states = self._stage.witness.runs()
            if all(state == "succeeded" for _, _, state in states) and len(states) == len(self._ordered):
                return True
            if len(states) > len(self._ordered):
                self._enqueue()  # its answer was lost with Redis: the run exists
            for _, run, state in states:
                if state == "paused":
                    self._stage.command("resume", run)
            self._look_for_tears()
            time.sleep(0.3)
        self._stage.wrong.append(f"not at rest within {REST_S:.0f} s: {self._stage.witness.runs()}")
        return False

    def _active(self) -> int:
        runs = self._stage.witness.runs()
        if len(runs) > len(self._ordered):
            return 0  # one whose answer was lost with Redis: it is ordered again, to learn its id
        return sum(state in ACTIVE for _, _, state in runs)

    def _enqueue(self) -> None:
        """Order the next selection, or again the one whose answer was lost."""
        number = self._selections[len(self._ordered)]
        shards = str(self._rng.choice((1, 1, 2)))
        code, out = self._stage.command(
            "enqueue", "prayer", *selection(number), "--source", "aladhan", "--shards", shards, "--json"
        )
        if code == 0:
            self._ordered[json.loads(out)["run"]] = number

    def _look_for_tears(self) -> None:
        if not any(one.startswith("torn") for one in self._stage.wrong):
            self._stage.wrong.extend(self._stage.witness.torn())
