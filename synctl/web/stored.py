"""What is stored, by REST."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from msgspec import Meta

from synctl.clock import now_ms, today
from synctl.config.settings import MAX_CITIES
from synctl.engine import registry
from synctl.errors import UsageError
from synctl.processors import prayer_coverage
from synctl.resource import Edited
from synctl.store import coverage
from synctl.web import documents
from synctl.web.asked import Age, Name, seconds
from synctl.web.operations import Answer, Call, Operation


class PrayerQuery(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is asked of prayer times; `older_than` and `limit` of editions, too."""

    year: Annotated[int, Meta(ge=1, le=9999)] | None = None
    city: list[Name] = []
    country: list[Name] = []
    own_cities: bool = False
    cities: Annotated[int, Meta(ge=1, le=MAX_CITIES)] | None = None
    methods: Name | None = None
    madhab: Name | None = None
    older_than: Age | None = None
    limit: Annotated[int, Meta(ge=1, le=1000)] = 100

    def only_of_editions(self) -> bool:
        """Whether nothing is asked that only prayer times have."""
        return msgspec.structs.replace(self, older_than=None, limit=100) == PrayerQuery()


def show_coverage(call: Call) -> Answer:
    """Show what is stored of each resource, in short."""
    with call.backend.database.read() as transaction:
        return Answer({"resources": [one.as_json() for one in coverage.overview(transaction)]})


def show_resource_coverage(call: Call) -> Answer:
    """Show the cities of prayer times, those that lack most first, or the editions of another resource."""
    query: PrayerQuery = call.query
    name = call.path["resource"]
    age = seconds(query.older_than, "older_than")
    if name == "prayer":
        return Answer({"resource": name, "cities": _cities(call, age), "editions": []})
    resource = registry.load(name)
    if not query.only_of_editions():
        raise UsageError(f"{name} has no cities, methods and years")
    since = 0 if age is None else now_ms() - age * 1000
    with call.backend.database.read() as transaction:
        held = resource.holdings(transaction) if isinstance(resource, Edited) else ()
    shown = [one.as_json(name, since) for one in held if one.wanted]
    return Answer({"resource": name, "cities": [], "editions": shown[: query.limit]})


def this_year() -> int:
    """Return the year of which coverage is told by default."""
    return today().year


def _cities(call: Call, age: int | None) -> list[dict[str, object]]:
    query: PrayerQuery = call.query
    asked = prayer_coverage.Question(
        year=prayer_coverage.parse_year(query.year), city=query.city, country=query.country,
        own_cities=query.own_cities, cities=query.cities, methods=query.methods, madhab=query.madhab,
        limit=query.limit, older_than=query.older_than, max_age_s=age,
    )  # fmt: skip
    with call.backend.database.read() as transaction:
        expected = prayer_coverage.pairs(transaction, asked)
        found = prayer_coverage.found(transaction, asked, expected)
    return [one.as_json() for one in found[: query.limit]]


OPERATIONS: Final = (
    Operation(
        method="GET", path="/api/coverage", summary="Show what is stored", call=show_coverage,
        answers={200: documents.Coverage},
    ),
    Operation(
        method="GET", path="/api/coverage/{resource}", summary="Show what is stored of a resource",
        call=show_resource_coverage, query=PrayerQuery, answers={200: documents.ResourceCoverage}, problems=(404, 422),
    ),
)  # fmt: skip
