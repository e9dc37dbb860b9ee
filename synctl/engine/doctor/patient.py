"""What is examined, and what of it has been found to work so far."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from typing import Any

import msgspec
from redis import Redis

from synctl.config import Settings
from synctl.engine.server import EmbeddedServer
from synctl.store.db import Database


class Patient(msgspec.Struct):
    """A check that finds a part usable puts it here, for the checks after it."""

    settings: Settings
    offline: bool
    database: Database | None = None
    migrated: Database | None = None
    """The database again, once its schema is known to be the one this version reads."""
    redis: Redis | None = None
    info: Mapping[str, Any] | None = None
    """Redis' INFO; None also where its user may not ask for it."""
    opened: ExitStack = msgspec.field(default_factory=ExitStack)

    @property
    def redis_url(self) -> str:
        """The configured Redis, or the embedded one."""
        return self.settings.redis_url or EmbeddedServer(self.settings.redis_dir).url
