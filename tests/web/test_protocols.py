"""What synctl/web/protocols.py uses of uvicorn, by name: so a release that changes it is told of clearly."""

from __future__ import annotations

import ast
import asyncio
import inspect
from collections.abc import Iterator

import pytest
import uvicorn
from uvicorn.server import ServerState

from synctl.web import protocols
from synctl.web.server import server_of

OURS = [protocols.Http, protocols.Sockets]


def written(kind: type) -> ast.ClassDef:
    tree = ast.parse(inspect.getsource(kind))
    assert isinstance(tree.body[0], ast.ClassDef)
    return tree.body[0]


def overridden(kind: type) -> Iterator[str]:
    """Yield the methods of a class of ours that uvicorn, or asyncio, has to call."""
    for one in written(kind).body:
        if isinstance(one, ast.FunctionDef) and not one.name.startswith("_"):
            yield one.name


def used(kind: type) -> Iterator[tuple[str, ...]]:
    """Yield what a class of ours uses of itself, as paths: `conn`, `handshake_exc`."""
    for node in ast.walk(written(kind)):
        path: list[str] = []
        at: ast.AST = node
        while isinstance(at, ast.Attribute):
            path.insert(0, at.attr)
            at = at.value
        if isinstance(at, ast.Name) and at.id == "self" and path:
            yield tuple(path)


@pytest.mark.parametrize("kind", OURS)
def test_uvicorn_has_what_is_overridden_and_used(kind: type) -> None:
    base = kind.__mro__[1]
    told = f"uvicorn {uvicorn.__version__} has changed {base.__name__}: read synctl/web/protocols.py again; it has no"
    for name in overridden(kind):
        assert name in vars(base), f"{told} {name}() of its own"

    async def made() -> object:
        return kind(uvicorn.Config(_nothing, log_config=None), ServerState(), {})

    fresh = asyncio.run(made())
    for path in used(kind):
        at: object = fresh
        for name in path:
            if at is None:  # known only once somebody has connected: the transport
                break
            assert hasattr(at, name), f"{told} {'.'.join(path)}"
            at = getattr(at, name)


def test_they_are_what_serves() -> None:
    config = server_of(_nothing).config  # type: ignore[arg-type]
    config.load()
    assert [config.http_protocol_class, config.ws_protocol_class] == OURS


async def _nothing(_scope: object, _receive: object, _send: object) -> None:
    """Answer nothing."""
