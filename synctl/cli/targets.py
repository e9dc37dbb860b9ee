"""Which runs a command acts on: those that are named, or all that it can be done to."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from typing import Annotated

import msgspec
import typer

from synctl.cli.output import count
from synctl.cli.session import Session
from synctl.errors import UsageError
from synctl.states import RunState
from synctl.store import runs
from synctl.store.runs import Run

RunsOrAllArgument = Annotated[
    list[str] | None, typer.Argument(metavar="RUN", help="Run ids, or unambiguous parts of them; or --all.")
]
AllOption = Annotated[bool, typer.Option("--all", help="Every run that this can be done to.")]
OnlyResourceOption = Annotated[
    str | None, typer.Option("--resource", metavar="NAME", help="With --all: only runs of this resource.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="With --all: do not ask.")]


class Targets(msgspec.Struct, frozen=True):
    """What was asked for: names, or all runs in `states`. `verb` is the command's name."""

    verb: str
    names: Sequence[str] | None
    everything: bool
    resource: str | None
    states: Collection[RunState]

    def __post_init__(self) -> None:
        if self.everything and self.names:
            raise UsageError(f"{self.verb}: --all and RUN exclude each other")
        if self.resource is not None and not self.everything:
            raise UsageError(f"{self.verb}: --resource selects of --all")
        if not self.everything and not self.names:
            raise UsageError(f"{self.verb}: RUN is missing: run ids, or --all", hint=f"see `synctl {self.verb} --help`")

    def found(self, session: Session) -> list[Run]:
        """Return the runs, of all those the ones nobody works on first, so that none starts in the place of another.

        Raises NotFound before anything is done to any of them.
        """
        if not self.everything:
            return named(session, self.names or ())
        if self.resource is not None:
            from synctl.engine import registry  # noqa: PLC0415 - reads what is installed

            registry.require(self.resource)
        with session.database.read() as transaction:
            listed = runs.listing(transaction, states=self.states, resource=self.resource, limit=runs.ALL)
        return listed[::-1]


def named(session: Session, names: Sequence[str]) -> list[Run]:
    """Return the runs of these names, each once. Raises NotFound."""
    with session.database.read() as transaction:
        found = [runs.get(transaction, name) for name in names]
    return list({run.id: run for run in found}.values())


def ask(verb: str, found: Sequence[Run]) -> None:
    """Have the operator say yes to what cannot be taken back. Raises Abort, and UsageError where nobody can answer."""
    if not sys.stdin.isatty():
        raise UsageError(f"{verb} --all asks first, and this is no terminal", hint="add --yes")
    typer.confirm(f"{verb.capitalize()} {count(len(found), 'run')} ({', '.join(_by_state(found))})?", abort=True)


def _by_state(found: Sequence[Run]) -> Iterator[str]:
    for state, number in Counter(run.state for run in found).most_common():
        yield f"{number:,} {state}"
