"""A table that rows are written into, and the statement for an upsert: what did not change is not written."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import msgspec

UnitRows = Sequence[tuple[int, Sequence[tuple[object, ...]]]]
"""Rows of units, each with the unit's id."""


class Table(msgspec.Struct, frozen=True):
    """Where rows go. A row is a tuple in the order `key + values`; `unit_id` is added to those of a unit."""

    name: str
    key: tuple[str, ...]
    values: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All of them, in the order of a row."""
        return self.key + self.values


@lru_cache(maxsize=64)
def upsert_head(table: Table, columns: tuple[str, ...]) -> str:
    """Return an insert or an upsert up to where its rows come from, which have the columns in this order."""
    return f"INSERT INTO {table.name} ({', '.join(columns)})"


@lru_cache(maxsize=64)
def upsert_tail(table: Table, differs: str) -> str:
    """Return an upsert from behind its rows; `differs` is the dialect's operator for values that may be NULL."""
    current = ", ".join(f"{table.name}.{column}" for column in table.values)
    offered = ", ".join(f"excluded.{column}" for column in table.values)
    return (
        f"ON CONFLICT ({', '.join(table.key)}) DO UPDATE SET "
        f"{', '.join(f'{column} = excluded.{column}' for column in table.values)} "
        f"WHERE ({current}) {differs} ({offered})"
    )  # names come from a Table constant
