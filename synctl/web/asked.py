"""What callers may ask and order: the parameters of URLs, and the bodies."""

from __future__ import annotations

from datetime import date
from typing import Annotated

import msgspec
from msgspec import Meta

from synctl import dates
from synctl.clock import now_ms, today
from synctl.config.settings import MAX_CITIES
from synctl.engine.enqueue import Order
from synctl.errors import UsageError
from synctl.resource import Selectors
from synctl.states import RunState, UnitState
from synctl.words import shortened

Limit = Annotated[int, Meta(ge=1, le=500, description="At most so many.")]
Reason = Annotated[str, Meta(max_length=500, description="Why; kept in the audit trail.")]
Name = Annotated[str, Meta(min_length=1, max_length=100)]
Names = Annotated[list[Name], Meta(max_length=1000)]
Place = Annotated[int, Meta(ge=0, le=2**53, description="Where the page begins, as the page before says in `next`.")]
Age = Annotated[
    str,
    Meta(max_length=20, description="An age: 30m, 12h, 7d, 2w.", extra_json_schema={"pattern": "^[0-9]{1,5}[mhdw]$"}),
]
Day = Annotated[
    str,
    Meta(
        max_length=20,
        description="YYYY-MM-DD, today, tomorrow or yesterday.",
        extra_json_schema={"pattern": "^([0-9]{4}-[0-9]{2}-[0-9]{2}|today|tomorrow|yesterday)$"},
    ),
]
"""The patterns are for the document: what does not fit is told in better words than theirs."""


Since = Annotated[
    str,
    Meta(
        max_length=20,
        description="An age, or a date: 30m, 12h, 7d, 2w, YYYY-MM-DD, today, yesterday.",
        extra_json_schema={"pattern": "^([0-9]{1,5}[mhdw]|[0-9]{4}-[0-9]{2}-[0-9]{2}|today|tomorrow|yesterday)$"},
    ),
]


class _Strict(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    pass


class ListQuery(_Strict):
    """Which runs. `since`: without those that had ended by then."""

    state: list[RunState] = []
    resource: Name | None = None
    since: Since | None = None
    limit: Limit = 50
    before: Place | None = None


class UnitsQuery(_Strict):
    """Which units."""

    state: list[UnitState] = []
    limit: Limit = 100
    after: Place | None = None


class ErrorsQuery(_Strict):
    """Which of the units that failed."""

    limit: Limit = 100
    after: Place | None = None


class Because(_Strict):
    """The body of pause, resume, cancel, retry and delete; it may be left out."""

    reason: Reason = ""


class NewRun(_Strict):
    """A selection, and how to queue it: what `synctl enqueue` takes as options."""

    resource: Name
    cities: Annotated[int, Meta(ge=1, le=MAX_CITIES)] | None = None
    city: Names = []
    country: Names = []
    own_cities: bool = False
    methods: Name | None = None
    madhab: Name | None = None
    year: Annotated[int, Meta(ge=1, le=9999)] | None = None
    first: Day | None = msgspec.field(name="from", default=None)
    last: Day | None = msgspec.field(name="to", default=None)
    edition: Names = []
    collection: Names = []
    source: Name | None = None
    accept_shrink: bool = False
    force: bool = False
    if_stale: Age | None = None
    no_wait: bool = False
    shards: Annotated[int, Meta(ge=1, le=1000)] | None = None
    reason: Reason = ""

    def selectors(self) -> Selectors:
        """Return the selection. Raises UsageError."""
        return Selectors(
            cities=self.cities,
            city=tuple(self.city),
            country=tuple(self.country),
            own_cities=self.own_cities,
            methods=self.methods,
            madhab=self.madhab,
            year=self.year,
            first=_day(self.first, "from"),
            last=_day(self.last, "to"),
            edition=tuple(self.edition),
            collection=tuple(self.collection),
            source=self.source,
            accept_shrink=self.accept_shrink,
        )

    def order(self) -> Order:
        """Return how it is queued. Raises UsageError."""
        return Order(
            force=self.force,
            shards=self.shards,
            reason=self.reason,
            no_wait=self.no_wait,
            if_stale=seconds(self.if_stale, "if_stale"),
        )


def seconds(text: str | None, name: str) -> int | None:
    """Return the seconds of an age. Raises UsageError."""
    found = None if text is None else dates.seconds(text)
    if text is not None and found is None:
        raise UsageError(f"{name}: {shortened(repr(text))} is no age", hint="write 45m, 12h, 30d or 2w")
    return found


def moment(text: str | None, name: str) -> int:
    """Return the moment, in milliseconds, of an age ago or of a date; 0 for none. Raises UsageError."""
    found = 0 if text is None else dates.since(text, now_ms())
    if found is None:
        raise UsageError(f"{name}: {shortened(repr(text))} is no age and no date", hint="write 12h, 7d or YYYY-MM-DD")
    return found


def _day(text: str | None, name: str) -> date | None:
    found = None if text is None else dates.day(text, today())
    if text is not None and found is None:
        raise UsageError(f"{name}: {shortened(repr(text))} is no date", hint="write YYYY-MM-DD or `today`")
    return found
