"""`synctl show`: stored data, readable. Each resource has a file of its own for it."""

from __future__ import annotations

from importlib import import_module
from typing import Annotated, Final

import msgspec
import typer

from synctl.cli.options import FromOption, JsonOption, ToOption
from synctl.errors import NotFound, UsageError
from synctl.suggest import did_you_mean
from synctl.words import shortened


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What `show` was asked for. A resource reads what selects in it; it is told of nothing that does not."""

    place: tuple[str, ...] = ()
    city: str | None = None
    method: str | None = None
    madhab: str | None = None
    on: str | None = None
    first: str | None = None
    last: str | None = None
    edition: tuple[str, ...] = ()
    section: int | None = None
    json: bool = False


SHOWN: Final = {
    "hadith": ("synctl.cli.show_hadith", frozenset({"edition", "section"})),
    "prayer": ("synctl.cli.show_prayer", frozenset({"city", "method", "madhab", "on", "first", "last"})),
    "quran": ("synctl.cli.show_quran", frozenset({"edition"})),
}
"""For each resource the module whose `show(Asked)` shows it, loaded when it is needed, and what selects in it."""
_OPTIONS: Final = {
    "city": "--city", "method": "--method", "madhab": "--madhab", "on": "--date", "first": "--from", "last": "--to",
    "edition": "--edition", "section": "--section",
}  # fmt: skip


def show(
    resource: Annotated[str, typer.Argument(metavar="RESOURCE", help="prayer, quran or hadith.")],
    place: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PLACE",
            help="quran: a surah or ayahs: 2, 2:255 or 2:255-257. hadith: an edition and numbers: eng-nawawi 1.",
        ),
    ] = None,
    city: Annotated[str | None, typer.Option("--city", metavar="NAME", help="London, London,CA or its id.")] = None,
    method: Annotated[
        str | None,
        typer.Option("--method", "--methods", metavar="LIST", help="Ids or codes; all that are stored by default."),
    ] = None,
    madhab: Annotated[
        str | None, typer.Option("--madhab", metavar="WHICH", help="shafi, hanafi or both (default).")
    ] = None,
    on: Annotated[
        str | None, typer.Option("--date", metavar="DATE", help="YYYY-MM-DD, or today (default): the city's own.")
    ] = None,
    first: FromOption = None,
    last: ToOption = None,
    edition: Annotated[
        list[str] | None,
        typer.Option("--edition", metavar="ID", help="quran-uthmani, en.sahih; all that are stored by default."),
    ] = None,
    section: Annotated[
        int | None, typer.Option("--section", metavar="N", help="hadith: those of a section; 0 are the unplaced.")
    ] = None,
    json: JsonOption = False,
) -> None:
    """Show stored data. --json: one object a line.

    prayer: a day of a city, or a range as a table. Times are the city's wall clock; `+1` marks one that falls on
    the next day. quran: ayahs in each edition, exactly as they are stored. hadith: by number, exactly as upstream
    writes it (3604.1 is not 3604.10); an edition alone lists its sections, nothing at all the editions.

    \b
    Examples:
      synctl show prayer --city London --method 3 --date today
      synctl show prayer --city Karachi --method 1 --madhab hanafi --from 2026-03-01 --to 2026-03-31
      synctl show prayer --city 2643743 --method MWL --date 2026-06-21 --json
      synctl show quran 2:255
      synctl show quran 112 --edition quran-uthmani --json
      synctl show hadith eng-nawawi 1
      synctl show hadith eng-nawawi --section 1 --json

    Exit codes: 0 shown, 2 unknown city, method or place, or nothing stored for it, 5 database not set up,
    10 database unreachable.
    """
    if resource not in SHOWN:
        raise NotFound(
            f"nothing to show for {shortened(repr(resource))}{did_you_mean(resource, SHOWN)}", hint=_one_of()
        )
    asked = Asked(
        place=tuple(place or ()), city=city, method=method, madhab=madhab, on=on, first=first, last=last,
        edition=tuple(edition or ()), section=section, json=json,
    )  # fmt: skip
    module, selecting = SHOWN[resource]
    for name, option in _OPTIONS.items():
        if getattr(asked, name) not in (None, ()) and name not in selecting:
            raise UsageError(f"{option} does not select in {resource}", hint="see `synctl show --help`")
    import_module(module).show(asked)


def _one_of() -> str:
    return f"one of: {', '.join(sorted(SHOWN))}"
