"""Prayer times: a unit is a city, a method, a madhab and a calendar span; it stores a row a day."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Final

from synctl.config import Settings
from synctl.errors import NotFound, UsageError
from synctl.resource import Batch, Context, Missing, Plan, Rows, Selectors, Table, Unit
from synctl.sources.prayer import TIME_NAMES, PrayerRequest, PrayerSource
from synctl.store import reference
from synctl.store.db import Database, Transaction
from synctl.store.reference import City
from synctl.suggest import did_you_mean

TABLE: Final = Table(
    "prayer_time",
    key=("city_id", "method_id", "madhab_id", "day"),
    values=("utc_offset", *(name.lower() for name in TIME_NAMES)),
)
FIRST_YEAR, LAST_YEAR = 1900, 2200
"""Outside of these the formulas drift, and zones were not kept."""


def _calculated(context: Context) -> PrayerSource:
    from synctl.sources.calculated import CalculatedSource  # noqa: PLC0415 - only the source in use is loaded

    return CalculatedSource(context.stop)


def _aladhan(context: Context) -> PrayerSource:
    from synctl.sources.aladhan import AladhanSource  # noqa: PLC0415 - only the source in use is loaded
    from synctl.sources.http import fetcher  # noqa: PLC0415

    return AladhanSource(fetcher("aladhan", context))


SOURCES: Final[Mapping[str, Callable[[Context], PrayerSource]]] = {
    "calculated": _calculated,
    "aladhan": _aladhan,
}


@dataclass(frozen=True, slots=True)
class PrayerSession:
    """An opened source of prayer times."""

    source: PrayerSource

    def process(self, spec: Sequence[object]) -> Batch:
        """Fetch, decode and verify one unit of [city, latitude, longitude, timezone, method, madhab, first, last]."""
        city, latitude, longitude, timezone, method, madhab, first, last = spec
        request = PrayerRequest(
            latitude=float(str(latitude)),
            longitude=float(str(longitude)),
            timezone=str(timezone),
            method=int(str(method)),
            madhab=int(str(madhab)),
            first=date.fromisoformat(str(first)),
            last=date.fromisoformat(str(last)),
        )
        fetched = self.source.fetch(request)
        key = (city, method, madhab)
        rows: list[tuple[object, ...]] = [key + day for day in fetched.days]
        return Batch([Rows(TABLE, rows)], body_hash=fetched.body_hash, attempts=fetched.attempts)

    def close(self) -> None:
        """Interrupt requests under way."""
        self.source.close()


class PrayerResource:
    """The `prayer` resource."""

    name = "prayer"

    def prerequisites(self, database: Database, settings: Settings) -> Sequence[Missing]:
        """At least 15 methods, 100 cities with coordinates and zones that can be, both madhabs."""
        with database.read() as transaction:
            return reference.prerequisites(transaction, settings)

    def plan(self, selectors: Selectors, database: Database, settings: Settings, today: date) -> Plan:
        """Resolve cities, methods, madhabs and dates to units, a city after the other."""
        _reject_foreign(selectors)
        source = selectors.source or settings.prayer.source
        if source not in SOURCES:
            raise NotFound(f"no prayer source {source!r}{did_you_mean(source, SOURCES)}", hint=_one_of(SOURCES))
        spans = _spans(*_dates(selectors, today))
        with database.read() as transaction:
            cities = _cities(transaction, selectors, settings)
            methods = [method.id for method in reference.parse_methods(transaction, selectors.methods or "all")]
        madhabs = reference.parse_madhabs(selectors.madhab or "both")
        return Plan(
            resource=self.name,
            source=source,
            params={
                # Coordinates and zone are part of what is asked: a corrected city is another selection.
                "cities": [
                    [city.id, city.latitude, city.longitude, city.timezone]
                    for city in sorted(cities, key=lambda one: one.id)
                ],
                "methods": sorted(methods),
                "madhabs": sorted(madhabs),
                "from": spans[0][0].isoformat(),
                "to": spans[-1][1].isoformat(),
            },
            label=_label(cities, methods, madhabs, spans),
            total=len(cities) * len(methods) * len(madhabs) * len(spans),
            units=_units(cities, methods, madhabs, spans),
        )

    def concurrency(self, source: str, settings: Settings) -> int:
        """Return the source's own setting."""
        return settings.sources[source].concurrency

    def open(self, source: str, context: Context) -> PrayerSession:
        """Open a source by its name."""
        return PrayerSession(SOURCES[source](context))


