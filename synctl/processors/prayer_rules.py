"""The laws of prayer times: every rule with its name, what it demands, and which of them days break.

What an answer says of itself (`prayer.method` and the like) the source compares with what was asked; here are the laws
of the numbers, and `prayer_checks` has how they are checked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from synctl.errors import MismatchError
from synctl.processors.days import Broken, Days
from synctl.processors.prayer_checks import CHECKS, SHORT_NIGHTS, disagreement, readable

RULES: Final[Mapping[str, str]] = {
    "prayer.dates": "every day that was asked for, once, in order",
    "prayer.method": "the method that was asked for",
    "prayer.school": "the madhab that was asked for",
    "prayer.timezone": "the time zone that was asked for",
    "prayer.coordinates": "the coordinates that were asked for, to 0.0001 degree",
    "prayer.time-format": "HH:MM, perhaps with the zone in brackets",
    "prayer.utc-offset": "the zone's offset at 09:01:01 of each day, days of clock changes included",
    "prayer.order": "Imsak, at most 20 minutes later Fajr, Sunrise, Dhuhr, Asr, Sunset, Maghrib, Isha, next Fajr; from"
    " 65° latitude on as far as there is day and night",
    "prayer.night": "Midnight in the middle of Sunset and Sunrise, Firstthird and Lastthird at its thirds, below 65°"
    " latitude",
    "prayer.dst": "no step of half an hour or an hour from one day to the next that the zone does not make",
    "prayer.sun": "Dhuhr when the sun is highest over the coordinates; Sunrise and Sunset, too, below 65° latitude",
    "prayer.hanafi-asr": "Asr of the madhab that was asked for, Hanafi's later than Shafi's, where the sun tells them"
    " apart",
    "prayer.jump": "no time moves by more than 15 minutes from one day to the next below 65° latitude, but for Isha of"
    " method 4, which is later in Ramadan",
    "prayer.agreement": "within `prayer.agreement` minutes of what the method's angles and the sun give, where that can"
    " be told",
    "prayer.city": "a known city (of stored days only)",
    "prayer.origin": "a unit that stored them (of stored days only)",
}

EXACT: Final = 5
"""Minutes. Times that agree so well cannot break the rules of IMPLIED, so nobody need look."""
IMPLIED: Final = frozenset({"prayer.dst", "prayer.sun", "prayer.hanafi-asr"})
DISAGREEING: Final = IMPLIED | {"prayer.utc-offset", "prayer.order", "prayer.jump"}
"""Rules that days seldom break without breaking `prayer.agreement`, which tells less: who accepts one accepts both."""


def verify(days: Days, waived: frozenset[str]) -> None:
    """Raise MismatchError for the first rule that the days break, unless it is waived."""
    if not days.columns:
        raise MismatchError("prayer.dates", "no day was answered")
    for rule, broken in violations(days):
        if not is_waived(rule, waived):
            raise MismatchError(rule, broken.message, sample=readable(days.rows[broken.at]))


def is_waived(rule: str, waived: frozenset[str]) -> bool:
    """Whether a rule need not hold. Days that may break one of DISAGREEING cannot be asked to agree."""
    return rule in waived or (rule == "prayer.agreement" and not waived.isdisjoint(DISAGREEING))


def violations(days: Days) -> Iterator[tuple[str, Broken]]:
    """Yield each rule that days break, with the first day that does."""
    apart = disagreement(days)
    held = IMPLIED if apart is None and _can_agree(days) else frozenset[str]()
    for rule, check in CHECKS:
        if rule not in held and (broken := check(days)) is not None:
            yield rule, broken
    if apart is not None:
        yield "prayer.agreement", apart


def _can_agree(days: Days) -> bool:
    return 0 < days.tolerance <= EXACT and abs(days.request.latitude) < SHORT_NIGHTS
