"""What a schedule of the configuration means to the engine: a resource and a selection."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from synctl import dates
from synctl.config import Settings
from synctl.config.schedules import Schedule
from synctl.engine import registry
from synctl.errors import ConfigError, NotFound
from synctl.resource import Selectors
from synctl.suggest import did_you_mean
from synctl.words import shortened


def require_resources(settings: Settings) -> None:
    """Raise ConfigError, with file and line, where a schedule names a resource that is not installed."""
    for error in wrong_resources(settings):
        raise error


def wrong_resources(settings: Settings) -> Iterator[ConfigError]:
    """Yield an error for each schedule whose resource is not installed."""
    for name, schedule in settings.schedule.items():
        if schedule.resource not in registry.names():
            key = f"schedule.{name}.resource"
            where = settings.origins.get(key, "the configuration")
            yield ConfigError(
                f"{where}: {key} = {shortened(repr(schedule.resource))}: no such resource"
                f"{did_you_mean(schedule.resource, registry.names())}",
                hint=f"one of: {', '.join(registry.names())}",
            )


def require(settings: Settings, name: str) -> Schedule:
    """Return a schedule by its name. Raises NotFound with the nearest one."""
    found = settings.schedule.get(name)
    if found is None:
        known = f"one of: {', '.join(settings.schedule)}" if settings.schedule else "the configuration has none"
        raise NotFound(f"no schedule {shortened(repr(name))}{did_you_mean(name, settings.schedule)}", hint=known)
    return found


def arguments(schedule: Schedule) -> list[str]:
    """Return what to write behind `synctl enqueue` for the same selection; days stay words."""
    many = {"--city": schedule.city, "--country": schedule.country}
    many |= {"--edition": schedule.edition, "--collection": schedule.collection}
    one = {
        "--cities": schedule.cities,
        "--methods": schedule.methods,
        "--madhab": schedule.madhab,
        "--year": schedule.year,
        "--from": schedule.first,
        "--to": schedule.last,
        "--source": schedule.source,
        "--if-stale": schedule.if_stale,
    }
    written = [schedule.resource, *(["--own-cities"] if schedule.own_cities else [])]
    for option, values in {**many, **{name: () if value is None else (value,) for name, value in one.items()}}.items():
        for value in values:
            written += [option, str(value)]
    return written


def selectors(schedule: Schedule, today: date) -> Selectors:
    """Return what a schedule selects on a day."""
    return Selectors(
        cities=schedule.cities,
        city=schedule.city,
        country=schedule.country,
        own_cities=schedule.own_cities,
        methods=schedule.methods,
        madhab=schedule.madhab,
        year=schedule.year,
        first=dates.day(schedule.first, today) if schedule.first else None,
        last=dates.day(schedule.last, today) if schedule.last else None,
        edition=schedule.edition,
        collection=schedule.collection,
        source=schedule.source,
    )
