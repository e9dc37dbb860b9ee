"""A Redis that goes away while a command looks on: said and waited for, since its supervisor or host brings it back."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic
from typing import Final, TypeVar

from synctl.cli.session import Session
from synctl.errors import SynctlError

PATIENCE_S: Final = 60.0
"""As long as workers wait for it (`connect.WORKER_RETRIES`); where nobody looks on, a command must end some day."""

T = TypeVar("T")


class Outage:
    """Whether what a command looks at can be seen. `patience_s`: None where somebody looks on, and may leave."""

    def __init__(self, session: Session, patience_s: float | None) -> None:
        self._session = session
        self._patience_s = patience_s
        self._since = 0.0
        self.trouble = ""
        """What went wrong at the last look; empty: nothing."""

    @property
    def lasted_s(self) -> float:
        """For how many seconds nothing has been seen; 0 while all is well."""
        return monotonic() - self._since if self.trouble else 0.0

    def spanned(self, look: Callable[[], T], instead: Callable[[], T]) -> T:
        """Return what `look` finds; where something does not answer, `instead`, until patience ends: raises it then."""
        try:
            with self._session.naming_redis():
                found = look()
        except SynctlError as error:
            if not self.trouble:
                self._since = monotonic()
            self.trouble = str(error).partition("\n")[0] or type(error).__name__
            if self._patience_s is not None and self.lasted_s > self._patience_s:
                raise
            return instead()
        self.trouble = ""
        return found
