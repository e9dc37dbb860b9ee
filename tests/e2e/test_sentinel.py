"""A master of Redis dies in the middle of a run; the sentinels name another one, and the run goes on there."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, closing
from dataclasses import dataclass
from pathlib import Path

import pytest

from synctl.config import load_settings
from synctl.engine.connect import clear_errors, connect_cli, connect_ticker, connect_worker
from synctl.errors import ConfigError, RedisUnreachable
from tests.e2e.conftest import Home, until
from tests.servers import free_port, redis_server, seen_by

PASSWORD, SENTINEL_PASSWORD = "p@ss/word", "other secret"
SERVICE = "synctl-redis"
CITIES = 80
UNITS = CITIES * 23 * 2


@dataclass(frozen=True, slots=True)
class Watched:
    """A master, its replica, and three sentinels that watch them."""

    master: int
    master_pid: int
    replica: int
    sentinels: tuple[int, ...]

    @property
    def settings(self) -> dict[str, str]:
        """What names them; the first sentinel of the list does not exist."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in (free_port(), *self.sentinels))
        return {
            "SYNCTL_REDIS__URL": f"redis+sentinel://{hosts}/{SERVICE}/2",
            "SYNCTL_REDIS__PASSWORD": PASSWORD,
            "SYNCTL_REDIS__SENTINEL_PASSWORD": SENTINEL_PASSWORD,
        }


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Watched]:
    with ExitStack() as ended:
        master, replica, *sentinels = (free_port() for _ in range(5))
        secret = ("--requirepass", PASSWORD, "--masterauth", PASSWORD)
        pid = ended.enter_context(redis_server(tmp_path, master, *secret))
        ended.enter_context(redis_server(tmp_path, replica, *secret, "--replicaof", "127.0.0.1", str(master)))
        for port in sentinels:
            file = tmp_path / f"sentinel-{port}.conf"
            file.write_text(
                f"requirepass {SENTINEL_PASSWORD!r}\nsentinel sentinel-pass {SENTINEL_PASSWORD!r}\n"
                f"sentinel monitor {SERVICE} 127.0.0.1 {master} 2\nsentinel auth-pass {SERVICE} {PASSWORD}\n"
                f"sentinel down-after-milliseconds {SERVICE} 1000\nsentinel failover-timeout {SERVICE} 5000\n"
            )
            ended.enter_context(redis_server(tmp_path, port, "--sentinel", file=file))
        made = Watched(master, pid, replica, tuple(sentinels))
        until(lambda: all(_knows(port, master) for port in sentinels))
        yield made


def _knows(sentinel: int, master: int) -> bool:
    """Whether a sentinel knows the replica and both of its peers: before that there is no failover."""
    state = seen_by(sentinel, SERVICE, SENTINEL_PASSWORD)
    return state is not None and (state.port, state.replicas, state.peers) == (master, 1, 2)


@pytest.mark.slow
def test_a_run_survives_the_death_of_the_master(watched: Watched, home: Home) -> None:
    home.environment = watched.settings
    home.run("up")
    run = home.json("enqueue", "prayer", "--cities", str(CITIES), "--year", "2026", "--shards", "2")["run"]
    until(lambda: home.json("status", run)["done"] > 20)
    os.kill(watched.master_pid, signal.SIGKILL)
    until(lambda: all(_now(port) == watched.replica for port in watched.sentinels))
    assert home.json("status", run)["done"] < UNITS
    home.run("watch", run, "--exit")
    view = home.json("status", run)
    assert (view["state"], view["done"], view["rows"]) == ("succeeded", UNITS, UNITS * 365)
    assert home.sql("SELECT COUNT(*), SUM(changed) FROM sync_unit WHERE state = 'done'") == [(UNITS, UNITS * 365)]
    assert home.sql("SELECT COUNT(*) FROM prayer_time") == [(UNITS * 365,)]
    told, _ = home.start("doctor", "--json").communicate()
    assert f"/{SERVICE}/2" in told
    assert PASSWORD not in told
    assert SENTINEL_PASSWORD not in told


def _now(sentinel: int) -> int | None:
    state = seen_by(sentinel, SERVICE, SENTINEL_PASSWORD)
    return state.port if state else None


@pytest.mark.slow
def test_every_client_finds_the_master_and_a_name_that_nobody_knows_is_told(watched: Watched, tmp_path: Path) -> None:
    def url(**changes: str) -> str:
        found = load_settings({"SYNCTL_HOME": str(tmp_path), **watched.settings, **changes}, tmp_path).redis_url
        assert found is not None
        return found

    for connect in (connect_cli, connect_worker, lambda url: connect_ticker(url, 1.0)):
        with closing(connect(url())) as client:
            assert client.info("replication")["role"] == "master"
            assert client.get_connection_kwargs()["db"] == 2
    unknown = url(SYNCTL_REDIS__URL=watched.settings["SYNCTL_REDIS__URL"].replace(SERVICE, "nobody"))
    for wrong, says in (
        (url(SYNCTL_REDIS__PASSWORD="wrong"), "invalid username-password pair"),
        (url(SYNCTL_REDIS__SENTINEL_PASSWORD="wrong"), r"do not let us in \(redis\.sentinel_password\)"),
        (url(SYNCTL_REDIS__URL=f"redis+sentinel://127.0.0.1:{free_port()}/{SERVICE}"), "no sentinel answers"),
        (unknown, "the sentinels know no living master called nobody"),
    ):
        with pytest.raises(RedisUnreachable, match=says), clear_errors(wrong), closing(connect_cli(wrong)) as client:
            client.ping()


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("redis+sentinel://a:1,b:2", "must name sentinels and the service"),
        ("redis+sentinel:///name", "must name sentinels and the service"),
        ("redis+sentinel://a/name/x", "no number of a database behind name/"),
    ],
)
def test_a_url_of_sentinels_that_lacks_something_is_refused(url: str, says: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=says):
        load_settings({"SYNCTL_HOME": str(tmp_path), "SYNCTL_REDIS__URL": url}, tmp_path)
