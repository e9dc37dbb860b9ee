"""What an operation of the API is: declared once, it is a route, and a part of the OpenAPI document."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

import msgspec

from synctl.store.runs import Actor
from synctl.web.access import Role
from synctl.web.backend import Backend

Document: TypeAlias = "Mapping[str, object] | list[Mapping[str, object]]"


class Nothing(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters, or a body, of which there are none."""


class Call(msgspec.Struct, frozen=True):
    """A request that was let in. `query` and `body` are of the types that its operation declares."""

    backend: Backend
    actor: Actor
    path: Mapping[str, str]
    query: Any
    body: Any


class Answer(msgspec.Struct, frozen=True):
    """What an operation found or did."""

    document: Document
    status: int = 200
    headers: Mapping[str, str] = msgspec.field(default_factory=dict)


class Operation(msgspec.Struct, frozen=True, kw_only=True):
    """`call` runs in a thread and may block. `answers`: the document of each status; `problems`: its refusals."""

    method: str
    path: str
    summary: str
    call: Callable[[Call], Answer]
    answers: Mapping[int, type[msgspec.Struct]]
    role: Role = Role.READ
    query: type[msgspec.Struct] = Nothing
    body: type[msgspec.Struct] | None = None
    problems: tuple[int, ...] = ()

    @property
    def name(self) -> str:
        """The id in the OpenAPI document."""
        return self.call.__name__
