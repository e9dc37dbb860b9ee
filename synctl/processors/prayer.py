"""Prayer times: a unit is a city, a method, a madhab and a calendar span; it stores a row a day."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from importlib import import_module
from typing import Final

import msgspec

from synctl.config import Settings, Upstream
from synctl.errors import NotFound, UsageError
from synctl.processors import prayer_cities, prayer_days
from synctl.processors.prayer_laws import RULES
from synctl.processors.prayer_unit import basis
from synctl.processors.selection import reject_foreign
from synctl.resource import Context, Finding, Missing, Plan, Selectors, Session, Unit
from synctl.sources.prayer import PrayerSource
from synctl.store import reference
from synctl.store.db import Database, Transaction
from synctl.store.reference import City
from synctl.suggest import did_you_mean
from synctl.words import count, shortened


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
MODULES: Final[Mapping[str, Sequence[str]]] = {
    "calculated": ("synctl.sources.calculated",),
    "aladhan": ("synctl.sources.aladhan", "synctl.sources.http"),
}
"""What opening a source imports."""


CONNECTIONS_PER_SPARE: Final = 4
"""A unit is verified in a twentieth of the time that an upstream in the same country takes to answer. But answers come
in bursts, and a connection rests until a thread is free to ask again."""

_SELECTORS: Final = ("cities", "city", "country", "own_cities", "methods", "madhab", "year", "first", "last")


class _Selection(msgspec.Struct):
    """The `params` of a plan, read back."""

    cities: list[tuple[int, float, float, str]]
    methods: frozenset[int]
    madhabs: frozenset[int]
    start: date = msgspec.field(name="from")
    end: date = msgspec.field(name="to")


class PrayerResource:
    """The `prayer` resource."""

    name = "prayer"
    rules = RULES

    def prerequisites(self, database: Database, settings: Settings) -> Sequence[Missing]:
        """At least 15 methods, 100 cities with coordinates and zones that can be, both madhabs."""
        with database.read() as transaction:
            return reference.prerequisites(transaction, settings)

    def plan(self, selectors: Selectors, database: Database, settings: Settings, today: date) -> Plan:
        """Resolve cities, methods, madhabs and dates to units, a city after the other."""
        reject_nonsense(selectors, "enqueue")
        source = settings.prayer.source if selectors.source is None else selectors.source
        if source not in SOURCES:
            raise NotFound(
                f"no prayer source {shortened(repr(source))}{did_you_mean(source, SOURCES)}", hint=_one_of(SOURCES)
            )
        spans = prayer_days.spans(*prayer_days.dates(selectors, today))
        with database.read() as transaction:
            chosen = prayer_cities.selected(transaction, selectors, settings.prayer.cities)
            wanted = "all" if selectors.methods is None else selectors.methods
            methods = [method.id for method in reference.parse_methods(transaction, wanted)]
        if source == "calculated":
            _reject_incalculable(methods, spans)
        madhabs = reference.parse_madhabs("both" if selectors.madhab is None else selectors.madhab)
        return Plan(
            resource=self.name,
            source=source,
            params={
                # Coordinates and zone are part of what is asked: a corrected city is another selection.
                "cities": [
                    [city.id, city.latitude, city.longitude, city.timezone]
                    for city in sorted(chosen, key=lambda one: one.id)
                ],
                "methods": sorted(methods),
                "madhabs": sorted(madhabs),
                "from": spans[0][0].isoformat(),
                "to": spans[-1][1].isoformat(),
            },
            label=_label(chosen, methods, madhabs, spans),
            total=len(chosen) * len(methods) * len(madhabs) * len(spans),
            units=_units(chosen, methods, madhabs, spans),
        )

    def audit(self, transaction: Transaction, settings: Settings) -> Iterator[Finding]:
        """Check every stored day, a city after the other."""
        from synctl.processors import prayer_audit  # noqa: PLC0415 - only `verify` and `doctor` look at what is stored

        return prayer_audit.audit(transaction, settings.prayer.agreement)

    def overlap(self, one: Mapping[str, object], other: Mapping[str, object]) -> bool:
        """Whether they share a city, a method, a madhab and a day."""
        first, second = (msgspec.convert(params, _Selection) for params in (one, other))
        return (
            first.start <= second.end
            and second.start <= first.end
            and not first.madhabs.isdisjoint(second.madhabs)
            and not first.methods.isdisjoint(second.methods)
            and not {city for city, *_ in first.cities}.isdisjoint(city for city, *_ in second.cities)
        )

    def concurrency(self, source: str, settings: Settings) -> int:
        """Return the source's setting, for an upstream more, so that no connection rests while a unit is verified."""
        concurrency = settings.sources[source].concurrency
        asks = isinstance(settings.sources[source], Upstream)
        return concurrency + 1 + concurrency // CONNECTIONS_PER_SPARE if asks else concurrency

    def preload(self, settings: Settings) -> None:
        """Import the configured source, and read whom it trusts: an eighth of a second for what asks by HTTP."""
        for module in ("synctl.processors.prayer_session", *MODULES[settings.prayer.source]):
            import_module(module)
        if settings.prayer.source != "calculated":
            from synctl.sources import transport  # noqa: PLC0415 - only the source in use is loaded

            transport.preload(settings.http.transport)

    def open(self, source: str, context: Context) -> Session:
        """Open a source by its name."""
        from synctl.processors.prayer_session import PrayerSession  # noqa: PLC0415 - a command asks nothing

        return PrayerSession(SOURCES[source](context), context.settings.prayer.agreement)


