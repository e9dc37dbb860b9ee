"""The nearest valid name for a mistyped one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from difflib import get_close_matches

LIKE = 0.6
"""Share of characters that a near name has in common with the word, in order."""


def did_you_mean(
    word: str, valid: Iterable[str], written: Callable[[str], str | None] = str, *, like: float = LIKE
) -> str:
    """Return ` (did you mean X?)`, or nothing where no name is near; `written` says how the name is typed."""
    near = get_close_matches(word, list(valid), n=1, cutoff=like)
    return f" (did you mean {written(near[0])}?)" if near else ""
