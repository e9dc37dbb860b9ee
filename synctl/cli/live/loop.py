"""The loop: look, draw, take keys, act."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from typing import Final

from msgspec.structs import replace
from redis.exceptions import RedisError
from rich.console import Console, ConsoleDimensions
from rich.text import Text

from synctl.cli.live.page import frame
from synctl.cli.live.snapshot import Reader, Snapshot
from synctl.cli.live.state import Act, State, Step, anchored, press
from synctl.cli.live.terminal import Terminal
from synctl.cli.session import Session
from synctl.engine.view import RunView
from synctl.errors import SynctlError
from synctl.states import RESTING
from synctl.store.runs import Run

LOOK_S: Final = 0.5
"""Between looks: two a second move a bar, and take some hundredths of a core."""
MESSAGE_S: Final = 5.0
"""How long is said what became of a key: it is old news then."""
ASCII: Final = str.maketrans("█░▸─·…×↑↓▁▂▃▄▅▆▇", "#->-,~x^v_.:-=+*")
"""For a terminal that cannot show the others."""


def live(session: Session, named: Sequence[str]) -> list[RunView]:
    """Draw until the operator leaves; of named runs until they rest. Return them as they were last seen.

    Raises KeyboardInterrupt, or `terminal.Ended` for SIGTERM, when the terminal is as it was.
    """
    reader, state = Reader(session, named), State()
    console = Console(highlight=False)
    message, since = "", 0.0
    with Terminal() as terminal:
        shown, looked = reader.look(), time.monotonic()
        while not state.quits:
            state = anchored(state, shown.views)
            if state.message != message:
                message, since = state.message, time.monotonic()
            elif message and time.monotonic() - since > MESSAGE_S:  # the keys are to be seen again
                state, message = replace(state, message=""), ""
            columns, lines = terminal.size
            terminal.draw(paint(console, frame(shown, state, columns, lines), columns, sys.stdout.encoding))
            if named and _rest(shown):
                break
            for key in terminal.keys(max(0.0, looked + LOOK_S - time.monotonic())):
                state = _take(session, press(key, state, shown.views))
            if time.monotonic() - looked >= LOOK_S:
                shown, looked = reader.look(), time.monotonic()
    return list(shown.views)


def paint(console: Console, rows: Sequence[Text], columns: int, encoding: str) -> list[str]:
    """Return lines as the terminal takes them: with colours where it has some."""
    console.size = ConsoleDimensions(columns, max(len(rows), 1))
    with console.capture() as captured:
        for row in rows:
            console.print(row, no_wrap=True, overflow="crop", crop=True)
    painted = captured.get().rstrip("\n").split("\n")
    if encoding.lower().replace("-", "") == "utf8":
        return painted
    return [line.translate(ASCII) for line in painted]


def _rest(shown: Snapshot) -> bool:
    return not shown.trouble and all(view.run.state in RESTING for view in shown.views)


def _take(session: Session, step: Step) -> State:
    """Do what was asked for, and say what became of it."""
    if step.act is None:
        return step.state
    try:
        run = _acts(session)[step.act](step.run_id)
    except (SynctlError, RedisError) as error:
        return replace(step.state, message=str(error).partition("\n")[0])
    return replace(step.state, message=f"{step.act}: {run.id} is {run.state}")


def _acts(session: Session) -> dict[Act, Callable[[str], Run]]:
    control, why = session.control, "from synctl watch"
    return {
        Act.PAUSE: lambda run_id: control.pause(run_id, why),
        Act.RESUME: lambda run_id: control.resume(run_id, why),
        Act.CANCEL: lambda run_id: control.cancel(run_id, why),
    }
