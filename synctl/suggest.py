"""The nearest valid name for a mistyped one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches


def did_you_mean(word: str, valid: Iterable[str]) -> str:
    """Return ` (did you mean X?)`, or nothing where no name is near."""
    near = get_close_matches(word, list(valid), n=1, cutoff=0.6)
    return f" (did you mean {near[0]}?)" if near else ""
