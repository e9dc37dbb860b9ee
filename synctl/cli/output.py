"""What commands write: JSON for machines, and numbers, ages and tables for people."""

from __future__ import annotations

import json
import os
import shutil
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from synctl import words
from synctl.clock import iso

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

count, printable = words.count, words.printable

GAP = 3
"""Columns between two of a table."""
STYLES = {
    "queued": "cyan",
    "running": "bold blue",
    "pausing": "yellow",
    "paused": "yellow",
    "cancelling": "magenta",
    "cancelled": "magenta",
    "succeeded": "green",
    "partial": "bold yellow",
    "failed": "bold red",
    "quarantined": "bold magenta",
    "done": "green",
    "pending": "cyan",
    "leased": "blue",
}


def emit(document: object) -> None:
    """Write one JSON document on one line."""
    sys.stdout.write(json.dumps(document, ensure_ascii=False, separators=(", ", ": ")) + "\n")


def emit_lines(documents: Iterable[object]) -> int:
    """Write one JSON document a line; return how many."""
    number = 0
    for number, document in enumerate(documents, start=1):  # noqa: B007 - the last number is the count
        emit(document)
    return number


def say(text: str = "") -> None:
    """Write a line for people: on a terminal without what that would obey, since others wrote some of it."""
    sys.stdout.write(f"{printable(text) if sys.stdout.isatty() else text}\n")


def warn(text: str) -> None:
    """Write a line to standard error."""
    sys.stderr.write(f"synctl: {printable(text)}\n")


def program() -> str:
    """Return how this program is called here: `synctl` where that is on PATH, else the path that was typed."""
    typed = sys.argv[0]
    found = shutil.which("synctl")
    if typed.endswith("__main__.py") or (found and Path(typed).exists() and Path(found).samefile(typed)):
        return "synctl"
    return os.path.relpath(typed) if Path(typed).is_absolute() else typed


def console() -> Console:
    """Return the terminal, as wide as it is; wide enough for every table where it is none."""
    from rich.console import Console  # noqa: PLC0415 - 40 ms of import

    if not sys.stdout.isatty():
        return Console(width=200, highlight=False, soft_wrap=False)
    made = Console(highlight=False, soft_wrap=False)
    fit(made)
    return made


def fit(terminal: Console, *, spare: int = 0) -> None:
    """Take the terminal's own size, less some columns; rich would trust COLUMNS and LINES, which may be stale."""
    from rich.console import ConsoleDimensions  # noqa: PLC0415

    columns, lines = os.get_terminal_size(sys.stdout.fileno())
    if columns and lines:  # 0 where nobody said
        terminal.size = ConsoleDimensions(max(columns - spare, 1), lines)


def table(
    columns: Sequence[tuple[str, str]], rows: Iterable[Sequence[str]], *, state_column: int | None = None
) -> Table:
    """Build a table of (title, `left` or `right`) columns; the state's column is coloured by its word."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    built = Table(box=SIMPLE_HEAD, pad_edge=False, padding=(0, 1), show_edge=False)
    for title, justify in columns:
        built.add_column(title, justify="right" if justify == "right" else "left", overflow="fold")
    for row in rows:
        cells = [Text(printable(cell)) for cell in row]
        if state_column is not None:
            cells[state_column].stylize(STYLES.get(row[state_column], ""))
        built.add_row(*cells)
    return built


def fitted(
    columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]], width: int, expendable: Sequence[str]
) -> tuple[list[tuple[str, str]], list[list[str]]]:
    """Leave out what a table can do without until it fits: columns with nothing in them, then those named, in order."""
    kept, widths = list(range(len(columns))), _widths(columns, rows)
    empty = [at for at in kept if not any(row[at] for row in rows)]
    named = [at for title in expendable for at in kept if columns[at][0] == title and at not in empty]
    for at in (*empty, *named):
        if _width([widths[place] for place in kept]) <= width:
            break
        kept.remove(at)
    return [columns[at] for at in kept], [[row[at] for at in kept] for row in rows]


def table_width(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> int:
    """Return how many columns of the screen a table takes where nothing is folded."""
    return _width(_widths(columns, rows))


def minute(ms: int) -> str:
    """`2026-11-24 10:14 UTC`: for people, who need no seconds."""
    when = iso(ms)
    return f"{when[:10]} {when[11:16]} UTC"


def age(ms: int | None, now: int) -> str:
    """`12 min`, `4 d`: the larger unit says enough."""
    return "-" if ms is None else " ".join(duration((now - ms) / 1000).split()[:2])


def duration(seconds: float | None) -> str:
    """`4.2 s`, `3 min 05 s`, `2 h 07 min`, `4 d 3 h`; a dash for None."""
    if seconds is None:
        return "-"
    if seconds < 10:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    if whole < 86_400:
        return f"{whole // 3600} h {whole % 3600 // 60:02d} min"
    return f"{whole // 86_400} d {whole % 86_400 // 3600} h"


def _widths(columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]]) -> list[int]:
    from rich.cells import cell_len  # noqa: PLC0415 - with the table

    return [
        max(len(title), *(cell_len(printable(row[at])) for row in rows)) if rows else len(title)
        for at, (title, _) in enumerate(columns)
    ]


def _width(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)
