"""The table `[retention]`: for how long what runs did is kept. What they stored is no part of that."""

from typing import Annotated, Final

from synctl import dates
from synctl.config.declare import Group, setting

OFF: Final = "off"
SHORTEST_S: Final = 2 * 86_400
"""The row of a run is what keeps its day's id from being given again: it has to outlive that day everywhere."""


def _kept(text: str) -> str | None:
    return None if text == OFF or dates.seconds(text) is not None else f"is no age: write 30d, 12w or {OFF}"


def _at_least(text: str) -> str | None:
    """Refuse what is too short; what is no age at all is for the other check to say."""
    age = dates.seconds(text)
    return None if age is None or age >= SHORTEST_S else f"must be at least {SHORTEST_S // 86_400}d, or {OFF}"


class RetentionSettings(Group, frozen=True):
    """For how long the ledger and the audit trail are kept. Workers remove what is older, once an hour."""

    units: Annotated[
        str,
        setting(
            "After so long (30d, 12w) the units of an ended run go, and what it changed; its counters stay. Or off.\n"
            "What `retry` needs is kept for the newest run of a selection.",
            _kept,
        ),
    ] = "90d"
    runs: Annotated[
        str,
        setting(
            "After so long an ended run goes as well, with its part of the audit trail. At least 2d, or off.",
            _kept,
            _at_least,
        ),
    ] = OFF

    @property
    def units_s(self) -> int | None:
        """Seconds after which units go; None: never."""
        return dates.seconds(self.units)

    @property
    def runs_s(self) -> int | None:
        """Seconds after which runs go; None: never."""
        return dates.seconds(self.runs)
