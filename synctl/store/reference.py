"""Reference data: cities, calculation methods and madhabs. The public names of the small modules around."""

from __future__ import annotations

from synctl.store.cities import (
    SHIPPED,
    City,
    city_names_like,
    country_cities,
    find_cities,
    find_city,
    is_timezone,
    largest_cities,
    named_cities,
    own_cities,
)
from synctl.store.city_file import read_city_file
from synctl.store.counts import Counts, counts
from synctl.store.methods import Madhab, Method, methods, parse_madhabs, parse_methods
from synctl.store.prerequisites import Missing, prerequisites
from synctl.store.seed import SeedReport, seed_cities, seed_madhabs, seed_methods, seed_reference

__all__ = [
    "SHIPPED",
    "City",
    "Counts",
    "Madhab",
    "Method",
    "Missing",
    "SeedReport",
    "city_names_like",
    "country_cities",
    "counts",
    "find_cities",
    "find_city",
    "is_timezone",
    "largest_cities",
    "methods",
    "named_cities",
    "own_cities",
    "parse_madhabs",
    "parse_methods",
    "prerequisites",
    "read_city_file",
    "seed_cities",
    "seed_madhabs",
    "seed_methods",
    "seed_reference",
]
