"""Values that are no mere typos: huge, broken, hostile, or of somebody else. Each is told in one line."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from synctl.config import load_settings
from synctl.errors import ConfigError
from tests.config.test_settings import error_of, load

LOCATED = "synctl.toml:1: "
NO_PORT = "has a host or port that cannot be; in a password write %2F for /, %3F for ?, %23 for #"
NO_FLOAT = "[redis]\nlease_ttl = 1" + 400 * "0"
TOML_ERRORS = {
    NO_FLOAT: "synctl.toml:2: redis.lease_ttl = 1" + 58 * "0" + "…: must be a number",
    "\nredis.lease_ttl = 1" + 5000 * "0": "synctl.toml:2: not valid TOML: a number has too many digits",
    "redis.lease_ttl = 0x1" + 5000 * "0": LOCATED + "redis.lease_ttl = a number of many digits: must be a number",
    "x = " + 5000 * "[": "synctl.toml: not valid TOML: nested too deeply",
    'home = "a\\u0000b"': LOCATED + "home = 'a\\x00b': must not hold a NUL character",
    'database.url = "sqlite:///a%00b.db"': LOCATED + "database.url: must not hold a control character",
    "database.url = 'postgresql://u:sec%zzret@h/x'": (
        LOCATED + "database.url: has a % that is followed by no two hexadecimal digits: write %25"
    ),
    "database.url = 'postgresql://u:secret@h1:5432,h2:banana/x'": LOCATED + f"database.url: {NO_PORT}",
    "database.url = 'postgresql://u:secret@[::1]x/y'": LOCATED + f"database.url: {NO_PORT}",
    "database.url = 'postgresql://u:sec/ret@h/y'": LOCATED + f"database.url: {NO_PORT}",
    "database.url = 'postgresql://u:sec ret@h/y'": LOCATED + "database.url: has a space: write %20",
    "redis.url = 'redis://h:abc'": LOCATED + f"redis.url: {NO_PORT}",
    "redis.url = 'redis://u:secret@h:99999999'": LOCATED + f"redis.url: {NO_PORT}",
    "redis.lease_ttl = 1e300": LOCATED + "redis.lease_ttl = 1e+300: must be between 1 and 3600",
    "sources.aladhan.timeout = 1e9": LOCATED + "sources.aladhan.timeout = 1000000000.0: must be at most 3600",
    "sources.aladhan.timeout = 0": LOCATED + "sources.aladhan.timeout = 0: must be more than 0",
    "sources.aladhan.rate = 1e-9": LOCATED + "sources.aladhan.rate = 1e-09: must be 0, or between 0.001 and 100000",
    "sources.alquran.rate = 1e9": (
        LOCATED + "sources.alquran.rate = 1000000000.0: must be 0, or between 0.001 and 100000"
    ),
    "prayer.cities = 9999999": LOCATED + "prayer.cities = 9999999: must be between 1 and 1000000",
    "prerequisites.min_cities = 9999999": (
        LOCATED + "prerequisites.min_cities = 9999999: must be between 0 and 1000000"
    ),
    "home = 2026-01-01": LOCATED + "home = 2026-01-01: must be text in quotes",
    "workers.prayer = true": LOCATED + "workers.prayer = true: must be a whole number",
    '[prayer]\nsource = "calculated" # """\ncities = 0 # \'\'\'': (
        "synctl.toml:3: prayer.cities = 0: must be between 1 and 1000000"
    ),
    'home = """a"""\nprayer.cities = 0': "synctl.toml:2: prayer.cities = 0: must be between 1 and 1000000",
}


@pytest.mark.parametrize("toml", TOML_ERRORS, ids=lambda toml: toml[:30])
def test_nonsense_in_a_file_is_told_in_one_line(tmp_path: Path, toml: str) -> None:
    assert error_of(tmp_path, toml) == TOML_ERRORS[toml]


def test_text_that_is_not_utf8_is_refused(tmp_path: Path) -> None:
    broken = os.fsdecode(b"/tmp/\xff\xfe")
    assert error_of(tmp_path, SYNCTL_HOME=broken) == "SYNCTL_HOME = '/tmp/\\udcff\\udcfe': is not UTF-8 text"
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings({"HOME": broken}, tmp_path)
    with pytest.raises(ConfigError, match="not UTF-8"):
        load_settings({"HOME": str(tmp_path), "SYNCTL_HOME": "below"}, Path(broken))


