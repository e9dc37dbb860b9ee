"""The cities that somebody asks for: of a sync, an export, a coverage."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from synctl.config.settings import MAX_CITIES
from synctl.errors import NotFound, UsageError
from synctl.store import reference
from synctl.store.db import Transaction
from synctl.store.reference import City
from synctl.words import shortened


class Asked(Protocol):
    """`cities` are so many of the largest: of all, or of each `country`."""

    @property
    def cities(self) -> int | None: ...  # noqa: D102 - as above

    @property
    def city(self) -> Sequence[str]: ...  # noqa: D102

    @property
    def country(self) -> Sequence[str]: ...  # noqa: D102

    @property
    def own_cities(self) -> bool: ...  # noqa: D102


def reject_impossible(asked: Asked) -> None:
    """Raise UsageError for cities that cannot be, whatever is stored."""
    if asked.cities is None:
        return
    if not 1 <= asked.cities <= MAX_CITIES:
        raise UsageError(f"--cities {shortened(str(asked.cities))}: at least 1, at most {MAX_CITIES:,}")
    if asked.city:
        raise UsageError("--cities and --city exclude each other")
    if asked.own_cities and not asked.country:
        raise UsageError("--cities and --own-cities exclude each other")


def named(asked: Asked) -> bool:
    """Whether cities are selected otherwise than by a number of the largest."""
    return bool(asked.city or asked.country or asked.own_cities)


def selected(transaction: Transaction, asked: Asked, default: int) -> list[City]:
    """Return the cities that are selected, else the `default` largest. Raises NotFound, and where there are fewer."""
    if named(asked):
        found = reference.named_cities(transaction, asked.city, asked.country, asked.cities)
        own = reference.own_cities(transaction) if asked.own_cities else []
        if asked.own_cities and not own:
            raise NotFound("--own-cities: no city of your own is stored", hint="`synctl seed --cities-file FILE`")
        return list({city.id: city for city in (*found, *own)}.values())
    wanted = default if asked.cities is None else asked.cities
    largest = reference.largest_cities(transaction, wanted)
    if len(largest) < wanted:
        raise UsageError(
            f"{wanted:,} cities were asked for, {len(largest):,} are seeded",
            hint=f"`synctl seed --cities {wanted}`"
            if wanted <= reference.SHIPPED
            else f"{reference.SHIPPED:,} ship with synctl; `synctl seed --cities-file FILE` adds your own",
        )
    return largest
