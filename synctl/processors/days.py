"""Days of a place as they are checked: by row and by column, with the sun over them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import NamedTuple

import msgspec
from msgspec.structs import astuple

from synctl.processors.sun import HIGH_LATITUDE, Sun, sun
from synctl.sources.columns import Column, extremes
from synctl.sources.prayer import DayTimes, Span


class Columns(NamedTuple):
    """The columns of days, in the order of DayTimes."""

    day: Column
    offset: Column
    fajr: Column
    rise: Column
    noon: Column
    asr: Column
    fall: Column
    maghrib: Column
    isha: Column
    imsak: Column
    middle: Column
    third: Column
    last: Column


class Broken(NamedTuple):
    """A day that breaks a rule, by its place among those that were given."""

    at: int
    message: str


class Days(msgspec.Struct, frozen=True, dict=True):  # its dict is where cached properties are kept
    """Days of what was asked for: none missing, in order, unless `prayer.dates` says otherwise.

    `columns` are in the order of DayTimes; no days, no columns. `tolerance`: minutes that `prayer.agreement` allows; 0:
    it is not looked at.
    """

    request: Span
    columns: Sequence[Column]
    tolerance: int = 0

    @property
    def high(self) -> bool:
        """Whether there are days here without a sunrise or a sunset."""
        return abs(self.request.latitude) >= HIGH_LATITUDE

    @cached_property
    def of(self) -> Columns:
        """The columns by name; there must be some days."""
        return Columns(*self.columns)

    @cached_property
    def rows(self) -> list[DayTimes]:
        """A row for each day."""
        return list(zip(*self.columns, strict=True))

    @cached_property
    def sun(self) -> Sun:
        """Where the sun is on these days."""
        first, last = extremes(self.of.day)
        there = sun(self.request.latitude, self.request.longitude, first, last - first + 1)
        places = [day - first for day in self.of.day]
        if places == list(range(len(places))):
            return there
        return Sun(*[tuple(column[at] for at in places) for column in astuple(there)])
