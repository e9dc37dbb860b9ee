"""The selectors of `enqueue` and `run`: declared once, and turned into what a resource resolves."""

from __future__ import annotations

from typing import Annotated

import typer

from synctl.cli.options import FromOption, ToOption, parse_date
from synctl.clock import today
from synctl.resource import Selectors

__all__ = [
    "CitiesOption",
    "CityOption",
    "CountryOption",
    "ForceOption",
    "FromOption",
    "MadhabOption",
    "MethodsOption",
    "ResourceArgument",
    "SourceOption",
    "ToOption",
    "YearOption",
    "chosen",
]

ResourceArgument = Annotated[str, typer.Argument(metavar="RESOURCE", help="prayer, quran or hadith.")]
CitiesOption = Annotated[int | None, typer.Option("--cities", metavar="N", help="The N largest cities.")]
CityOption = Annotated[
    list[str] | None,
    typer.Option("--city", metavar="NAME", help="A city: London, London,CA or its id. Repeatable."),
]
CountryOption = Annotated[
    list[str] | None,
    typer.Option("--country", metavar="CC", help="Its cities (PK, ID). Repeatable; --cities limits."),
]
MethodsOption = Annotated[
    str | None,
    typer.Option("--methods", "--method", metavar="LIST", help="all, or ids or codes: 3,4 or MWL,MAKKAH."),
]
MadhabOption = Annotated[str | None, typer.Option("--madhab", metavar="WHICH", help="both, shafi or hanafi.")]
YearOption = Annotated[int | None, typer.Option("--year", metavar="YYYY", help="A calendar year; this one by default.")]
SourceOption = Annotated[
    str | None, typer.Option("--source", metavar="NAME", help="Where from: calculated or aladhan for prayer.")
]
ForceOption = Annotated[bool, typer.Option("--force", help="Sync again what succeeded today.")]


def chosen(
    *,
    cities: int | None,
    city: list[str] | None,
    country: list[str] | None,
    methods: str | None,
    madhab: str | None,
    year: int | None,
    first: str | None,
    last: str | None,
    source: str | None,
) -> Selectors:
    """Return what the operator selected. Raises UsageError for what is no date."""
    return Selectors(
        cities=cities,
        city=tuple(city or ()),
        country=tuple(country or ()),
        methods=methods,
        madhab=madhab,
        year=year,
        first=parse_date(first, "--from", today()),
        last=parse_date(last, "--to", today()),
        source=source,
    )
