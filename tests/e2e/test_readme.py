"""The tour of the README, typed line by line into one stack: what is written there is what comes."""

from __future__ import annotations

import re
import shlex
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from pathlib import Path
from typing import Final

import pytest
from rich.console import Console

from synctl.cli import listing
from tests.e2e.conftest import Call, Home, until
from tests.upstream.aladhan import serve
from tests.upstream.faults import Faults, parse
from tests.upstream.server import LoopbackServer

README: Final = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
TOUR: Final = README.partition("\n## A tour\n")[2].partition("\n## ")[0]
HOME: Final = "/srv/synctl"
"""SYNCTL_HOME, as the README says."""
RUN: Final = re.compile(r"\b[a-z]+-\d{8}-([0-9a-f]{10})\b")
NUMBER: Final = re.compile(r"\d[\d,.:-]*")
DURATION: Final = re.compile(r"\bN (min N s|h N min|d N h|s|min|h|d)(?=\W|$)")
SPARE: Final = 8
"""Columns by which a number of a table may be longer than that of the README."""


@dataclass(frozen=True, slots=True)
class Step:
    """A command of the tour, and the lines that the README shows below it."""

    words: tuple[str, ...]
    shown: tuple[str, ...]

    @property
    def code(self) -> int:
        """The exit code that goes with what is shown."""
        waited = {"--wait", "--exit"} & {*self.words}
        return 3 if waited and " partial, " in self.shown[-1] else 0


@dataclass(slots=True)
class Pairs:
    """Which run of this test stands for which of the README: the first time they stand at the same place says it."""

    known: dict[str, str] = field(default_factory=dict)

    def meet(self, shown: Sequence[str], said: Sequence[str]) -> None:
        """Learn from lines that belong together."""
        for written, real in zip(shown, said, strict=False):
            for one, other in zip(RUN.finditer(written), RUN.finditer(real), strict=False):
                self.known.setdefault(one[1], other[1])

    def real(self, word: str) -> str:
        """Return a word of a command with the part of an id that it has here."""
        return self.known.get(word, word)

    def line(self, text: str) -> str:
        """Return a line of the README with the ids of here."""
        return RUN.sub(lambda run: f"{run[0].rpartition('-')[0]}-{self.known.get(run[1], run[1])}", text)


def _steps() -> Iterator[Step]:
    for block in re.findall(r"^```\n(.*?)^```$", TOUR, re.MULTILINE | re.DOTALL):
        assert block.startswith("$ synctl "), block
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *shown = part.rstrip().split("\n")
            program, *words = shlex.split(command)
            assert program == "synctl", command
            yield Step(tuple(words), tuple(shown))


STEPS: Final = tuple(_steps())


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_tour_is_true(home: Home, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = Pairs()
    with serve(Faults()) as upstream:
        home.use(upstream, SYNCTL_WORKERS__PRAYER="2")
        for step in STEPS:
            _prepare(step, home, call, upstream)
            width = max(map(len, step.shown)) + SPARE
            monkeypatch.setattr(listing, "console", _as_wide_as(width))
            said = call(home, *map(pairs.real, step.words), code=step.code)
            lines = said.out.splitlines()
            pairs.meet(step.shown, lines)
            expected = [_shape(pairs.line(line), step) for line in step.shown]
            found = [_shape(line.replace(str(home.path), HOME), step) for line in lines]
            if step.words[0] == "watch":
                found = [line for line, _ in groupby(found)]  # says it again where a run takes longer than 5 s
            assert found == expected, f"synctl {shlex.join(step.words)}\n{said.out}"
            assert said.err == ""


def test_the_line_for_cron_is_one(home: Home, call: Call) -> None:
    line = re.search(r"^15 2 \* \* \*  synctl (.*)$", README, re.MULTILINE)
    assert line is not None
    words = shlex.split(line[1])
    assert {"--wait", "--quiet", "--if-stale"} <= {*words}
    call(home, "db", "upgrade")
    call(home, "seed")
    previewed = call(home, *(word for word in words if word not in ("--wait", "--quiet")), "--dry-run")
    assert "would be queued" in previewed.out


def _prepare(step: Step, home: Home, call: Call, upstream: LoopbackServer) -> None:
    """Do what the README says in words before a command, or leaves to time."""
    match step.words:
        case ["status"] if "waiting for" in step.shown[-1]:
            upstream.faults.rules[:] = parse("rate-limit(60)")
            run = call(home, *_london("--methods", "5", "--source", "aladhan"), "--json").json["run"]
            until(lambda: "rate limited" in call(home, "status", run, "--json").json["reason"])
        case ["status"]:
            longer = re.search(r"^A longer run \(`synctl ([^`]*)`\)", TOUR, re.MULTILINE)
            assert longer is not None
            run = call(home, *shlex.split(longer[1]), "--json").json["run"]
            until(lambda: call(home, "status", run, "--json").json["units_per_s"])
        case ["watch", "--exit"]:
            until(lambda: call(home, "status", "--state", "running", "--json").json[0]["units_per_s"])
        case ["enqueue", *words] if "aladhan" in words:
            upstream.faults.rules[:] = parse("error(404)@method=4")
        case ["retry", *_]:
            upstream.faults.rules.clear()


def _london(*words: str) -> tuple[str, ...]:
    return ("enqueue", "prayer", "--city", "London", "--year", "2026", *words)


def _as_wide_as(columns: int) -> Callable[[], Console]:
    """A terminal of the width of the README's, so that tables have the columns they have there."""
    return lambda: Console(width=columns, highlight=False, soft_wrap=False)


def _shape(line: str, step: Step) -> str:
    """Return a line without what differs from day to day. What is shown of a city's day does not."""
    words = re.sub("─+", "─", " ".join(line.split()))
    if step.words[0] == "show" and not RUN.search(line):
        return words
    ids: list[str] = RUN.findall(words)
    plain = DURATION.sub("for a while", NUMBER.sub("N", RUN.sub("RUN", words)))
    return f"{plain} {ids}" if ids else plain
