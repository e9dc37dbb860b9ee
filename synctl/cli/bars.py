"""Moving bars, one a run, drawn with rich from the live hash."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from synctl.cli.output import STYLES, duration, fit
from synctl.engine.view import RunView
from synctl.states import TERMINAL, RunState

ECHOED = 2
"""Columns left free: the terminal echoes an interrupt as ^C, and in a full line that would move the frame down."""
NARROW = 70
"""Columns below which rates and times move to a line of their own."""


def draw_bars(
    look: Callable[[], list[RunView]], *, until: Callable[[Sequence[RunView]], bool], frame_s: float
) -> list[RunView]:
    """Draw a frame every `frame_s` seconds until the condition holds; the last one stays. Returns what it showed.

    Raises KeyboardInterrupt after the frame under way.
    """
    console = Console(highlight=False)
    fit(console, spare=ECHOED)
    current = look()
    with _interrupt_between_frames() as interrupted, Live(console=console, auto_refresh=False, transient=False) as live:
        while not interrupted():
            fit(console, spare=ECHOED)
            live.update(frame(current, console.width), refresh=True)
            if until(current):
                return current
            time.sleep(frame_s)
            current = look()
    raise KeyboardInterrupt


@contextmanager
def _interrupt_between_frames() -> Iterator[Callable[[], bool]]:
    """Note an interrupt instead of raising it: in the middle of a frame it would leave half of one on the screen."""
    noted: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: noted.append(number))
    try:
        yield lambda: bool(noted)
    finally:
        signal.signal(signal.SIGINT, before)


def frame(current: Sequence[RunView], width: int) -> RenderableType:
    """One frame, fitted to the width."""
    return Group(*(_run(view, width) for view in current))


def _run(view: RunView, width: int) -> RenderableType:
    run = view.run
    head = Table.grid(padding=(0, 1), expand=True)
    head.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    head.add_column(no_wrap=True, justify="right")
    head.add_row(Text(run.id, style="bold"), Text(str(run.state), style=STYLES.get(run.state, "")))
    body = Table.grid(padding=(0, 1), expand=True)
    body.add_column(ratio=1)
    body.add_column(no_wrap=True, justify="right")
    settled = view.done + view.failed
    share = f"{100 * settled / run.total:5.1f} %"
    colour = {RunState.PARTIAL: "yellow", RunState.FAILED: "red"}.get(run.state, "green")
    bar = ProgressBar(total=run.total, completed=settled, complete_style="blue", finished_style=colour)
    body.add_row(bar, share)
    facts = f"{view.done:,}/{run.total:,} units · {view.rows:,} rows"
    if view.unchanged:
        facts += f" · {view.unchanged:,} unchanged"
    if view.failed:
        facts += f" · {view.failed:,} failed"
    if view.quarantined:
        facts += f" · {view.quarantined:,} quarantined"
    pace = _pace(view)
    lines: list[RenderableType] = [head, body]
    if width >= NARROW:
        lines.append(_two(facts, pace))
    else:
        lines += [
            Text(facts, no_wrap=True, overflow="ellipsis"),
            Text(pace, no_wrap=True, overflow="ellipsis"),
        ]
    detail = view.remark or (run.label if not view.current else f"{run.label} · {view.current}")
    lines.append(Text(detail, style="dim", no_wrap=True, overflow="ellipsis"))
    return Group(*lines)


def _two(left: str, right: str) -> Table:
    grid = Table.grid(padding=(0, 1), expand=True)
    grid.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
    grid.add_column(no_wrap=True, justify="right")
    grid.add_row(left, right)
    return grid


def _pace(view: RunView) -> str:
    if view.run.state in TERMINAL:
        return f"took {duration(view.elapsed_s)}"
    if view.run.state is RunState.RUNNING and view.live.unit_rate:
        return f"{view.live.row_rate:,.0f} rows/s · {duration(view.eta_s)} left"
    return ""
