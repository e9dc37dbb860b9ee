"""What every resource does with the selectors of another."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from synctl.errors import UsageError
from synctl.resource import Selectors

_OPTIONS: Final = {
    "cities": "--cities",
    "city": "--city",
    "country": "--country",
    "own_cities": "--own-cities",
    "methods": "--methods",
    "madhab": "--madhab",
    "year": "--year",
    "first": "--from",
    "last": "--to",
    "edition": "--edition",
    "collection": "--collection",
    "accept_shrink": "--accept-shrink",
}


def reject_foreign(selectors: Selectors, own: Collection[str], what: str, hint: str) -> None:
    """Raise UsageError for a selector that is given but not a resource's `own`: it does not select `what`."""
    for name, option in _OPTIONS.items():
        value = getattr(selectors, name)
        given = value is not None and value is not False and value != ()
        if given and name not in own:
            raise UsageError(f"{option} does not select {what}", hint=hint)
