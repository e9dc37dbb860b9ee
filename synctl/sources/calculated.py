"""Prayer times without a network: AlAdhan's own algorithm, calculated here by `salahlib`.

The kernel is salahlib's; this file gives it what the server gives its own: the zone offset of 09:01:01,
Ramadan where a method minds it, and no night under the midnight sun. Against the server's recorded answers
two differences remain: method 15 by a minute, and method 4 by half an hour where Ramadan ends on another day
in upstream's calendar than in that of Umm al-Qura.
"""

from __future__ import annotations

import threading
from array import array
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from datetime import date
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from hijridate import Gregorian
from salahlib import methods
from salahlib.params import Params

from synctl.errors import RejectedError
from synctl.sources.columns import interned
from synctl.sources.digest import body_hash
from synctl.sources.prayer import (
    EPOCH,
    NOTHING,
    SCHOOLS,
    Fetched,
    PrayerRequest,
    placed,
    utc_offsets,
)
from synctl.sources.sky import Sky

if TYPE_CHECKING:
    from synctl.resource import Stop

CUSTOM = 99
"""It has no angles of its own, so the kernel would calculate nonsense for it."""
RAMADAN = 9
RAMADAN_YEARS = range(1925, 2077)
"""Those whose every day has a date in the calendar of Umm al-Qura, which is published for 1924-08-01 to 2077-11-16."""
KEPT = 4
"""Places kept, 1.5 MB each for a year: the units of a city follow each other."""

_Key = tuple[float, float, str, date, date]

# The kernel declares no types for this.
_resolve: Callable[..., Params] = methods.resolve


def incalculable(methods: Iterable[int], years: Iterable[int]) -> list[int]:
    """Return the methods that cannot be calculated in one of these years."""
    if all(year in RAMADAN_YEARS for year in years):
        return []
    return [method for method in methods if _minds_ramadan(method)]


class CalculatedSource:
    """The embedded default source. Needs nothing but the time zone database."""

    name = "calculated"

    def __init__(self, stop: Stop) -> None:
        self._stop = stop
        self._kept: OrderedDict[_Key, Sky] = OrderedDict()
        # Calculating is pure Python, so threads gain nothing from doing it at once; one at a time, each finds the
        # work of those before.
        self._turn = threading.Lock()

    def fetch(self, request: PrayerRequest, known: str | None = None, waived: frozenset[str] = NOTHING) -> Fetched:
        """Every day of the request. The hash is of the times: there is no other body.

        Raises RejectedError for what cannot be calculated, `http.Interrupted` when the work must end.
        """
        first = request.first.toordinal() - EPOCH
        start = request.first.timetuple().tm_yday - 1
        numbers = range(first, request.last.toordinal() - EPOCH + 1)
        offsets = utc_offsets(request.timezone, request.first.year)[start : start + len(numbers)]
        with self._turn:
            readings = self._readings(request, offsets)
        columns = [interned(tuple(numbers)), interned(offsets), *placed([interned(tuple(one)) for one in readings])]
        digest = body_hash(request, array("q", chain.from_iterable(zip(*columns, strict=True))).tobytes())
        return Fetched([], digest, unchanged=True) if digest == known else Fetched(columns, digest)

    def close(self) -> None:
        """Hold nothing, so release nothing: a year takes less time than a person notices."""

    def _readings(self, request: PrayerRequest, offsets: tuple[int, ...]) -> Sequence[Sequence[int]]:
        usual, in_ramadan = (_params(request.method, request.madhab, ramadan=ramadan) for ramadan in (False, True))
        holy = frozenset[date]() if usual == in_ramadan else _ramadan(request.first.year)
        return self._sky(request, offsets).readings(usual, in_ramadan, holy)

    def _sky(self, request: PrayerRequest, offsets: tuple[int, ...]) -> Sky:
        key = (request.latitude, request.longitude, request.timezone, request.first, request.last)
        sky = self._kept.get(key)
        if sky is None:
            sky = Sky(request.latitude, request.longitude, request.dates, offsets, self._stop_if_asked)
            self._kept[key] = sky
            if len(self._kept) > KEPT:
                self._kept.popitem(last=False)
        return sky

    def _stop_if_asked(self) -> None:
        if self._stop.is_set():
            from synctl.sources.http import Interrupted  # noqa: PLC0415  # httpx loads slowly

            raise Interrupted


@lru_cache(maxsize=128)
def _params(method: int, madhab: int, *, ramadan: bool) -> Params:
    """Resolve what the kernel needs, but for the zone's offset."""
    if method == CUSTOM:
        raise RejectedError("method 99 (CUSTOM) needs angles of its own, so there is nothing to calculate")
    try:
        return _resolve(method, school=SCHOOLS[madhab], is_ramadan=ramadan)
    except KeyError as error:
        raise RejectedError(f"there is no method {method}") from error


def _minds_ramadan(method: int) -> bool:
    return _params(method, 0, ramadan=True) != _params(method, 0, ramadan=False)


@lru_cache(maxsize=16)
def _ramadan(year: int) -> frozenset[date]:
    """Return the days of a Gregorian year that are Ramadan by Umm al-Qura. Raises RejectedError where it has none."""
    if year not in RAMADAN_YEARS:
        raise RejectedError(f"when Ramadan falls in {year} is not known")
    start = date(year, 1, 1).toordinal()
    days = [date.fromordinal(start + count) for count in range(366)]
    return frozenset(day for day in days if Gregorian.fromdate(day).to_hijri().month == RAMADAN)
