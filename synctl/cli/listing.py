"""Tables that fit the terminal: without what they can do without, one column folded, or a paragraph for each row."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from synctl.cli.output import STYLES, console, fitted, printable, table, table_width
from synctl.cli.script import wrapped

if TYPE_CHECKING:
    from rich.console import Console

Columns = Sequence[tuple[str, str]]
"""(title, `left` or `right`) of each."""

NARROWEST: Final = 16
"""Columns of the screen that the text which is folded gets at least."""


def draw(
    columns: Columns,
    rows: Sequence[Sequence[str]],
    *,
    expendable: Sequence[str] = (),
    elastic: str = "",
    state: str = "",
    least: int = NARROWEST,
    extra: str = "",
) -> None:
    """Print rows. `expendable` columns are left out in that order, the `elastic` one is folded, `state` is coloured.

    `least` columns are left to the elastic one before others are left out. `extra` is there where all others are.
    """
    terminal = console()
    width = terminal.width
    if extra and table_width(columns, rows) > width:
        places = [place for place, (title, _) in enumerate(columns) if title != extra]
        columns, rows = [columns[place] for place in places], [[row[place] for place in places] for row in rows]
    at = next((place for place, (title, _) in enumerate(columns) if title == elastic), None)
    measured = [[cell[:least] if place == at else cell for place, cell in enumerate(row)] for row in rows]
    kept, cut = fitted(columns, measured, width, expendable)
    titles = [title for title, _ in kept]
    shown = [[row[place] for place, (title, _) in enumerate(columns) if title in titles] for row in rows]
    if table_width(kept, cut) > width:
        _paragraphs(terminal, columns, rows, state)
        return
    state_column = titles.index(state) if state in titles else None
    drawn = table(kept, shown, state_column=state_column)
    for (title, _), column in zip(kept, drawn.columns, strict=True):
        column.no_wrap = title != elastic and elastic in titles
    terminal.print(drawn)


def _paragraphs(terminal: Console, columns: Columns, rows: Sequence[Sequence[str]], state: str) -> None:
    from rich.text import Text  # noqa: PLC0415 - with the console

    for row in rows:
        cells = dict(zip((title for title, _ in columns), row, strict=True))
        terminal.print(Text(row[0], STYLES.get(cells.get(state, "")) or "bold"), soft_wrap=True)
        told = ", ".join(f"{title.lower()} {cell}" for title, cell in list(cells.items())[1:] if cell)
        for line in wrapped(printable(told), max(terminal.width - 2, NARROWEST)):
            terminal.print(Text(f"  {line}"), soft_wrap=True)
