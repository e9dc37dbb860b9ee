"""The pages of the view as lines of text, fitted to a size. Nothing here reads or writes anything."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from textwrap import wrap
from typing import Final

from rich.text import Text

from synctl.cli.live.panels import bar, panels, share, sparkline
from synctl.cli.live.snapshot import Snapshot
from synctl.cli.live.state import Page, State, chosen, place
from synctl.cli.output import STYLES, duration
from synctl.clock import iso, now_ms
from synctl.engine.view import RunView
from synctl.states import ACTIVE, LIVE, RunState
from synctl.words import printable

FULL_NAME: Final = 64
"""Columns from which on a run's id is written whole."""
WITH_BAR: Final = 46
NAME, STATE, SHARE = 28, 10, 8
FEWEST_RUNS: Final = 3
KEYS: Final = (
    ("↑↓", "select"), ("enter", "details"), ("e", "errors"), ("p", "pause"), ("r", "resume"), ("c", "cancel"),
    ("?", "help"), ("q", "quit"),
)  # fmt: skip
PAGE_KEYS: Final = (("esc", "back"), ("↑↓", "scroll"), *KEYS[3:])
ONE_LINE: Final = str.maketrans("\n\t", "  ")
NOTHING: Final = (
    "Nothing is running. Queue a sync with `synctl enqueue prayer`; `synctl status` shows what has ended."
    " This view stays and shows the next run."
)
HELP: Final = """Keys
  ↑ ↓ j k          select a run, or scroll a page
  page up, down    ten at a time; home, end
  enter            all about the selected run
  e                why its units failed
  p  r             pause it, resume it
  c                cancel it, after a y
  esc              back to the runs
  ?                this page
  q                leave; the runs go on

Columns
  rows/s           over the last ten seconds in which it could work
  left             at that pace; waits for an upstream are added, pauses are not counted
  lease            how long ago its worker gave a sign of life: more than a second is odd

What it shows is read from the database and Redis and changes nothing. Keys do what the commands of their names do:\
 `synctl history` tells who did it."""
HELP_INDENT: Final = 19
"""Where the meaning of a key or column begins."""


def frame(shown: Snapshot, state: State, columns: int, lines: int) -> list[Text]:
    """Return the screen: as many lines as it has at most, none longer than it is wide."""
    head, foot = _head(shown, columns), _foot(state, shown.views)
    room = lines - len(head) - 1
    body = _runs(shown, state, columns, room) if state.page is Page.RUNS else _page(shown, state, columns, room)
    rows = [*head, *body[:room]]
    rows += [Text()] * (lines - len(rows) - 1)
    drawn = [*rows, foot][:lines]
    for row in drawn:
        row.plain = printable(row.plain).translate(ONE_LINE)  # as long as before, so that styles stay in place
        row.truncate(columns, overflow="ellipsis")
    return drawn


def _head(shown: Snapshot, columns: int) -> list[Text]:
    counts: dict[str, int] = {}
    for view in shown.views:
        counts[str(view.run.state)] = counts.get(str(view.run.state), 0) + 1
    said = " · ".join(f"{number} {word}" for word, number in counts.items()) or "no run"
    rate = f"{shown.rates[-1]:,.0f} rows/s " if shown.rates else ""
    left = Text.assemble(("synctl ", "bold"), said)
    spark = sparkline(shown.rates, max(0, min(30, columns - left.cell_len - len(rate) - 2)))
    right = Text.assemble(rate, (spark, "blue"))
    left.append(" " * max(1, columns - left.cell_len - right.cell_len))
    left.append_text(right)
    if not shown.trouble:
        return [left]
    old = f" ({duration((now_ms() - shown.at) / 1000)} old)" if shown.at and shown.views else ""
    return [left, Text(f"! {shown.trouble}{old}", style="bold red")]


def _foot(state: State, views: Sequence[RunView]) -> Text:
    run = chosen(state, views)
    if state.asks is not None and run is not None:
        return Text(f"{state.asks} {run.run.id}? y/n", style="bold reverse")
    if state.message:
        return Text(state.message, style="reverse")
    keys = KEYS if state.page is Page.RUNS else PAGE_KEYS
    return Text("  ".join(f"{key} {what}" for key, what in keys), style="dim")