def test_a_working_directory_that_was_deleted_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigError, match="current folder"):
        load_settings({"HOME": str(tmp_path)})


@pytest.fixture
def nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    """A user without a name, as a container's `--user 12345`."""

    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)


def test_a_user_without_a_home_is_asked_for_one_only_where_it_is_needed(tmp_path: Path, nobody: None) -> None:
    assert load_settings({"SYNCTL_HOME": "here"}, tmp_path).home == tmp_path / "here"
    assert load_settings({"XDG_DATA_HOME": "/data"}, tmp_path).home == Path("/data/synctl")
    for environ in ({}, {"SYNCTL_HOME": "~/x"}, {"SYNCTL_CONFIG": "~/x.toml"}):
        with pytest.raises(ConfigError, match="no home folder"):
            load_settings(environ, tmp_path)


DOTENV_ERRORS = {
    "# mine\n\nSYNCTL_PRAYER__CITIES 5\n": ".env:3: cannot be read; write NAME=VALUE",
    "export SYNCTL_HOME='a\nOTHER=1\n": ".env:1: cannot be read; write NAME=VALUE",
    "SYNCTL_PRAYER__CITIES=5\nA=1\n\nSYNCTL_PRAYER__CITIES=many\n": (
        ".env:4: SYNCTL_PRAYER__CITIES = 'many': must be a whole number"
    ),
    'X="\n\n"\nSYNCTL_PRAYER__CITIES=0\n': ".env:4: SYNCTL_PRAYER__CITIES = '0': must be between 1 and 1000000",
}


@pytest.mark.parametrize("lines", DOTENV_ERRORS)
def test_a_line_of_dotenv_that_cannot_be_read_is_named(tmp_path: Path, lines: str) -> None:
    assert error_of(tmp_path, dotenv=lines) == DOTENV_ERRORS[lines]


def test_lines_of_other_programs_in_dotenv_are_their_affair(tmp_path: Path) -> None:
    assert load(tmp_path, dotenv="OTHER THING 5\nX='a\nSYNCTL_PRAYER__CITIES=7\n").prayer.cities == 7


def test_a_folder_that_is_called_dotenv_is_none(tmp_path: Path) -> None:
    (tmp_path / ".env").mkdir()
    assert load(tmp_path).prayer.cities == 100


def test_the_scheme_of_a_url_may_be_written_in_capitals(tmp_path: Path) -> None:
    assert load(tmp_path, SYNCTL_DATABASE__URL="SQLITE:///x.db").database_url == f"sqlite:///{tmp_path}/x.db"
    assert load(tmp_path, SYNCTL_DATABASE__URL="PostgreSQL://H/X").database_url == "postgresql://H/X"
    assert load(tmp_path, SYNCTL_REDIS__URL="REDIS://H").redis.url == "redis://H"
    assert "must name a file" in error_of(tmp_path, SYNCTL_DATABASE__URL="SQLITE:///:memory:")


def test_a_postgresql_url_may_name_several_hosts(tmp_path: Path) -> None:
    url = "postgresql://u:p@h1:5432,[::1]:5433,h3/x"
    assert load(tmp_path, SYNCTL_DATABASE__URL=url).database_url == url


def test_variables_that_kubernetes_sets_for_a_service_of_our_name_are_no_settings(tmp_path: Path) -> None:
    service = {"SYNCTL_PORT": "tcp://10.0.0.1:80", "SYNCTL_PORT_80_TCP_ADDR": "10.0.0.1", "SYNCTL_SERVICE_HOST": "h"}
    assert load(tmp_path, **service).prayer.cities == 100
    assert "SYNCTL_PORTS" in error_of(tmp_path, SYNCTL_PORTS="x")


def test_a_named_file_may_lie_in_the_users_home(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("prayer.cities = 9\n")
    assert load(tmp_path, SYNCTL_CONFIG="~/x.toml").prayer.cities == 9
