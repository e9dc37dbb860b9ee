"""Draws cities × months: what is stored of a year, in as many columns as there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

import msgspec

from synctl.cli.output import age
from synctl.store.coverage import CityYear

if TYPE_CHECKING:
    from rich.text import Text

MONTHS: Final = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WIDE: Final = 76
"""Columns from which a month has three of them, and names still 14; below, a month has one."""
SHORTEST_NAME: Final = 6
SHARE, AGE = 6, 8
"""Columns of the share of the year and of the oldest sync, with the space before them."""


FULL, PART, NONE = "█", "▒", "·"
"""Told apart by the character; the colour only helps. Where there is room, a part is written in percent."""


def percent(stored: int, expected: int) -> int:
    """Return the share in whole percent: 100 only where all is stored, 0 only where nothing is."""
    return 100 if stored >= expected else max(stored * 100 // expected, 1 if stored else 0)


def draw(years: Sequence[CityYear], shown: int, width: int, now: int) -> list[Text]:
    """Return a heading, a line for each of the first `shown` cities, and one for all of them."""
    from rich.cells import cell_len  # noqa: PLC0415 - rich is 40 ms of import

    cell = 3 if width >= WIDE else 1
    months = len(MONTHS) * (cell + 1) if cell == 3 else len(MONTHS) + 1
    labels = [f"{one.city.name}, {one.city.country}" for one in years[:shown]]
    room = max(width - months - SHARE - AGE, SHORTEST_NAME)
    name = min(room, max((cell_len(label) for label in labels), default=SHORTEST_NAME))
    stored = [sum(month) for month in zip(*(one.stored for one in years), strict=True)]
    expected = [sum(month) for month in zip(*(one.expected for one in years), strict=True)]
    oldest = min((one.oldest for one in years if one.oldest is not None), default=None)
    row = _Row(name, cell, now)
    return [
        _heading(name, cell),
        *(
            row.line(label, one.stored, one.expected, one.oldest)
            for label, one in zip(labels, years[:shown], strict=True)
        ),
        row.line("TOTAL", stored, expected, oldest, style="bold"),
    ]


def legend(width: int) -> Text:
    """Return what the marks mean."""
    from rich.text import Text  # noqa: PLC0415

    cell = 3 if width >= WIDE else 1
    part = "46%" if cell == 3 else PART
    return Text.assemble(
        (FULL * cell, "green"), " full  ", (part, "yellow"), " part  ", (NONE, "red"), " none",
    )  # fmt: skip


class _Row(msgspec.Struct, frozen=True):
    name: int
    cell: int
    now: int

    def line(
        self, label: str, stored: Sequence[int], expected: Sequence[int], oldest: int | None, style: str = ""
    ) -> Text:
        from rich.cells import cell_len, set_cell_size  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        cut = label if cell_len(label) <= self.name else f"{set_cell_size(label, self.name - 1)}…"
        line = Text(set_cell_size(cut, self.name), style=style, no_wrap=True, overflow="crop")
        line.append("" if self.cell == 3 else " ")
        for have, want in zip(stored, expected, strict=True):
            line.append(" " if self.cell == 3 else "")
            line.append_text(self._month(have, want))
        share = percent(sum(stored), sum(expected))
        line.append(f"{share}%".rjust(SHARE))
        line.append(age(oldest, self.now).rjust(AGE))
        return line

    def _month(self, have: int, want: int) -> Text:
        from rich.text import Text  # noqa: PLC0415

        if have >= want:
            return Text(FULL * self.cell, "green")
        if not have:
            return Text(NONE.center(self.cell), "red")
        return Text(f"{percent(have, want)}%".rjust(3) if self.cell == 3 else PART, "yellow")


def _heading(name: int, cell: int) -> Text:
    from rich.text import Text  # noqa: PLC0415

    months = "".join(f" {month}" for month in MONTHS) if cell == 3 else f" {''.join(month[0] for month in MONTHS)}"
    return Text(
        f"{'CITY':{name}}{months.upper()}{'ALL':>{SHARE}}{'OLDEST':>{AGE}}", "bold", no_wrap=True, overflow="crop"
    )