def _runs(shown: Snapshot, state: State, columns: int, room: int) -> list[Text]:
    if not shown.views:
        rows = [Text(line) for line in wrap(NOTHING, columns)]
        return [*rows, *panels(shown, columns, room - len(rows))]
    tall = 2 * len(shown.views) <= max(room, 2 * FEWEST_RUNS)
    each = 2 if tall else 1
    wanted = each * len(shown.views)
    below = panels(shown, columns, room - min(wanted, max(room // 2, each * FEWEST_RUNS)))
    fitting = max(1, (room - len(below) - (0 if tall else 1)) // each)
    at = place(state, shown.views)
    first = min(max(0, at - fitting // 2), max(0, len(shown.views) - fitting))
    drawn: list[Text] = []
    for number, view in enumerate(shown.views[first : first + fitting], start=first):
        drawn.append(_run(view, columns, selected=number == at))
        if tall or number == at:
            drawn.append(_facts(view))
    return [*drawn, *below]


def _run(view: RunView, columns: int, *, selected: bool) -> Text:
    run = view.run
    name = run.id if columns >= FULL_NAME else f"{run.resource}…{run.id.rpartition('-')[2]}"
    drawn = Text.assemble(
        ("▸ " if selected else "  ", "bold"),
        (f"{name:<{NAME if columns >= FULL_NAME else 0}} ", "bold" if selected else ""),
        (f"{run.state:<{STATE}} ", STYLES.get(run.state, "")),
    )
    width = columns - drawn.cell_len - SHARE
    if columns >= WITH_BAR and width > 4:
        colour = {RunState.PARTIAL: "yellow", RunState.FAILED: "red", RunState.SUCCEEDED: "green"}.get(
            run.state, "blue"
        )
        drawn.append_text(bar(view.done + view.failed, run.total, width, colour))
    drawn.append(f"{share(view.done + view.failed, run.total):>{SHARE}}")
    return drawn


def _facts(view: RunView) -> Text:
    run, parts = view.run, [f"{view.done:,}/{view.run.total:,}"]
    if view.failed:
        quarantined = f" ({view.quarantined:,} quarantined)" if view.quarantined else ""
        parts.append(f"{view.failed:,} failed{quarantined}")
    if run.state is RunState.RUNNING and view.live.unit_rate:
        parts += [f"{view.live.row_rate:,.0f} rows/s", f"{duration(view.eta_s)} left"]
    if run.state in LIVE and view.live.shards:
        parts.append(f"lease {duration(view.silent_s)}")
    if run.state not in ACTIVE:
        parts.append(f"took {duration(view.elapsed_s)}")
    parts += [view.remark, run.label, view.current if run.state in LIVE else ""]
    return Text("    " + " · ".join(part for part in parts if part), style="dim")


def _page(shown: Snapshot, state: State, columns: int, room: int) -> list[Text]:
    run = chosen(state, shown.views)
    if state.page is Page.HELP or run is None:
        rows = [Text(row) for line in HELP.splitlines() for row in _folded(line, columns, HELP_INDENT)]
    else:
        rows = list(_details(run) if state.page is Page.DETAILS else _errors(shown, run, columns))
    top = min(state.top, max(0, len(rows) - room))
    return rows[top : top + room]


def _details(view: RunView) -> Iterator[Text]:
    run = view.run
    yield Text(run.id, style="bold")
    facts = [
        ("what", run.label),
        ("source", run.source),
        ("state", f"{run.state}{f', {view.note}' if view.note else ''}"),
        ("units", f"{view.done:,} done, {view.failed:,} failed, {run.total - view.done - view.failed:,} open"),
        ("of these", f"{view.unchanged:,} unchanged, {view.quarantined:,} quarantined"),
        ("rows", f"{view.rows:,} verified, {run.changed:,} of them new or changed"),
        ("rate", f"{view.live.unit_rate:,.1f} units/s, {view.live.row_rate:,.0f} rows/s"),
        ("left", duration(view.eta_s)),
        ("queued", iso(run.created_at)),
        ("started", iso(run.started_at) if run.started_at else "-"),
        ("ended", iso(run.finished_at) if run.finished_at else "-"),
    ]
    for name, value in facts:
        yield Text.assemble((f"{name:>9}  ", "dim"), value)
    for shard in view.live.holding if run.state in LIVE else ():
        beat = duration((now_ms() - shard.at) / 1000)
        yield Text.assemble((f"{'lease':>9}  ", "dim"), f"{shard.holder}, sign of life {beat} ago")
        yield Text.assemble((f"{'at':>9}  ", "dim"), shard.current or "-")


def _folded(line: str, columns: int, indent: int) -> list[str]:
    """Fold what is longer than the screen; what goes on of an indented line is below where it says something."""
    below = " " * min(indent, columns // 2) if line.startswith(" ") else ""
    return wrap(line, columns, subsequent_indent=below, break_on_hyphens=False) or [""]


def _errors(shown: Snapshot, view: RunView, columns: int) -> Iterator[Text]:
    yield Text(f"{view.run.id}: {view.failed:,} failed", style="bold")
    causes = [one.cause for one in shown.failures if one.run_id == view.run.id]
    if not causes:
        yield Text("no unit has failed")
    for cause in causes:
        status = f" {cause.http_status}" if cause.http_status else ""
        yield Text.assemble((f"{cause.count:>7,} × ", "bold"), (f"{cause.error_class}{status}", "red"))
        yield from map(Text, _folded(f"          {cause.message}", columns, 10))
        for row in _folded(f"          for example {cause.sample}", columns, 10):
            yield Text(row, style="dim")
    if causes:
        for row in _folded(f"`synctl retry {view.run.id}` queues them again once the run has ended.", columns, 0):
            yield Text(row, style="dim")
