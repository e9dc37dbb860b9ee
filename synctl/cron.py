"""Cron expressions in a time zone: the moments they name, as Debian's cron counts them, and their meaning in words.

A time that the clocks skip in spring comes at the first minute after the gap; one that they show twice in autumn comes
at the first. Where the hour is `*`, every hour that passes counts. Moments are milliseconds since the Unix epoch.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import dropwhile, islice, takewhile
from zoneinfo import ZoneInfo

import msgspec

EXAMPLE = "15 2 * * *"
BEYOND_ANY_FOLD_MS = 3 * 3_600_000
"""Clocks are never set back further; looking back starts so much later, since in a fold it would skip times."""


class Cron(msgspec.Struct, frozen=True):
    """Five fields (minute, hour, day of the month, month, weekday) and an IANA time zone, both known to be right."""

    expression: str
    timezone: str

    def after(self, moment: int) -> Iterator[int]:
        """Yield the moments after one, in order; it ends where the next lies more than 50 years ahead."""
        return (found for found in self._walk(moment, reverse=False) if found > moment)

    def between(self, after: int, until: int, *, newest: int) -> list[int]:
        """Return those after `after` and not after `until`, in order: if there are more, the `newest`."""
        backwards = self._walk(until + BEYOND_ANY_FOLD_MS, reverse=True)
        past = dropwhile(lambda moment: moment > until, backwards)
        return list(islice(takewhile(lambda moment: moment > after, past), newest))[::-1]

    def words(self) -> str:
        """`At 02:15 every day`."""
        from cronsim import CronSim  # noqa: PLC0415 - only who has schedules needs it

        return CronSim(self.expression, datetime.now(UTC)).explain()

    def local(self, moment: int) -> datetime:
        """Return a moment as the clocks of the time zone show it."""
        return datetime.fromtimestamp(moment / 1000, ZoneInfo(self.timezone))

    def _walk(self, moment: int, *, reverse: bool) -> Iterator[int]:
        from cronsim import CronSim  # noqa: PLC0415

        for found in CronSim(self.expression, self.local(moment), reverse=reverse):
            yield round(found.timestamp() * 1000)


def wrong_expression(text: str) -> str | None:
    """What is wrong with an expression, as the end of the sentence `cron: …`; None if nothing is."""
    from cronsim import CronSim, CronSimError  # noqa: PLC0415

    if len(text.split()) != 5:
        return f"must have five fields, minute hour day month weekday, such as {EXAMPLE!r}"
    try:
        next(CronSim(text, datetime(2026, 1, 1, tzinfo=UTC)))
    except CronSimError as error:
        field = str(error).removeprefix("Bad ")
        return f"its {field} cannot be; it has five fields, minute hour day month weekday, such as {EXAMPLE!r}"
    except StopIteration:
        return "names no day that ever comes"
    return None
