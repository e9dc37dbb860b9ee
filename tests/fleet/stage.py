"""A fleet: one Valkey and one PostgreSQL at the hub, and hosts that have nothing but synctl."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest

from synctl.engine.server import find_binary
from tests.e2e.conftest import Home
from tests.fleet.network import HUB, Host, Network, made_network
from tests.helpers import until
from tests.store.databases import migrated

LEASE_S = 2.0
REDIS_PORT, SQL_PORT = 6379, 5432


@dataclass
class Member(Home):
    """A host's own home. Commands run on the host."""

    host: Host | None = None
    _worker: subprocess.Popen[str] | None = None

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        """Start a command on the host, its output captured."""
        assert self.host is not None
        return subprocess.Popen(
            self.host.space.command(sys.executable, "-m", "synctl", *arguments),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            cwd=self.path,
            env={**self.environ(), **environment},
        )

    def work(self) -> None:
        """Start a worker for prayer times."""
        assert self.host is not None
        with (self.path / "worker.err").open("w") as said:
            self._worker = subprocess.Popen(
                self.host.space.command(sys.executable, "-m", "synctl", "worker", "prayer"),
                stdin=subprocess.DEVNULL,
                stdout=said,
                stderr=said,
                text=True,
                cwd=self.path,
                env=self.environ(),
            )

    @property
    def works(self) -> bool:
        """Whether its worker lives."""
        return self._worker is not None and self._worker.poll() is None

    def stop_work(self) -> None:
        """Stop its worker, as systemd would."""
        assert self.host is not None
        self.host.space.run("kill", "-TERM", str(self.pid))
        until(lambda: not self.works)

    @property
    def pid(self) -> int:
        """The number of its worker, as the host counts."""
        return int(json.loads(self.log.splitlines()[0])["pid"])

    @property
    def log(self) -> str:
        """What its worker has said."""
        return (self.path / "worker.err").read_text()


@dataclass(frozen=True, slots=True)
class Fleet:
    """Members by name. `sql_url`: the database, as this process reaches it."""

    network: Network
    members: dict[str, Member]
    sql_url: str

    def __getitem__(self, name: str) -> Member:
        """Return a member by name."""
        return self.members[name]

    def sql(self, query: str, *parameters: object) -> list[tuple[Any, ...]]:
        """Ask the database itself."""
        with psycopg.connect(self.sql_url) as connection:
            return connection.execute(query, parameters).fetchall()


@contextmanager
def made_fleet(folder: Path, *names: str) -> Iterator[Fleet]:
    """Make hosts with a home each; none works yet. Skips where it cannot be."""
    with ExitStack() as ended:
        url = ended.enter_context(migrated("postgresql", folder))
        parts = urlsplit(url)
        sockets = parse_qs(parts.query).get("host", [""])[0]
        if not sockets.startswith("/"):
            pytest.skip("no fleet: its PostgreSQL is reached through a Unix socket, and that of the tests has none")
        network = ended.enter_context(made_network(*names))
        _serve(ended, network, [find_binary(), "--bind", HUB, "--protected-mode", "no", "--dir", str(folder)], folder)
        relay = [sys.executable, "-m", "tests.fleet.relay", HUB, str(SQL_PORT), f"{sockets}/.s.PGSQL.5432"]
        _serve(ended, network, relay, folder)
        environment = {
            "SYNCTL_REDIS__URL": f"redis://{HUB}:{REDIS_PORT}/0",
            "SYNCTL_REDIS__LEASE_TTL": str(LEASE_S),
            "SYNCTL_DATABASE__URL": f"postgresql://{parts.username}@{HUB}:{SQL_PORT}{parts.path}",
        }
        members = {}
        for name, host in network.hosts.items():
            (folder / name).mkdir()
            members[name] = Member(folder / name, dict(environment), host=host)
        fleet = Fleet(network, members, url)
        until(lambda: fleet[names[0]].start("seed").wait() == 0)
        yield fleet


def _serve(ended: ExitStack, network: Network, command: list[str], folder: Path) -> None:
    with (folder / "servers.log").open("a") as said:
        process = subprocess.Popen(network.hub.command(*command), stdin=subprocess.DEVNULL, stdout=said, stderr=said)
    ended.callback(process.wait)
    ended.callback(process.terminate)