RESOURCE: Final = PrayerResource()


def _cities(transaction: Transaction, selectors: Selectors, settings: Settings) -> list[City]:
    chosen: dict[int, City] = {}
    for text in selectors.city:
        city = reference.find_city(transaction, text)
        chosen[city.id] = city
    for code in selectors.country:
        found = reference.country_cities(transaction, code)
        if not found:
            raise NotFound(f"no city in country {code!r}", hint="use a two-letter code such as PK, and `synctl seed`")
        for city in found[: selectors.cities]:
            chosen[city.id] = city
    if not selectors.city and not selectors.country:
        wanted = selectors.cities if selectors.cities is not None else settings.prayer.cities
        for city in reference.largest_cities(transaction, wanted):
            chosen[city.id] = city
        if len(chosen) < wanted:
            raise UsageError(
                f"{wanted:,} cities were asked for, {len(chosen):,} are seeded",
                hint=f"`synctl seed --cities {wanted}`",
            )
    return list(chosen.values())


def _units(
    cities: Sequence[City], methods: Sequence[int], madhabs: Sequence[int], spans: Sequence[tuple[date, date]]
) -> Iterator[Unit]:
    for city in cities:
        for first, last in spans:
            for method in methods:
                for madhab in madhabs:
                    yield Unit(
                        f"{city.id}/{method}/{madhab}/{first}..{last}",
                        [
                            city.id, city.latitude, city.longitude, city.timezone, method, madhab,
                            first.isoformat(), last.isoformat(),
                        ],
                    )  # fmt: skip


def _dates(selectors: Selectors, today: date) -> tuple[date, date]:
    if selectors.year is not None:
        if selectors.first or selectors.last:
            raise UsageError("--year and --from/--to exclude each other")
        first, last = _year(selectors.year)
    elif selectors.first or selectors.last:
        first = selectors.first or today
        last = selectors.last or selectors.first or today
    else:
        first, last = _year(today.year)
    if first > last:
        raise UsageError(f"--from {first} lies after --to {last}")
    if first.year < FIRST_YEAR or last.year > LAST_YEAR:
        raise UsageError(f"{first} to {last}: years {FIRST_YEAR} to {LAST_YEAR} can be synced")
    return first, last


def _year(year: int) -> tuple[date, date]:
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise UsageError(f"--year {year}: years {FIRST_YEAR} to {LAST_YEAR} can be synced")
    return date(year, 1, 1), date(year, 12, 31)


def _spans(first: date, last: date) -> list[tuple[date, date]]:
    """Cut a range at what one call answers: whole years where it covers them, months elsewhere."""
    spans: list[tuple[date, date]] = []
    start = first
    while start <= last:
        year_end = date(start.year, 12, 31)
        month_end = date(start.year, start.month, monthrange(start.year, start.month)[1])
        whole_year = (start.month, start.day) == (1, 1) and year_end <= last
        end = year_end if whole_year else min(month_end, last)
        spans.append((start, end))
        start = date.fromordinal(end.toordinal() + 1)
    return spans


def _reject_foreign(selectors: Selectors) -> None:
    for option, value in (("--edition", selectors.edition), ("--collection", selectors.collection)):
        if value:
            raise UsageError(f"{option} does not select prayer times", hint="see `synctl enqueue --help`")
    if selectors.cities is not None and selectors.cities < 1:
        raise UsageError(f"--cities {selectors.cities}: at least 1")
    if selectors.cities is not None and selectors.city:
        raise UsageError("--cities and --city exclude each other")


def _label(
    cities: Sequence[City], methods: Sequence[int], madhabs: Sequence[int], spans: Sequence[tuple[date, date]]
) -> str:
    first, last = spans[0][0], spans[-1][1]
    whole = (first.month, first.day, last.month, last.day) == (1, 1, 12, 31)
    years = str(first.year) if first.year == last.year else f"{first.year}-{last.year}"
    when = years if whole else str(first) if first == last else f"{first} to {last}"
    where = cities[0].name if len(cities) == 1 else f"{len(cities):,} cities"
    return f"{where} × {_count(len(methods), 'method')} × {_count(len(madhabs), 'madhab')}, {when}"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def _one_of(names: Mapping[str, object]) -> str:
    return f"one of: {', '.join(sorted(names))}"
