"""Which laws of prayer times days break. `prayer_checks` has how each is checked."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from synctl.errors import MismatchError
from synctl.processors.days import Broken, Days
from synctl.processors.prayer_checks import CHECKS, SHORT_NIGHTS, disagreement, readable

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
