"""What is worked on: the run, shard and unit that each line of the log names without being told."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar, copy_context
from functools import partial

_FIELDS: ContextVar[Mapping[str, str | int]] = ContextVar("_FIELDS")
_NOTHING: Mapping[str, str | int] = {}


@contextmanager
def bound(**fields: str | int) -> Iterator[None]:
    """Name `run`, `shard` or `unit` in each line that is logged meanwhile, in this thread."""
    before = _FIELDS.set({**bound_fields(), **fields})
    try:
        yield
    finally:
        _FIELDS.reset(before)


def bound_fields() -> Mapping[str, str | int]:
    """Return what is named at present."""
    return _FIELDS.get(_NOTHING)


def in_context(function: Callable[[], None]) -> Callable[[], None]:
    """Return a function for a new thread, which names what is named here: threads begin with nothing."""
    return partial(copy_context().run, function)
