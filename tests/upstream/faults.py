"""What can go wrong with an upstream, on demand and always the same way for the same seed."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import blake2b


class Kind(StrEnum):
    """Each with what its `detail` means."""

    RATE_LIMIT = "rate-limit"
    """429. Detail: the seconds of Retry-After, "date 3" for the same as a date, nothing for no such header."""
    ERROR = "error"
    """A status, by default 500."""
    TRUNCATE = "truncate"
    """Half of the body that Content-Length announced."""
    RESET = "reset"
    """The connection is reset before a byte was answered."""
    HANG = "hang"
    """Silence until `Faults.released` or for so many seconds, by default 60; then the right answer."""
    TRICKLE = "trickle"
    """The right answer, a piece each 20 ms. Detail: bytes in a piece, by default 1."""
    NOT_JSON = "not-json"
    """A web page with status 200."""
    REFUSED = "refused"
    """An error envelope with status 200. Detail: its code, by default 400."""
    ELSEWHERE = "elsewhere"
    """A redirect to another host."""
    LOOP = "loop"
    """A redirect to itself."""
    WRONG_METHOD = "wrong-method"
    WRONG_SCHOOL = "wrong-school"
    WRONG_TIMEZONE = "wrong-timezone"
    WRONG_COORDINATES = "wrong-coordinates"
    WRONG_DATE = "wrong-date"
    MISSING_DAY = "missing-day"
    EXTRA_DAY = "extra-day"
    MISSING_MONTH = "missing-month"
    NO_TIME = "no-time"
    """Like the eight above, in one day in the middle of the body only: a time is "-----"."""
    BEND = "bend"
    """A right answer bent as the detail says, which is one of the `BENDS` of the upstream's own stand-in."""

    @property
    def of_the_domain(self) -> bool:
        """Whether it bends a right answer, as only that upstream's own stand-in can."""
        return self in _OF_THE_DOMAIN


_OF_THE_DOMAIN = frozenset(
    {
        Kind.WRONG_METHOD,
        Kind.WRONG_SCHOOL,
        Kind.WRONG_TIMEZONE,
        Kind.WRONG_COORDINATES,
        Kind.WRONG_DATE,
        Kind.MISSING_DAY,
        Kind.EXTRA_DAY,
        Kind.MISSING_MONTH,
        Kind.NO_TIME,
        Kind.BEND,
    }
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One rule. It strikes requests whose parameters include `only`, the `first` of each unit, by chance."""

    kind: Kind
    detail: str = ""
    only: Mapping[str, str] = field(default_factory=dict)
    first: int | None = None
    probability: float = 1.0


class Faults:
    """The rules of a server, changed at any time. The first that fits a request strikes."""

    def __init__(self, *faults: Fault, seed: int = 0, latency: float = 0.0) -> None:
        self.rules = list(faults)
        self.seed = seed
        self.latency = latency
        self.released = threading.Event()
        self._asked: Counter[Hashable] = Counter()
        self._guard = threading.Lock()

    def choose(self, unit: Hashable, params: Mapping[str, str]) -> Fault | None:
        """Choose the fault of the next request for a unit; chance depends on seed, unit and count, not on time."""
        with self._guard:
            self._asked[unit] += 1
            count = self._asked[unit]
            rules = list(self.rules)
        for number, fault in enumerate(rules):
            meant = all(params.get(name) == value for name, value in fault.only.items())
            early = fault.first is None or count <= fault.first
            if meant and early and self._chance(unit, count, number) < fault.probability:
                return fault
        return None

    def _chance(self, *of: object) -> float:
        digest = blake2b(repr((self.seed, *of)).encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64


_RULE = re.compile(
    r"(?P<kind>[a-z-]+)(\((?P<detail>[^)]*)\))?(?P<only>(@[a-z]+=[^@*~,]+)*)"
    r"(\*(?P<first>\d+))?(~(?P<chance>[\d.]+))?"
)


def parse(text: str) -> list[Fault]:
    """Read rules such as `rate-limit(2)~0.05,error*1,hang(5)@method=3,truncate@latitude=51.5074~0.5`.

    A rule is a kind, its detail in brackets, `@name=value` for each parameter it needs, `*N` for the first N
    requests of a unit, `~P` for its probability; rules are separated by commas. Raises ValueError.
    """
    faults = []
    for rule in filter(None, text.split(",")):
        match = _RULE.fullmatch(rule.strip())
        if match is None:
            raise ValueError(f"{rule!r} is no fault")
        pairs = (pair.split("=", 1) for pair in match["only"].split("@") if pair)
        faults.append(
            Fault(
                Kind(match["kind"]),
                match["detail"] or "",
                dict(pairs),
                int(match["first"]) if match["first"] else None,
                float(match["chance"] or 1),
            )
        )
    return faults
