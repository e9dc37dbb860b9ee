"""Redis and PostgreSQL that want TLS, passwords and a certificate: they get what is configured, nobody else does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest

from synctl.config import load_settings
from synctl.engine.connect import clear_errors, connect_cli
from synctl.errors import ConfigError, RedisUnreachable, SynctlError
from tests.e2e.conftest import Call, Home, made_home
from tests.servers import Certificates, certificates, free_port, postgres_server, redis_server

RIGHTS = "~synctl:* ~rq:* &rq:* +@all -@dangerous +info"  # as docs/scaling.md has them
PASSWORD = "s3cret/with?all@of%it"


@dataclass(frozen=True, slots=True)
class Secured:
    home: Home
    tls: Certificates
    redis_port: int

    def environment(self, **changes: str | None) -> dict[str, str]:
        """Return the settings of a client that is let in, with changes."""
        right: dict[str, str | None] = {
            "SYNCTL_REDIS__URL": f"rediss://sync@localhost:{self.redis_port}/0",
            "SYNCTL_REDIS__PASSWORD": PASSWORD,
            "SYNCTL_REDIS__CA_FILE": self.tls.file("ca.pem"),
            "SYNCTL_REDIS__CERT_FILE": self.tls.file("client.pem"),
            "SYNCTL_REDIS__KEY_FILE": self.tls.file("client.key"),
        }
        return {name: value for name, value in (right | changes).items() if value is not None}


@pytest.fixture(scope="module")
def secured(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secured]:
    folder = tmp_path_factory.mktemp("tls")
    tls, port = certificates(folder), free_port()
    (folder / "users.acl").write_text(f"user default off\nuser sync on >{PASSWORD} {RIGHTS}\n")
    users = ("--aclfile", str(folder / "users.acl"))
    with redis_server(folder, port, *users, "--appendonly", "yes", tls=tls), made_home() as home:
        yield Secured(home, tls, port)


def _ping(home: Path, environment: dict[str, str]) -> None:
    url = load_settings({"SYNCTL_HOME": str(home), **environment}, home).redis_url
    assert url is not None
    with clear_errors(url), closing(connect_cli(url)) as client:
        client.ping()


@pytest.mark.parametrize(
    ("changes", "error", "says"),
    [
        ({"SYNCTL_REDIS__PASSWORD": "wrong-" + PASSWORD}, RedisUnreachable, "check user and password"),
        ({"SYNCTL_REDIS__PASSWORD": None}, RedisUnreachable, "check user and password"),
        ({"SYNCTL_REDIS__CA_FILE": None}, RedisUnreachable, "name in redis.ca_file who signed its certificate"),
        ({"SYNCTL_REDIS__CA_FILE": "/nowhere.pem"}, ConfigError, "SYNCTL_REDIS__CA_FILE: /nowhere.pem: No such file"),
        ({"SYNCTL_REDIS__CERT_FILE": None, "SYNCTL_REDIS__KEY_FILE": None}, RedisUnreachable, "rediss://sync:***@"),
        ({"SYNCTL_REDIS__PASSWORD_FILE": "/dev/null"}, ConfigError, "give one of them"),
        ({"SYNCTL_REDIS__URL": None}, ConfigError, "there is no redis.url"),
        ({"SYNCTL_REDIS__URL": "redis://sync@localhost:PORT"}, ConfigError, "write rediss:// for redis://"),
        ({"SYNCTL_REDIS__URL": "rediss://sync@127.0.0.1:PORT"}, RedisUnreachable, "a host that it is for"),
    ],
    ids=[
        "wrong-password", "no-password", "not-trusted", "no-such-file", "no-certificate", "two-passwords", "no-url",
        "no-tls", "other-host",
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_way_to_redis_is_said_without_the_password(
    secured: Secured, changes: dict[str, str | None], error: type[SynctlError], says: str
) -> None:
    at = {name: value and value.replace("PORT", str(secured.redis_port)) for name, value in changes.items()}
    with pytest.raises(error) as caught:
        _ping(secured.home.path, secured.environment(**at))
    told = f"{caught.value}: {caught.value.hint}"
    assert says in told
    assert PASSWORD not in told


@pytest.mark.slow
def test_tls_to_a_server_that_has_none_is_refused(secured: Secured, tmp_path: Path) -> None:
    port = free_port()
    with redis_server(tmp_path, port), pytest.raises(RedisUnreachable):
        _ping(tmp_path, secured.environment(SYNCTL_REDIS__URL=f"rediss://localhost:{port}"))


def test_sentinels_and_their_master_are_reached_through_tls(secured: Secured, tmp_path: Path) -> None:
    master, sentinel = free_port(), free_port()
    file = tmp_path / "sentinel.conf"
    file.write_text(
        f"tls-replication yes\nsentinel monitor ours 127.0.0.1 {master} 1\nsentinel auth-pass ours secret\n"
    )
    with (
        redis_server(tmp_path, master, "--requirepass", "secret", tls=secured.tls),
        redis_server(tmp_path, sentinel, "--sentinel", file=file, tls=secured.tls),
    ):
        url = f"rediss+sentinel://localhost:{sentinel}/ours?ssl_check_hostname=false"  # it names the master by address
        right = secured.environment(SYNCTL_REDIS__URL=url, SYNCTL_REDIS__PASSWORD="secret")
        _ping(tmp_path, right)
        with pytest.raises(RedisUnreachable, match="no sentinel answers"):
            _ping(tmp_path, right | {"SYNCTL_REDIS__URL": url.partition("?")[0].replace("localhost", "127.0.0.1")})


def test_a_password_comes_from_the_url_a_variable_or_a_file_and_is_never_shown(
    secured: Secured, call: Call, tmp_path: Path
) -> None:
    (tmp_path / "password").write_text(f"{PASSWORD}\n")
    inside = f"rediss://sync:{quote(PASSWORD, safe='')}@localhost:{secured.redis_port}/0"
    for changes in (
        {},
        {"SYNCTL_REDIS__PASSWORD": None, "SYNCTL_REDIS__PASSWORD_FILE": str(tmp_path / "password")},
        {"SYNCTL_REDIS__PASSWORD": None, "SYNCTL_REDIS__URL": inside},
    ):
        environment = secured.environment(**changes)
        _ping(tmp_path, environment)
        shown = call(secured.home, "config", "show", "redis", **environment).out
        assert ("***" in shown) is ("SYNCTL_REDIS__PASSWORD_FILE" not in changes)
        assert PASSWORD not in shown
        assert quote(PASSWORD, safe="") not in shown


@pytest.mark.slow
def test_a_run_goes_through_tls_and_passwords_to_both(secured: Secured) -> None:
    with postgres_server(secured.tls, PASSWORD) as port, made_home() as home:
        (home.path / "password").write_text(PASSWORD)
        home.environment = {
            **secured.environment(),
            "SYNCTL_DATABASE__URL": f"postgresql://synctl@localhost:{port}/postgres?sslmode=verify-full"
            f"&sslrootcert={secured.tls.file('ca.pem')}",
            "SYNCTL_DATABASE__PASSWORD_FILE": str(home.path / "password"),
        }
        home.run("up")
        run = home.json("enqueue", "prayer", "--cities", "1", "--year", "2026", "--wait")["run"]
        view = home.json("status", run)
        assert (view["state"], view["rows"]) == ("succeeded", 46 * 365)
        told = [home.run("doctor", "--json").stdout, home.run("status", "--json").stdout, home.run("logs").stdout]
        told.append(home.run("down").stdout)
        told += [path.read_text() for path in (home.path / "logs").iterdir()]
        assert not [text for text in told if PASSWORD in text or "s3cret" in text]
        for wrong, says in (("", "no password supplied"), ("wrong", "password authentication failed")):
            said = home.run(
                "db", "upgrade", code=10, SYNCTL_DATABASE__PASSWORD=wrong, SYNCTL_DATABASE__PASSWORD_FILE=""
            ).stderr
            assert says in said
        url = home.environment["SYNCTL_DATABASE__URL"].replace("@localhost", "@127.0.0.1")
        assert "does not match host name" in home.run("db", "upgrade", code=10, SYNCTL_DATABASE__URL=url).stderr
