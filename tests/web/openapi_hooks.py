"""Keeps what schemathesis orders small, and sensible at times: loaded by schemathesis.toml."""

from __future__ import annotations

from typing import Any

import schemathesis

_SMALL = {"cities": 1, "methods": "3", "madhab": "shafi"}
_RESOURCES = ("prayer", "quran", "hadith")


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    """Order a run of one city, not of the world; give every second order a resource that exists."""
    order = case.body
    if case.path != "/api/runs" or not isinstance(order, dict):
        return
    if isinstance(name := order.get("resource"), str) and 1 <= len(name) <= 100 and len(name) % 2:
        order["resource"] = _RESOURCES[len(name) % len(_RESOURCES)]
    if isinstance(cities := order.get("cities"), int) and cities > 1:
        order["cities"] = 1
    if order.get("resource") == "prayer" and set(order) == {"resource"}:
        order.update(_SMALL)
