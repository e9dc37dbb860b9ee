"""What requests work with: the settings, the database and Redis of the whole process, safe to share by threads."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from redis import Redis

from synctl.config import Settings
from synctl.engine.control import Control
from synctl.engine.enqueue import Enqueuer
from synctl.engine.server import EmbeddedServer
from synctl.engine.view import RunView, views
from synctl.states import LIVE
from synctl.store.db import Database
from synctl.store.runs import Actor, Run


class Backend(msgspec.Struct, frozen=True):
    """`client` decodes responses, `connection` (for RQ) does not. `server`: the embedded Valkey, if that is used."""

    settings: Settings
    database: Database
    client: Redis
    connection: Redis
    redis_url: str
    server: EmbeddedServer | None = None

    def control(self, actor: Actor) -> Control:
        """Pause, resume, cancel, delete, in the name of a caller."""
        return Control(self.database, self.client, self.connection, actor)

    def enqueuer(self, actor: Actor) -> Enqueuer:
        """Create runs, or find those that exist, in the name of a caller."""
        return Enqueuer(self.database, self.client, self.connection, self.settings, actor)

    def views(self, runs: Sequence[Run]) -> list[RunView]:
        """Pair runs with their live progress. Redis is asked only where a run is live and it is up."""
        ask = any(run.state in LIVE for run in runs) and (self.server is None or self.server.running)
        return views(runs, self.client if ask else None)
