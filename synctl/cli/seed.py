"""`synctl seed`: methods, cities and madhabs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import asdict

from synctl.cli.options import JsonOption
from synctl.cli.output import count, emit, say
from synctl.cli.session import open_session
from synctl.errors import UsageError


def seed(
    cities: Annotated[
        int | None,
        typer.Option("--cities", metavar="N", min=1, help="Only the N largest; all 34,006 by default."),
    ] = None,
    cities_file: Annotated[
        str | None,
        typer.Option(
            "--cities-file", metavar="FILE", help="CSV of your own: name,country,latitude,longitude,timezone."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Load reference data: calculation methods, cities of GeoNames, madhabs.

    Repeat it freely: what is there is updated, nothing is removed. With --cities-file only your own
    cities are added; each line is checked, and if one is wrong none is stored.

    \b
    Examples:
      synctl seed
      synctl seed --cities 1000
      synctl seed --cities-file mosques.csv

    Exit codes: 0 seeded, 2 a wrong line in the file, 10 database unreachable.
    """
    from synctl.engine.stack import prepare_database  # noqa: PLC0415
    from synctl.store.reference import seed_reference  # noqa: PLC0415

    if cities_file == "":
        raise UsageError("--cities-file '' names no file")
    with open_session() as session:
        prepare_database(session.settings)
        report = seed_reference(session.database, cities, Path(cities_file) if cities_file else None)
    if json:
        emit(asdict(report))
    else:
        cities_text = "1 city" if report.cities == 1 else f"{report.cities:,} cities"
        say(
            f"Stored: {count(report.methods, 'method')}, {cities_text} and {count(report.madhabs, 'madhab')}"
            f" ({report.changed:,} new or changed)."
        )
