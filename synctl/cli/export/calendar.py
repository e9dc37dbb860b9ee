"""iCalendar (RFC 5545): the times of a city as events, for a calendar program."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from synctl.cli.export.prayer import Selection
from synctl.errors import NotFound, UsageError
from synctl.store import reference
from synctl.store.db import Transaction
from synctl.store.methods import MADHABS
from synctl.store.prayer_times import TIME_NAMES, PrayerDay
from synctl.suggest import did_you_mean
from synctl.words import shortened

if TYPE_CHECKING:
    from collections.abc import Iterable

    from icalendar import Event

PRAYERS: Final = ("Fajr", "Dhuhr", "Asr", "Maghrib", "Isha")
_END: Final = b"END:VCALENDAR\r\n"


def parse_times(text: str | None) -> Sequence[str]:
    """Return the names in `Fajr,Sunrise`, in whatever case, in the order of the day; the prayers for None.

    Raises NotFound with the nearest name.
    """
    if text is None:
        return PRAYERS
    by_word = {name.casefold(): name for name in TIME_NAMES}
    chosen = set()
    for word in (part.strip() for part in text.split(",")):
        if word.casefold() not in by_word:
            near = did_you_mean(word, TIME_NAMES)
            raise NotFound(
                f"--times {shortened(repr(word))}: there is no such time{near}", hint=f"one of: {', '.join(TIME_NAMES)}"
            )
        chosen.add(by_word[word.casefold()])
    return [name for name in TIME_NAMES if name in chosen]


def require_one(selected: Selection) -> None:
    """Raise UsageError unless one city, one method and one madhab are selected: a calendar has one Fajr a day."""
    for what, chosen, example in (
        ("city", selected.cities, "--city London"),
        ("method", selected.methods, "--method 3"),
        ("madhab", selected.madhabs, "--madhab shafi"),
    ):
        if chosen is None or len(chosen) != 1:
            number = "none is chosen" if chosen is None else f"{len(chosen):,} are selected"
            raise UsageError(f"a calendar is of one {what}, {number}", hint=f"for example {example}")


def as_calendar(
    transaction: Transaction, selected: Selection, records: Iterable[PrayerDay], times: Sequence[str]
) -> Iterator[bytes]:
    """One event a time. All that is in it is stored, so what did not change is the same to the byte."""
    from icalendar import Calendar  # noqa: PLC0415 - 100 ms of import

    city = selected.cities[0]
    calendar = Calendar()
    calendar.add("prodid", "-//synctl//prayer times//EN")
    calendar.add("version", "2.0")
    calendar.add("calscale", "GREGORIAN")
    calendar.add("method", "PUBLISH")
    calendar.add("x-wr-calname", f"Prayer times, {city.name}, {city.country}")
    calendar.add("x-wr-timezone", city.timezone)
    yield calendar.to_ical().removesuffix(_END)
    methods = {method.id: method.name for method in reference.methods(transaction)}
    madhabs = {madhab.id: madhab.name for madhab in MADHABS}
    for day in records:
        about = f"{methods.get(day.method, day.method)}; {madhabs[day.madhab]}"
        moments = day.times
        yield b"".join(_event(day, name, moments[name], about).to_ical() for name in times)
    yield _END


def _event(day: PrayerDay, name: str, moment: datetime, about: str) -> Event:
    """A moment, without an end, that leaves its owner free. Its UID stays when a later sync corrects the time."""
    from icalendar import Event  # noqa: PLC0415

    event = Event()
    event.add("uid", f"{day.date}-{name.lower()}-{day.city.id}-{day.method}-{day.madhab}@synctl")
    event.add("dtstamp", datetime.fromtimestamp(day.synced_at // 1000, UTC))
    event.add("dtstart", moment.astimezone(UTC))
    event.add("summary", name)
    event.add("description", f"{name} {moment:%Y-%m-%d %H:%M} ({day.city.timezone}); {about}; from {day.source}")
    event.add("location", f"{day.city.name}, {day.city.country}")
    event.add("geo", (day.city.latitude, day.city.longitude))
    event.add("categories", ["Prayer times", name])
    event.add("transp", "TRANSPARENT")
    return event