RESOURCE: Final = PrayerResource()


def reject_nonsense(selectors: Selectors, command: str) -> None:
    """Raise UsageError for selectors of another resource and for cities that cannot be; `command` is who asks."""
    reject_foreign(selectors, _SELECTORS, "prayer times", f"see `synctl {command} --help`")
    prayer_cities.reject_impossible(selectors)


def _units(
    cities: Sequence[City], methods: Sequence[int], madhabs: Sequence[int], spans: Sequence[tuple[date, date]]
) -> Iterator[Unit]:
    for city in cities:
        for first, last in spans:
            larger = prayer_days.larger(first, last)
            for method in methods:
                for madhab in madhabs:
                    group = f"{city.id}/{method}/{madhab}"
                    yield Unit(
                        f"{group}/{first}..{last}",
                        [
                            city.id, city.latitude, city.longitude, city.timezone, method, madhab,
                            first.isoformat(), last.isoformat(),
                        ],
                        covered_by=[f"{group}/{start}..{end}" for start, end in larger],
                        rows=(last - first).days + 1,
                        basis=basis(city.latitude, city.longitude, city.timezone),
                    )  # fmt: skip


def _reject_incalculable(methods: Sequence[int], spans: Sequence[tuple[date, date]]) -> None:
    from synctl.sources.calculated import RAMADAN_YEARS, incalculable  # noqa: PLC0415 - only the source in use

    if refused := incalculable(methods, [first.year for first, _ in spans]):
        which = " and ".join(map(str, refused))
        others = ",".join(str(method) for method in methods if method not in refused)
        raise UsageError(
            f"{'method' if len(refused) == 1 else 'methods'} {which} cannot be calculated outside of"
            f" {RAMADAN_YEARS[0]} to {RAMADAN_YEARS[-1]}: when Ramadan falls is not known",
            hint=f"--methods {others} can" if others else "choose another method",
        )


def _label(
    cities: Sequence[City], methods: Sequence[int], madhabs: Sequence[int], spans: Sequence[tuple[date, date]]
) -> str:
    first, last = spans[0][0], spans[-1][1]
    whole = (first.month, first.day, last.month, last.day) == (1, 1, 12, 31)
    years = str(first.year) if first.year == last.year else f"{first.year}-{last.year}"
    when = years if whole else str(first) if first == last else f"{first} to {last}"
    where = f"{cities[0].name}, {cities[0].country}" if len(cities) == 1 else f"{len(cities):,} cities"
    return f"{where} × {count(len(methods), 'method')} × {count(len(madhabs), 'madhab')}, {when}"


def _one_of(names: Mapping[str, object]) -> str:
    return f"one of: {', '.join(sorted(names))}"
