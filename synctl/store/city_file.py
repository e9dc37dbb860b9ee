"""A user's own list of cities: CSV with the columns name, country, latitude, longitude and timezone."""

from __future__ import annotations

import csv
import io
import math
import zoneinfo
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from hashlib import blake2b
from typing import TYPE_CHECKING, Any, Final

from synctl.errors import NotFound, UsageError
from synctl.store.cities import OWN_IDS, City, is_timezone
from synctl.store.folding import fold
from synctl.suggest import did_you_mean
from synctl.words import LONGEST_PATH, shortened

if TYPE_CHECKING:
    from pathlib import Path

COLUMNS: Final = ("name", "country", "latitude", "longitude", "timezone")
SHOWN: Final = 20
"""How many wrong lines a message names; a file in the wrong format would fill the screen."""
LONGEST_NAME: Final = 200
"""Characters. The longest name of a place in the world has 168."""
_JOINERS: Final = dict.fromkeys((0x200C, 0x200D))
"""Cannot be seen, but belong to the spelling of Persian and Indic names."""


def read_city_file(path: Path) -> list[City]:
    """Return every city of the file. Raises UsageError that names every wrong line, NotFound for no file."""
    rows = _rows(_text(path), path)
    _, header = next(rows, (1, []))
    order = _order([name.strip().casefold() for name in header], path)
    cities: dict[int, tuple[City, int]] = {}
    wrong: list[str] = []
    for line, fields in rows:
        if not any(field.strip() for field in fields):
            continue
        try:
            city = _city(fields, order)
        except ValueError as error:
            meant = _meant(fields, order) if len(wrong) < SHOWN else ""
            wrong.append(f"line {line}: {error}{meant}")
            continue
        _, first = cities.setdefault(city.id, (city, line))
        if first != line:
            wrong.append(f"line {line}: {shortened(city.name)}, {city.country} stands on line {first} already")
    if wrong:
        raise UsageError(_report(path, wrong))
    if not cities:
        raise UsageError(f"{path}: holds no city")
    return [city for city, _ in cities.values()]


def city_id(name: str, country: str) -> int:
    """Return the id of a user's city: the same for the same name and country, however they are spelled."""
    text = f"{fold(name)},{country.casefold()}"
    return OWN_IDS + int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) % OWN_IDS


def _text(path: Path) -> str:
    try:
        raw = path.read_bytes()
    except FileNotFoundError as error:
        raise NotFound(f"{path}: no such file") from error
    except OSError as error:
        raise UsageError(f"{shortened(str(path), LONGEST_PATH)}: cannot be read: {error.strerror}") from error
    try:
        return raw.decode("utf-8-sig")  # spreadsheets put a byte order mark in front
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise UsageError(f"{path}: line {line}: not UTF-8 text") from error


def _rows(text: str, path: Path) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield each record with the line it starts on."""
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    line = 1
    try:
        for fields in reader:
            yield line, fields
            line = reader.line_num + 1
    except csv.Error as error:
        raise UsageError(f"{path}: line {line}: not CSV: {error}") from error


def _order(header: Sequence[str], path: Path) -> Sequence[str]:
    expected = ",".join(COLUMNS)
    for name in header:
        if name not in COLUMNS:
            near = did_you_mean(shortened(name), COLUMNS)
            raise UsageError(
                f"{path}: line 1: no column is called {shortened(repr(name))}{near}; the header is {expected}"
            )
    if missing := [name for name in COLUMNS if name not in header]:
        raise UsageError(f"{path}: line 1: {', '.join(missing)} is missing; the header is {expected}")
    if len(header) > len(COLUMNS):
        raise UsageError(f"{path}: line 1: a column stands there twice; the header is {expected}")
    return header


def _city(fields: Sequence[str], order: Sequence[str]) -> City:
    """Check one record. Raises ValueError with everything that is wrong with it."""
    if len(fields) != len(order):
        raise ValueError(f"must have {len(order)} fields, not {len(fields)}")
    given = dict(zip(order, (field.strip() for field in fields), strict=True))
    values: dict[str, Any] = {}
    wrong: list[str] = []
    for name, read in _READERS.items():
        try:
            values[name] = read(given[name])
        except ValueError as error:
            wrong.append(f"{name} {shortened(repr(given[name]))} {error}")
    if wrong:
        raise ValueError("; ".join(wrong))
    return City(id=city_id(values["name"], values["country"]), **values)


def _meant(fields: Sequence[str], order: Sequence[str]) -> str:
    """Suggest a time zone for a wrong one. Takes some milliseconds: only for what is shown."""
    if len(fields) != len(order):
        return ""
    zone = fields[order.index("timezone")].strip()
    return "" if is_timezone(zone) else did_you_mean(shortened(zone), _timezones())


@cache
def _timezones() -> Sequence[str]:
    return [zone for zone in sorted(zoneinfo.available_timezones()) if is_timezone(zone)]


def _name(text: str) -> str:
    if not any(letter.isalpha() for letter in text):
        raise ValueError("has no letter")
    if not text.translate(_JOINERS).isprintable():
        raise ValueError("has a character that cannot be printed")
    if len(text) > LONGEST_NAME:
        raise ValueError(f"is longer than {LONGEST_NAME} characters")
    return text


def _country(text: str) -> str:
    if len(text) != 2 or not (text.isascii() and text.isalpha()):
        raise ValueError("is not a country of two letters, such as GB")
    return text.upper()


def _degrees(limit: int) -> Callable[[str], float]:
    def read(text: str) -> float:
        try:
            value = float(text.replace("_", "?"))  # Python's own 1_0 is nobody's 10
        except ValueError:
            raise ValueError("is not a number of degrees, such as 51.50853") from None
        if not math.isfinite(value) or abs(value) > limit:
            raise ValueError(f"is not between -{limit} and {limit}")
        if value == 0:
            raise ValueError("is exactly 0, which AlAdhan refuses: write 0.00001, a metre away")
        return value

    return read


def _timezone(text: str) -> str:
    if not is_timezone(text):
        raise ValueError("is not an IANA time zone such as Europe/London")
    return text


_READERS: Final[Mapping[str, Callable[[str], object]]] = {
    "name": _name,
    "country": _country,
    "latitude": _degrees(90),
    "longitude": _degrees(180),
    "timezone": _timezone,
}


def _report(path: Path, wrong: Sequence[str]) -> str:
    lines = [f"{path}: {len(wrong):,} wrong {'line' if len(wrong) == 1 else 'lines'}, so nothing was stored"]
    lines += [f"  {line}" for line in wrong[:SHOWN]]
    if len(wrong) > SHOWN:
        lines.append(f"  and {len(wrong) - SHOWN:,} more")
    return "\n".join(lines)
