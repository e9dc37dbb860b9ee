"""Brings the local stack up and down: folders, Valkey, database, reference data, supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import msgspec

from synctl.config import Settings
from synctl.engine import queues, registry
from synctl.engine.connect import clear_errors, connect_cli
from synctl.engine.queues import WorkerInfo
from synctl.engine.server import EmbeddedServer
from synctl.engine.supervisor import (
    FAILED,
    SUPERVISOR,
    SUPERVISOR_OUTPUT,
    Supervisor,
    SupervisorLock,
    last_words,
    spawn_detached,
)
from synctl.engine.wait import until
from synctl.errors import ConfigError, DatabaseUnreachable, SynctlError
from synctl.log import FILE_NAME, Follower
from synctl.store import migrate, reference
from synctl.store.db import open_database, sqlite_path
from synctl.store.identity import identity_of
from synctl.suggest import did_you_mean

WORKERS_WITHIN_S = 20.0
"""A worker registers 0.7 s after its start; a machine with two busy cores needs longer."""


class Brought(msgspec.Struct, frozen=True):
    """What `up` found or started."""

    redis_url: str
    started_server: bool
    database: str
    seeded: bool
    started_workers: bool
    workers: int
    elsewhere: WorkerInfo | None
    """A worker that takes jobs, too, and looks for their runs in another database."""


class Stack:
    """The local stack of one home."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._server = None if settings.redis.url else EmbeddedServer(settings.redis_dir)
        self.redis_url = settings.redis_url or (self._server.url if self._server else "")
        self._lock = SupervisorLock(settings.home)
        self._spawned: subprocess.Popen[bytes] | None = None

    @property
    def is_up(self) -> bool:
        """Whether a supervisor keeps workers for this home."""
        return self._lock.holder() is not None

    @property
    def is_down(self) -> bool:
        """Whether nothing of it runs."""
        return not self.is_up and not (self._server and self._server.running)

    def up(self) -> Brought:
        """Start whatever of the stack does not run. Returns when its workers listen.

        Raises ConfigError for workers of a resource that is not installed.
        """
        self._require_resources()
        started_server = self._ensure_base()
        seeded = prepare_database(self._settings, seed=True)
        started = not self.is_up
        with closing(open_database(self._settings.database_url)) as database:
            location, ledger = database.location, identity_of(database)

        def counts(worker: WorkerInfo) -> bool:
            """Those of another stack on this Redis do not, but if ours ran before they may be the strange ones."""
            return not (started and worker.strange(ledger))

        with closing(Follower(self._settings.logs_dir / FILE_NAME, level="warning")) as warnings:
            if started:
                self._start_supervisor()
            workers = self._await_workers(warnings, counts)
        elsewhere = next((one for one in workers if one.strange(ledger)), None)
        number = sum(counts(one) for one in workers)
        return Brought(self.redis_url, started_server, location, seeded, started, number, elsewhere)

    def up_foreground(self) -> bool:
        """Supervise in this process until SIGTERM; False if another process does so already."""
        self._require_resources()
        private_folder(self._settings.home)
        if not self._lock.acquire():
            return False
        self._ensure_base()
        prepare_database(self._settings, seed=True)
        ensure = self._server.ensure if self._server else None
        Supervisor(dict(self._settings.workers), self._settings.logs_dir, ensure).run()
        return True

    def undo(self) -> None:
        """Stop what an `up` that did not get through has started, unless another process keeps workers here by now."""
        if self._lock.holder() in (None, self._spawned and self._spawned.pid):
            if self._spawned is not None:  # it may not have come as far as the lock
                self._spawned.terminate()
                with suppress(subprocess.TimeoutExpired):
                    self._spawned.wait(WORKERS_WITHIN_S)
            self.down()

    def down(self) -> tuple[bool, bool]:
        """Stop supervisor, workers and the embedded Valkey; return which of supervisor and Valkey ran.

        Raises SynctlError where they may be those of another user.
        """
        self._lock.require_reachable()
        stopped = self._lock.stop_holder()
        return stopped, self._server.stop() if self._server else False

    def _ensure_base(self) -> bool:
        private_folder(self._settings.home)
        if self._server is not None:
            return self._server.ensure()
        with clear_errors(self.redis_url):
            client = connect_cli(self.redis_url)
            client.ping()
            client.close()
        return False

    def _require_resources(self) -> None:
        for resource, count in self._settings.workers.items():
            if count and resource not in registry.names():
                raise ConfigError(
                    f"workers.{resource} = {count}: no such resource{did_you_mean(resource, registry.names())}",
                    hint=f"one of: {', '.join(registry.names())}",
                )

    def _start_supervisor(self) -> None:
        logs = self._settings.logs_dir
        with _interrupted_afterwards():
            process = self._spawned = spawn_detached(logs)
        until(lambda: self.is_up or bool(process.poll()), WORKERS_WITHIN_S)
        if self.is_up:
            return
        if process.poll():
            what = f"the supervisor ended with {process.returncode}{last_words(logs / SUPERVISOR_OUTPUT)}"
        else:
            what = "the supervisor did not start in time"
        raise SynctlError(what, hint=self._where_it_says_why)

    def _await_workers(self, warnings: Follower, counts: Callable[[WorkerInfo], bool]) -> list[WorkerInfo]:
        """Return those that listen, when as many as wanted do of those that count.

        A worker that ends with an error is told at once: so will the next.
        """
        wanted = sum(self._settings.workers.values())
        ended: list[str] = []
        client = connect_cli(self.redis_url)
        try:
            with clear_errors(self.redis_url):

                def listening() -> int:
                    return sum(counts(one) for one in queues.workers(client))

                def known() -> bool:
                    ended.extend(_ends(warnings))
                    return bool(ended) or listening() >= wanted or not self.is_up

                until(known, WORKERS_WITHIN_S)
                if (count := listening()) >= wanted:
                    return queues.workers(client)
                if ended:
                    raise SynctlError(ended[0], hint=f"{self._where_it_says_why}; `synctl down` ends the attempts")
                what = f"the workers did not start in time: {count} of {wanted} listen"
                raise SynctlError(what if self.is_up else "the supervisor has ended", hint=self._where_it_says_why)
        finally:
            client.close()

    @property
    def _where_it_says_why(self) -> str:
        return f"see `synctl logs`, and {self._settings.logs_dir}"


