"""The tables `[schedule.NAME]`: when to sync what. Like the other settings, each key is declared once, here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final

from synctl import dates
from synctl.config.declare import BadValueError, described, setting
from synctl.cron import EXAMPLE, Cron, wrong_expression
from synctl.suggest import did_you_mean

REQUIRED: Final = ""
"""The default of a key that every schedule must have."""
AGES: Final = "45m, 12h, 30d or 2w"


class Overlap(StrEnum):
    """What becomes of a slot while a run of an earlier one is active."""

    SKIP = "skip"
    QUEUE = "queue"
    REPLACE = "replace"


def _cron(text: str) -> str | None:
    return wrong_expression(text) if text else f"must not be empty; write {EXAMPLE!r}"


def _timezone(name: str) -> str | None:
    from zoneinfo import ZoneInfo, available_timezones  # noqa: PLC0415 - only for files with schedules

    try:
        ZoneInfo(name)
    except (KeyError, ValueError, OSError):  # unknown; a path; a folder of zones
        return f"is no time zone{did_you_mean(name, available_timezones())}; write one such as Europe/Berlin"
    return None


def _resource(name: str) -> str | None:
    return None if name else "must name a resource, such as prayer"


def _age(text: str | None) -> str | None:
    return None if text is None or dates.seconds(text) is not None else f"is no age: write {AGES}"


def _window(text: str) -> str | None:
    return None if text == "0" or dates.seconds(text) is not None else f"is no time: write 0, {AGES}"


def _day(text: str | None) -> str | None:
    known = text is None or dates.day(text, datetime.now(UTC).date()) is not None
    return None if known else "is no date: write YYYY-MM-DD, today, tomorrow or yesterday"


def _positive(number: int | None) -> str | None:
    return None if number is None or number > 0 else "must be more than 0"


def _no_blank(values: tuple[str, ...], *_: object) -> tuple[str, ...]:
    if not all(value.strip() for value in values):
        raise BadValueError("must not hold an empty text")
    return values


@dataclass(frozen=True, slots=True)
class Schedule:
    """A sync that `synctl schedule run` queues by the clock. NAME is yours: small letters, digits, `-` and `_`."""

    cron: str = setting(
        REQUIRED,
        "When: minute, hour, day of the month, month, weekday, as in a crontab. Must be given.",
        _cron,
    )
    timezone: str = setting("UTC", "Whose clock that is: an IANA name.", _timezone)
    resource: str = setting(REQUIRED, "What to sync: prayer, quran or hadith. Must be given.", _resource)
    cities: int | None = setting(
        None, "Which of it: what `synctl enqueue` takes, under the same names. Only what is given counts.", _positive
    )
    city: tuple[str, ...] = setting(
        (), "A text, or a list of them; so are country, edition and collection.", normalise=_no_blank
    )
    country: tuple[str, ...] = setting((), "ISO codes.", normalise=_no_blank)
    own_cities: bool = setting(default=False, doc="true: the cities of your own file.")
    methods: str | None = setting(None, "all, or ids or codes: 3,4 or MWL,MAKKAH.")
    madhab: str | None = setting(None, "both, shafi or hanafi.")
    year: int | None = setting(None, "A calendar year; without one, and without days, the present one.", _positive)
    first: str | None = setting(
        None,
        "First day: YYYY-MM-DD, today, tomorrow or yesterday, as of the date (UTC) on which a slot is queued.",
        _day,
        written="from",
    )
    last: str | None = setting(None, "Last day, included.", _day, written="to")
    edition: tuple[str, ...] = setting((), "Of the Quran or of hadith.", normalise=_no_blank)
    collection: tuple[str, ...] = setting((), "Of hadith.", normalise=_no_blank)
    source: str | None = setting(None, "Where from; by default that of the resource.")
    if_stale: str | None = setting(
        None, "Ask only for what was synced longer ago: 45m, 12h, 30d, 2w. Needed to sync more than once a day.", _age
    )
    overlap: Overlap = field(
        default=Overlap.SKIP,
        metadata=described(
            "While a run of this schedule is active: skip the slot, queue another run, or replace the active one."
        ),
    )
    catch_up: str = setting(
        "6h",
        "How late a slot may be done when nothing ran at its time; of several only the latest is. 0: none.",
        _window,
    )
    enabled: bool = setting(default=True, doc="false: it rests, and what it misses is not made up for.")

    @property
    def when(self) -> Cron:
        """Its moments."""
        return Cron(self.cron, self.timezone)

    @property
    def catch_up_s(self) -> int:
        """`catch_up` in seconds."""
        return dates.seconds(self.catch_up) or 0

    @property
    def if_stale_s(self) -> int | None:
        """`if_stale` in seconds."""
        return None if self.if_stale is None else dates.seconds(self.if_stale)
