"""What a command works with: settings, database and Redis, opened when first used and closed at its end."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import TYPE_CHECKING

from synctl.config import Settings, load_settings
from synctl.errors import PrerequisitesNotMet
from synctl.states import LIVE
from synctl.store import migrate
from synctl.store.db import Database, open_database

if TYPE_CHECKING:
    from redis import Redis

    from synctl.engine.control import Control
    from synctl.engine.enqueue import Enqueuer
    from synctl.engine.server import EmbeddedServer
    from synctl.engine.view import RunView
    from synctl.store.runs import Run


class Session:
    """One command's connections."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._opened: list[Database | Redis] = []

    @cached_property
    def database(self) -> Database:
        """The database, which must have been set up."""
        if self.revision is None:
            raise PrerequisitesNotMet((("the database is not set up", "synctl up"),))
        if self.revision > migrate.HEAD:
            raise PrerequisitesNotMet(
                ((f"the database is of a newer synctl (revision {self.revision})", "upgrade synctl"),)
            )
        if self.revision < migrate.HEAD:
            raise PrerequisitesNotMet(
                ((f"the database is of an older synctl (revision {self.revision})", "synctl db upgrade"),)
            )
        return self._database

    @cached_property
    def revision(self) -> str | None:
        """The revision of the database's schema, None where there is none. Creates nothing."""
        return migrate.current(self._database)

    @cached_property
    def server(self) -> EmbeddedServer | None:
        """The embedded Valkey of this home; None where a Redis URL is configured."""
        from synctl.engine.server import EmbeddedServer  # noqa: PLC0415 - redis is 80 ms of import

        return None if self.settings.redis.url else EmbeddedServer(self.settings.redis_dir)

    @cached_property
    def redis_url(self) -> str:
        """The configured Redis, or the embedded one."""
        return self.settings.redis_url or (self.server.url if self.server else "")

    @cached_property
    def client(self) -> Redis:
        """Redis for synctl's own keys."""
        from synctl.engine.connect import connect_cli  # noqa: PLC0415

        return self._keep_redis(connect_cli(self.redis_url))

    @property
    def live_client(self) -> Redis | None:
        """Redis, or None while the embedded one simply is not up: then nothing is live."""
        return None if self.server is not None and not self.server.running else self.client

    @cached_property
    def control(self) -> Control:
        """Pause, resume, cancel, delete."""
        from synctl.engine.control import Control  # noqa: PLC0415
        from synctl.store.runs import Actor  # noqa: PLC0415

        _tell_warnings()
        return Control(self.database, self.client, self.connection, Actor.this_process())

    @cached_property
    def enqueuer(self) -> Enqueuer:
        """Create runs, or find those that exist."""
        from synctl.engine.enqueue import Enqueuer  # noqa: PLC0415
        from synctl.store.runs import Actor  # noqa: PLC0415

        return Enqueuer(self.database, self.client, self.connection, self.settings, Actor.this_process())

    @cached_property
    def connection(self) -> Redis:
        """Redis for RQ, which decodes for itself."""
        from synctl.engine.connect import connect_cli  # noqa: PLC0415

        return self._keep_redis(connect_cli(self.redis_url, decode=False))

    def views(self, runs: Sequence[Run]) -> list[RunView]:
        """Pair runs with their live progress. Redis is asked only where a run is live."""
        from synctl.engine.view import views  # noqa: PLC0415

        return views(runs, self.live_client if any(run.state in LIVE for run in runs) else None)

    @contextmanager
    def naming_redis(self) -> Iterator[None]:
        """Turn redis-py's errors into one line that names the server. Raises RedisUnreachable."""
        try:
            yield
        except Exception as error:
            self._name_redis(error)
            raise

    def close(self) -> None:
        """Close what was opened."""
        for opened in self._opened:
            opened.close()

    @cached_property
    def _database(self) -> Database:
        database = open_database(self.settings.database_url)
        self._opened.append(database)
        return database

    def _keep_redis(self, client: Redis) -> Redis:
        self._opened.append(client)
        return client

    def _name_redis(self, error: Exception) -> None:
        if not type(error).__module__.startswith("redis"):
            return
        from synctl.engine.connect import clear_errors  # noqa: PLC0415

        with clear_errors(self.redis_url):
            raise error


def _tell_warnings() -> None:
    """Have what the engine warns of begin as every line to an operator does: a command sets up no log."""
    import logging  # noqa: PLC0415 - the engine has loaded it

    if logging.lastResort is not None:
        logging.lastResort.setFormatter(logging.Formatter("synctl: %(message)s"))


@contextmanager
def open_session() -> Iterator[Session]:
    """Load the settings, hand out a session, and name the server where Redis fails."""
    session = Session(load_settings())
    try:
        with session.naming_redis():
            yield session
    finally:
        session.close()