@contextmanager
def _interrupted_afterwards() -> Iterator[None]:
    """Have Ctrl-C wait: a process that is being started must be known, so that somebody can end it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    came: list[int] = []
    before = signal.signal(signal.SIGINT, lambda number, _frame: came.append(number))
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def _ends(warnings: Follower) -> Iterator[str]:
    """Yield what the supervisor has logged of workers that ended with an error; one that was killed may do better."""
    for line in warnings.new():
        if line.logger == SUPERVISOR and FAILED.match(line.message):
            yield line.message


def prepare_database(settings: Settings, *, seed: bool = False) -> bool:
    """Create or migrate the database, and seed it where it has no reference data; return whether it was seeded."""
    url = settings.database_url
    if url.startswith("sqlite:"):
        private_folder(sqlite_path(url).parent)
    database = open_database(url)
    try:
        if migrate.current(database) != migrate.HEAD:
            migrate.upgrade(url)
        registry.create_tables(database)
        if not seed:
            return False
        with database.read() as transaction:
            empty = reference.counts(transaction).methods == 0
        if empty:
            reference.seed_reference(database, None, None)
        return empty
    finally:
        database.close()


def private_folder(path: Path) -> None:
    """Create a folder for its owner only. Raises a clear error where that cannot be."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise DatabaseUnreachable(
            f"cannot create {path}: {error.strerror}", hint="set SYNCTL_HOME to a folder you may write"
        ) from error
    if not os.access(path, os.W_OK | os.X_OK):
        raise DatabaseUnreachable(f"cannot write to {path}", hint="set SYNCTL_HOME to a folder you may write")
