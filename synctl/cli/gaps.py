"""What is missing of a year of prayer times, as orders to `synctl enqueue`."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from shlex import join
from typing import Final

import msgspec

from synctl.store.coverage import CityYear
from synctl.store.db import Transaction
from synctl.store.methods import MADHABS
from synctl.store.reference import City, find_cities

CITIES_PER_COMMAND: Final = 50
"""Cities that lack the same are ordered at once: as one run, in a line that a terminal can still show."""


class Gap(msgspec.Struct, frozen=True):
    """Days of a city, of whole months, that some methods with some madhabs lack."""

    city: City
    selector: str
    first: date
    last: date
    methods: tuple[int, ...]
    madhabs: tuple[int, ...]

    @property
    def madhab(self) -> str:
        """The madhabs as `--madhab` takes them."""
        codes = [madhab.code for madhab in MADHABS if madhab.id in self.madhabs]
        return "both" if len(codes) == len(MADHABS) else ",".join(codes)

    def as_json(self) -> dict[str, object]:
        """Return the stable fields of `coverage prayer --gaps --json`."""
        return {
            "resource": "prayer",
            "city": self.selector,
            "city_id": self.city.id,
            "from": self.first.isoformat(),
            "to": self.last.isoformat(),
            "methods": list(self.methods),
            "madhab": self.madhab,
        }


def gaps(transaction: Transaction, years: Iterable[CityYear]) -> Iterator[Gap]:
    """Yield what is missing, a city after the other: one gap for all that lacks the same months in a row."""
    for one in years:
        spans: dict[tuple[int, int], dict[int, set[int]]] = {}
        for (method, madhab), months in one.missing.items():
            for span in _runs(months):
                spans.setdefault(span, {}).setdefault(method, set()).add(madhab)
        selector = _selector(transaction, one.city) if spans else ""
        for (start, end), methods in sorted(spans.items()):
            first, last = date(one.year, start, 1), date(one.year, end, monthrange(one.year, end)[1])
            for madhabs, alike in _alike(methods).items():
                yield Gap(one.city, selector, first, last, tuple(sorted(alike)), madhabs)


def commands(found: Iterable[Gap], program: str, all_methods: Collection[int], *, force: bool) -> Iterator[str]:
    """Yield a command line for each group of cities that lack the same."""
    groups: dict[tuple[date, date, tuple[int, ...], str], list[str]] = {}
    for gap in found:
        groups.setdefault((gap.first, gap.last, gap.methods, gap.madhab), []).append(gap.selector)
    for (first, last, methods, madhab), cities in groups.items():
        whole = (first.month, first.day, last.month, last.day) == (1, 1, 12, 31)
        days = ["--year", str(first.year)] if whole else ["--from", str(first), "--to", str(last)]
        listed = "all" if set(methods) == set(all_methods) else ",".join(str(method) for method in methods)
        options = ["--methods", listed, "--madhab", madhab, *days, *(["--force"] if force else [])]
        for at in range(0, len(cities), CITIES_PER_COMMAND):
            named = [word for city in cities[at : at + CITIES_PER_COMMAND] for word in ("--city", city)]
            yield join([program, "enqueue", "prayer", *named, *options])


def _runs(months: Sequence[int]) -> Iterator[tuple[int, int]]:
    """Cut ascending months into (first, last) of those that follow each other."""
    start = 0
    for at, month in enumerate(months):
        if at + 1 == len(months) or months[at + 1] != month + 1:
            yield months[start], month
            start = at + 1


def _alike(methods: dict[int, set[int]]) -> dict[tuple[int, ...], list[int]]:
    """Gather the methods that lack the same madhabs: a command orders each of them with each of these."""
    gathered: dict[tuple[int, ...], list[int]] = {}
    for method, madhabs in methods.items():
        gathered.setdefault(tuple(sorted(madhabs)), []).append(method)
    return gathered


def _selector(transaction: Transaction, city: City) -> str:
    """Return `London,GB` where that means this city and no other, else its id."""
    named = f"{city.name},{city.country}"
    return named if [one.id for one in find_cities(transaction, named)] == [city.id] else str(city.id)
