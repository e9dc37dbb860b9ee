"""The tables `[schedule.NAME]`: when to sync what. Like the other settings, each key is declared once, here."""

from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

from synctl import dates
from synctl.config.declare import BadValueError, Group, setting
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


class Schedule(Group, frozen=True):
    """A sync that `synctl schedule run` queues by the clock. NAME is yours: small letters, digits, `-` and `_`."""

    cron: Annotated[
        str, setting("When: minute, hour, day of the month, month, weekday, as in a crontab. Must be given.", _cron)
    ] = REQUIRED
    timezone: Annotated[str, setting("Whose clock that is: an IANA name.", _timezone)] = "UTC"
    resource: Annotated[str, setting("What to sync: prayer, quran or hadith. Must be given.", _resource)] = REQUIRED
    cities: Annotated[
        int | None,
        setting(
            "Which of it: what `synctl enqueue` takes, under the same names. Only what is given counts.", _positive
        ),
    ] = None
    city: Annotated[
        tuple[str, ...],
        setting("A text, or a list of them; so are country, edition and collection.", normalise=_no_blank),
    ] = ()
    country: Annotated[tuple[str, ...], setting("ISO codes.", normalise=_no_blank)] = ()
    own_cities: Annotated[bool, setting("true: the cities of your own file.")] = False
    methods: Annotated[str | None, setting("all, or ids or codes: 3,4 or MWL,MAKKAH.")] = None
    madhab: Annotated[str | None, setting("both, shafi or hanafi.")] = None
    year: Annotated[
        int | None, setting("A calendar year; without one, and without days, the present one.", _positive)
    ] = None
    first: Annotated[
        str | None,
        setting(
            "First day: YYYY-MM-DD, today, tomorrow or yesterday, as of the date (UTC) on which a slot is queued.",
            _day,
            written="from",
        ),
    ] = None
    last: Annotated[str | None, setting("Last day, included.", _day, written="to")] = None
    edition: Annotated[tuple[str, ...], setting("Of the Quran or of hadith.", normalise=_no_blank)] = ()
    collection: Annotated[tuple[str, ...], setting("Of hadith.", normalise=_no_blank)] = ()
    source: Annotated[str | None, setting("Where from; by default that of the resource.")] = None
    if_stale: Annotated[
        str | None,
        setting(
            "Ask only for what was synced longer ago: 45m, 12h, 30d, 2w. Needed to sync more than once a day.", _age
        ),
    ] = None
    overlap: Annotated[
        Overlap,
        setting("While a run of this schedule is active: skip the slot, queue another run, or replace the active one."),
    ] = Overlap.SKIP
    catch_up: Annotated[
        str,
        setting(
            "How late a slot may be done when nothing ran at its time; of several only the latest is. 0: none.", _window
        ),
    ] = "6h"
    enabled: Annotated[bool, setting("false: it rests, and what it misses is not made up for.")] = True

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
