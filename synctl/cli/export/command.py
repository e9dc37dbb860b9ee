"""`synctl export`: write stored data to a file or a pipe, as it is read."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import PurePath
from typing import Annotated, Final, cast

import typer
from msgspec.structs import replace

from synctl.cli.destination import STDOUT, destination, refuse_existing
from synctl.cli.export import calendar, formats, hadith, prayer, quran
from synctl.cli.export.dataset import Dataset
from synctl.cli.export.parquet import as_parquet
from synctl.cli.meter import Meter
from synctl.cli.output import count, duration, warn
from synctl.cli.selectors import (
    CitiesOption,
    CityOption,
    CollectionOption,
    CountryOption,
    EditionOption,
    FromOption,
    MadhabOption,
    MethodsOption,
    OwnCitiesOption,
    ToOption,
    chosen,
)
from synctl.cli.session import open_session
from synctl.errors import NotFound, UsageError
from synctl.resource import Selectors
from synctl.store.db import Transaction
from synctl.store.prayer_times import PrayerDay
from synctl.suggest import did_you_mean
from synctl.words import LONGEST_PATH, shortened

Write = Callable[[Dataset], Iterator[bytes]]

_DATASETS: Final[dict[str, Callable[[Transaction, Selectors], Dataset]]] = {
    "hadith": hadith.dataset,
    "prayer": prayer.dataset,
    "quran": quran.dataset,
}
_WRITERS: Final[dict[str, Write]] = {
    "csv": formats.as_csv,
    "json": formats.as_json,
    "ndjson": formats.as_ndjson,
    "parquet": as_parquet,
}
_ICS: Final = "ics"
_FORMATS: Final = (*_WRITERS, _ICS)
_BINARY: Final = "parquet"
_NAMED: Final = 3
"""Cities without data that the summary names."""


def export(
    resource: Annotated[str, typer.Argument(metavar="RESOURCE", help="prayer, quran or hadith.")],
    format: Annotated[
        str | None,
        typer.Option(
            "--format",
            "-f",
            metavar="NAME",
            help="csv, json, ndjson, parquet or ics; by default the file's ending, ndjson for -.",
        ),
    ] = None,
    output: Annotated[
        str, typer.Option("--output", "-o", metavar="FILE", help="Where to; - (default) is standard output.")
    ] = STDOUT,
    cities: CitiesOption = None,
    city: CityOption = None,
    country: CountryOption = None,
    own_cities: OwnCitiesOption = False,
    methods: MethodsOption = None,
    madhab: MadhabOption = None,
    year: Annotated[int | None, typer.Option("--year", metavar="YYYY", help="A calendar year.")] = None,
    first: FromOption = None,
    last: ToOption = None,
    edition: EditionOption = None,
    collection: CollectionOption = None,
    times: Annotated[
        str | None,
        typer.Option("--times", metavar="LIST", help="ics: which times; Fajr,Dhuhr,Asr,Maghrib,Isha by default."),
    ] = None,
    force: Annotated[bool, typer.Option("--force", help="Overwrite a file that exists.")] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on success.")] = False,
) -> None:
    """Write stored data to a file or a pipe: all of it, or what is selected. Changes nothing.

    The whole export is one snapshot of the database, streamed, so it takes the same memory whatever its size. A file
    appears under its name when it is complete. json and ndjson have the fields of `show --json`, csv the same as
    columns, parquet typed ones (pip install '.[parquet]' in the checkout). ics is a calendar of one city, method
    and madhab.

    \b
    Examples:
      synctl export prayer --format csv --output times.csv
      synctl export prayer --city London --method 3 --year 2026 --format ndjson | head -1
      synctl export prayer --city London --method 3 --madhab hanafi --times Fajr,Isha -o london.ics
      synctl export quran --edition quran-uthmani -o quran.json
      synctl export hadith --collection bukhari -o bukhari.parquet --force

    Exit codes: 0 written, 1 the disk is full, 2 usage, unknown city, method or edition, nothing stored of what is
    selected, or the file exists; 5 database not set up, 10 database unreachable.
    """
    if resource not in _DATASETS:
        known = ", ".join(_DATASETS)
        raise NotFound(
            f"nothing to export for {shortened(repr(resource))}{did_you_mean(resource, _DATASETS)}",
            hint=f"one of: {known}",
        )
    kind = _kind(format, output, resource, times)
    refuse_existing(output, force=force)
    selectors = chosen(
        cities=cities, city=city, country=country, own_cities=own_cities, methods=methods, madhab=madhab, year=year,
        first=first, last=last, edition=edition, collection=collection, source=None, accept_shrink=False,
    )  # fmt: skip
    meter = Meter(quiet=quiet, to_stdout=output == STDOUT)
    with open_session() as session, session.database.read() as transaction:
        write: Write = _WRITERS[kind] if kind != _ICS else _calendar(transaction, selectors, times)
        dataset = _started(_DATASETS[resource](transaction, selectors))
        chunks = write(replace(dataset, records=meter.counted(dataset.records)))
        try:
            with destination(output) as written:
                for chunk in chunks:
                    written.write(chunk)
        finally:
            meter.wipe()
    if not quiet:
        pace = f"in {duration(meter.elapsed_s)}{_lacking(dataset)}"
        warn(f"{count(meter.rows, 'row')}, {count(written.size, 'byte')} written to {written.name} {pace}")


def _kind(format: str | None, output: str, resource: str, times: str | None) -> str:
    """Return the format that is named, or that the file's ending names. Raises UsageError for what cannot be."""
    ending = PurePath(output).suffix.lower().removeprefix(".")
    kind = format or ("ndjson" if output == STDOUT else ending)
    if kind not in _FORMATS:
        what = (
            f"--format {shortened(repr(kind))}"
            if format
            else f"{shortened(output, LONGEST_PATH)} does not say its format"
        )
        raise UsageError(f"{what}{did_you_mean(kind, _FORMATS)}", hint=f"--format is one of: {', '.join(_FORMATS)}")
    if kind == _ICS and resource != "prayer":
        raise UsageError(f"{resource} is no calendar", hint="ics is a format of prayer times")
    if kind != _ICS and times is not None:
        raise UsageError(f"--times selects in a calendar, not in {kind}", hint="--format ics")
    if kind == _BINARY and output == STDOUT and sys.stdout.isatty():
        raise UsageError("parquet is not for a terminal", hint="--output FILE, or a pipe")
    return kind


def _started(dataset: Dataset) -> Dataset:
    """Read the first record, before anything is written. Raises NotFound where there is none."""
    records = iter(dataset.records)
    for first in records:
        return replace(dataset, records=chain([first], records))
    raise NotFound(
        "nothing is stored of what is selected",
        hint=f"`{dataset.enqueue} …` syncs it, `synctl coverage` shows what there is",
    )


def _calendar(transaction: Transaction, selectors: Selectors, times: str | None) -> Write:
    named = calendar.parse_times(times)
    selected = prayer.selection(transaction, selectors)
    calendar.require_one(selected)

    def write(dataset: Dataset) -> Iterator[bytes]:
        records = cast("Iterator[PrayerDay]", dataset.records)
        return calendar.as_calendar(transaction, selected, records, named)

    return write


def _lacking(dataset: Dataset) -> str:
    if not dataset.lacking:
        return ""
    more = len(dataset.lacking) - _NAMED
    named = "; ".join(dataset.lacking[:_NAMED])
    return f"; nothing stored of {named}{f' and {more:,} more' if more > 0 else ''}"
