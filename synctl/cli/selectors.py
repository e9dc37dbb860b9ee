"""The selectors of `enqueue` and `run`: declared once, and turned into what a resource resolves."""

from __future__ import annotations

from typing import Annotated

import typer

from synctl.cli.options import FromOption, ToOption, parse_date
from synctl.clock import today
from synctl.resource import Selectors

__all__ = [
    "AcceptShrinkOption",
    "CitiesOption",
    "CityOption",
    "CollectionOption",
    "CountryOption",
    "EditionOption",
    "ForceOption",
    "FromOption",
    "IfStaleOption",
    "MadhabOption",
    "MethodsOption",
    "OwnCitiesOption",
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
OwnCitiesOption = Annotated[bool, typer.Option("--own-cities", help="Your own cities, of `seed --cities-file`.")]
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
EditionOption = Annotated[
    list[str] | None,
    typer.Option("--edition", metavar="ID", help="Of the Quran: en.sahih; of hadith: eng-bukhari; or all. Repeatable."),
]
CollectionOption = Annotated[
    list[str] | None,
    typer.Option("--collection", metavar="NAME", help="Hadith: bukhari, or an edition, eng-bukhari. Repeatable."),
]
AcceptShrinkOption = Annotated[
    bool,
    typer.Option("--accept-shrink", help="Hadith: store an edition of over 1 % fewer hadiths or grades than before."),
]
SourceOption = Annotated[
    str | None,
    typer.Option("--source", metavar="NAME", help="Where from: calculated or aladhan; packaged or alquran."),
]
IfStaleOption = Annotated[
    str | None,
    typer.Option("--if-stale", metavar="AGE", help="Ask only for what was synced longer ago: 30m, 12h, 7d, 2w."),
]
ForceOption = Annotated[bool, typer.Option("--force", help="Sync again what succeeded today.")]


def chosen(
    *,
    cities: int | None,
    city: list[str] | None,
    country: list[str] | None,
    own_cities: bool,
    methods: str | None,
    madhab: str | None,
    year: int | None,
    first: str | None,
    last: str | None,
    edition: list[str] | None,
    collection: list[str] | None,
    source: str | None,
    accept_shrink: bool,
) -> Selectors:
    """Return what the operator selected. Raises UsageError for what is no date."""
    return Selectors(
        cities=cities,
        city=tuple(city or ()),
        country=tuple(country or ()),
        own_cities=own_cities,
        methods=methods,
        madhab=madhab,
        year=year,
        first=parse_date(first, "--from", today()),
        last=parse_date(last, "--to", today()),
        edition=tuple(edition or ()),
        collection=tuple(collection or ()),
        source=source,
        accept_shrink=accept_shrink,
    )
