"""The resources that are installed: entry points of the group `synctl.resources`."""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, distribution, entry_points

from synctl.errors import NotFound
from synctl.resource import Resource
from synctl.store.db import Database
from synctl.suggest import did_you_mean
from synctl.words import shortened

GROUP = "synctl.resources"


def names() -> list[str]:
    """Return the names of all resources, without loading any."""
    return sorted(_entries())


def require(name: str) -> EntryPoint:
    """Return where a resource is, without loading it. Raises NotFound with the nearest name."""
    entry = _own().get(name) or _entries().get(name)
    if entry is None:
        known = names()
        raise NotFound(
            f"no resource {shortened(repr(name))}{did_you_mean(name, known)}", hint=f"one of: {', '.join(known)}"
        )
    return entry


def load(name: str) -> Resource:
    """Return a resource. Raises NotFound with the nearest name."""
    resource: Resource = require(name).load()
    return resource


def create_tables(database: Database) -> None:
    """Create the tables of resources from outside the package, as they say themselves; those here have migrations."""
    statements = [
        statement
        for entry in _entries().values()
        if entry.value.partition(".")[0] != "synctl"
        for statement in getattr(entry.load(), "schema", ())
    ]
    if statements:
        with database.write() as transaction:
            for statement in statements:
                transaction.execute(statement)


@cache
def _own() -> dict[str, EntryPoint]:
    """Those of this package. They are asked for most, and to look through all that is installed takes 10 ms."""
    return {entry.name: entry for entry in distribution("synctl").entry_points if entry.group == GROUP}


@cache
def _entries() -> dict[str, EntryPoint]:
    """All of them. None takes the place of our own."""
    return {entry.name: entry for entry in entry_points(group=GROUP)} | _own()
