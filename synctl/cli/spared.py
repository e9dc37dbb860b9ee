"""Imports that are put off until somebody wants them: libraries load more than a command uses."""

from __future__ import annotations

import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.abc import Loader

PUT_OFF: Final = frozenset({"redis.asyncio"})
"""Half of redis-py, a tenth of what it takes to import it and RQ. Nothing here uses it."""


def put_off() -> None:
    """Have packages of PUT_OFF load at the first use of what is in them. For programs, not for those who import us."""
    sys.meta_path.insert(0, _Finder)


class _Finder:
    """Finds packages like everybody, but has them loaded later."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        spec = PathFinder.find_spec(name, path, target) if name in PUT_OFF else None
        if spec is not None and spec.loader is not None:
            spec.loader = _Later(spec.loader)  # type: ignore[assignment]  # importlib.abc, whose it is, takes 2 ms
        return spec


class _Later:
    """Not importlib's LazyLoader: that loads a package as soon as a module in it is imported, as redis-py does."""

    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> _Package:
        return _Package(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        pass


class _Package(ModuleType):
    """A package that has nothing in it yet but where its modules are."""

    def __getattr__(self, name: str) -> Any:
        later = self.__dict__["__spec__"].loader
        if not isinstance(later, _Later) or (name.startswith("__") and name != "__all__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        self.__spec__.loader = self.__loader__ = later.loader  # type: ignore[union-attr]
        later.loader.exec_module(self)
        return getattr(self, name)
