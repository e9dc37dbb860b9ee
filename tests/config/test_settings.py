"""Settings: precedence, origins, the text of each error, and the example file."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from msgspec.structs import replace

from synctl.config import Settings, all_keys, load_settings
from synctl.config.example import example
from synctl.config.keys import entry_keys
from synctl.config.schedules import Schedule
from synctl.errors import ConfigError, ExitCode
from tests.helpers import chosen

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

EXAMPLE = Path(__file__).parents[2] / "config.example.toml"


def load(folder: Path, toml: str = "", dotenv: str = "", **environ: str) -> Settings:
    """Load from a folder that is working directory and home at once."""
    if toml:
        (folder / "synctl.toml").write_text(toml, encoding="utf-8")
    if dotenv:
        (folder / ".env").write_text(dotenv, encoding="utf-8")
    return load_settings({"HOME": str(folder), **environ}, folder)


def error_of(folder: Path, toml: str = "", dotenv: str = "", **environ: str) -> str:
    with pytest.raises(ConfigError) as caught:
        load(folder, toml, dotenv, **environ)
    assert caught.value.exit_code == ExitCode.USAGE
    message = str(caught.value)
    assert "\n" not in message
    return message


def test_everything_works_without_any_configuration(tmp_path: Path) -> None:
    settings = load(tmp_path)
    home = tmp_path / ".local/share/synctl"
    assert chosen(settings) == Settings(home=home)
    assert settings.database_url == f"sqlite:///{home}/synctl.db"
    assert (settings.logs_dir, settings.redis_dir) == (home / "logs", home / "redis")
    assert settings.redis.url is None
    assert settings.sources.aladhan.rate == 4.0
    assert settings.sources["hadith_api"].concurrency == 1
    assert set(settings.origins.values()) == {"default"}
    assert set(settings.origins) == {key.name for key in all_keys()}


def test_the_environment_wins_over_dotenv_over_the_file_over_defaults(tmp_path: Path) -> None:
    toml = "[retry]\nattempts = 2\nbackoff = 2\nbackoff_cap = 2\n"
    dotenv = "OTHER=1\nSYNCTL_RETRY__BACKOFF=3\nexport SYNCTL_RETRY__BACKOFF_CAP='3'\n"
    settings = load(tmp_path, toml, dotenv, SYNCTL_RETRY__BACKOFF_CAP="4")
    retry = settings.retry
    assert (retry.attempts, retry.backoff, retry.backoff_cap, retry.retry_after_cap) == (2, 3, 4, 300)
    assert {name: origin for name, origin in settings.origins.items() if name.startswith("retry")} == {
        "retry.attempts": "synctl.toml:2",
        "retry.backoff": ".env:2 SYNCTL_RETRY__BACKOFF",
        "retry.backoff_cap": "environment SYNCTL_RETRY__BACKOFF_CAP",
        "retry.retry_after_cap": "default",
        "retry.outage": "default",
    }


def test_the_working_directorys_file_hides_the_users(tmp_path: Path) -> None:
    user = tmp_path / ".config/synctl/synctl.toml"
    user.parent.mkdir(parents=True)
    user.write_text("prayer.cities = 7\n")
    settings = load(tmp_path)
    assert settings.prayer.cities == 7
    assert settings.origins["prayer.cities"] == f"{user}:1"
    assert load(tmp_path, "[prayer]\n").prayer.cities == 100


def test_xdg_folders_are_obeyed_unless_relative(tmp_path: Path) -> None:
    (tmp_path / "config/synctl").mkdir(parents=True)
    (tmp_path / "config/synctl/synctl.toml").write_text("prayer.cities = 8\n")
    xdg = {"XDG_CONFIG_HOME": str(tmp_path / "config"), "XDG_DATA_HOME": str(tmp_path / "data")}
    settings = load(tmp_path, **xdg)
    assert (settings.prayer.cities, settings.home) == (8, tmp_path / "data/synctl")
    assert load(tmp_path, XDG_DATA_HOME="data").home == tmp_path / ".local/share/synctl"


def test_a_named_file_replaces_the_others_and_must_exist(tmp_path: Path) -> None:
    (tmp_path / "other.toml").write_text("prayer.cities = 9\n")
    settings = load(tmp_path, "prayer.cities = 3\n", SYNCTL_CONFIG="other.toml")
    assert (settings.prayer.cities, settings.origins["prayer.cities"]) == (9, "other.toml:1")
    assert error_of(tmp_path, SYNCTL_CONFIG="none.toml") == "SYNCTL_CONFIG = 'none.toml': no such file"
    assert error_of(tmp_path, dotenv="\nSYNCTL_CONFIG=no\n") == ".env:2: SYNCTL_CONFIG = 'no': no such file"


def test_a_relative_path_starts_at_the_folder_it_is_written_in(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc/s.toml").write_text('home = "var"\n[database]\nurl = "sqlite:///a b%23.db"\n')
    settings = load(tmp_path, SYNCTL_CONFIG="etc/s.toml")
    assert settings.home == tmp_path / "etc/var"
    assert settings.database_url == f"sqlite:///{tmp_path}/etc/a%20b%23.db"
    assert load(tmp_path, SYNCTL_HOME="var").home == tmp_path / "var"
    assert load(tmp_path, SYNCTL_HOME="~/var").home == tmp_path / "var"
    assert load(tmp_path, SYNCTL_HOME="").home == tmp_path / ".local/share/synctl"


def test_a_postgresql_url_stays_as_written(tmp_path: Path) -> None:
    url = "postgresql://me:pw@db/prayers?options=-csearch_path%3Dx"
    assert load(tmp_path, SYNCTL_DATABASE__URL=url).database_url == url


def test_workers_take_names_of_other_resources(tmp_path: Path) -> None:
    settings = load(tmp_path, "[workers]\ntafsir = 3\n", SYNCTL_WORKERS__QURAN="0")
    assert settings.workers["tafsir"] == 3
    assert settings.workers["quran"] == 0
    assert settings.workers["hadith"] == 1
    assert settings.origins["workers.tafsir"] == "synctl.toml:2"


def test_an_empty_url_means_the_embedded_parts_again(tmp_path: Path) -> None:
    settings = load(tmp_path, '[redis]\nurl = "redis://h"\n', SYNCTL_REDIS__URL="")
    assert settings.redis.url is None


def test_a_slash_at_the_end_of_a_base_url_is_dropped(tmp_path: Path) -> None:
    settings = load(tmp_path, SYNCTL_SOURCES__ALADHAN__BASE_URL="http://127.0.0.1:1/v1/")
    assert settings.sources.aladhan.base_url == "http://127.0.0.1:1/v1"


def test_variables_of_the_test_suite_are_no_settings(tmp_path: Path) -> None:
    assert load(tmp_path, SYNCTL_TEST_POSTGRES="x").home


TOML_ERRORS = {
    "[redis]\n\nlease_tll = 3": (
        "synctl.toml:3: redis.lease_tll: no such key in [redis] (did you mean lease_ttl?)"
    ),
    "[reddis]\nurl = ''": "synctl.toml:1: reddis: no such key at the top (did you mean redis?)",
    "redis = 3": "synctl.toml:1: redis: is a table: write [redis] and keys below it",
    "home = 3": "synctl.toml:1: home = 3: must be text in quotes",
    "[sources.aladhan]\nrate = '4'": "synctl.toml:2: sources.aladhan.rate = '4': must be a number",
    '[http]\ntransport = "curl"': "synctl.toml:2: http.transport = 'curl': must be http.client or httpx",
    "[sources]\naladhan.rate = -1": "synctl.toml:2: sources.aladhan.rate = -1: must be 0, or between 0.001 and 100000",
    "[sources]\naladhan = { burst = 1, rate = inf }": (
        "synctl.toml:2: sources.aladhan.rate = inf: must be a number"
    ),
    "[sources]\n\n[sources.aladan]\n": (
        "synctl.toml:3: sources.aladan: no such key in [sources] (did you mean aladhan?)"
    ),
    "sources.calculated.rate = 1": (
        "synctl.toml:1: sources.calculated.rate: no such key in [sources.calculated]; "
        "the keys there are concurrency"
    ),
    "sources.aladhan.base_url = 'ftp://h'": (
        "synctl.toml:1: sources.aladhan.base_url = 'ftp://h': "
        "must be a URL such as https://HOST/PATH: 'ftp' is none of http, https"
    ),
    "sources.aladhan.base_url = 'http://'": (
        "synctl.toml:1: sources.aladhan.base_url = 'http://': names no host"
    ),
    "[workers]\nprayer = 65": "synctl.toml:2: workers.prayer = 65: must be between 0 and 64",
    "[workers]\nprayer = true": "synctl.toml:2: workers.prayer = true: must be a whole number",
    "[workers]\nTafsir = 1": (
        "synctl.toml:2: workers.Tafsir: no such key in [workers]; the keys there are prayer, quran, hadith"
    ),
    "[prayer]\nsource = 'aladan'": (
        "synctl.toml:2: prayer.source = 'aladan': must be calculated or aladhan (did you mean aladhan?)"
    ),
    "[database]\nurl = 'mysql://u:secret@h/d'": (
        "synctl.toml:2: database.url: must be a URL such as postgresql://USER@HOST/NAME: "
        "'mysql' is none of sqlite, postgresql, postgres"
    ),
    "[database]\nurl = 'sqlite://'": "synctl.toml:2: database.url: must name a file: sqlite:///PATH",
    "[database]\nurl = 'sqlite:///:memory:'": "synctl.toml:2: database.url: must name a file: sqlite:///PATH",
    "[redis]\nurl = 'localhost'": (
        "synctl.toml:2: redis.url: must be a URL such as redis://HOST:6379/0: it names no scheme"
    ),
    "home = '''\n[redis]\nlease_ttl = 1\n'''\n[redis]\nlease_ttl = 0\n": (
        "synctl.toml:6: redis.lease_ttl = 0: must be between 1 and 3600"
    ),
    "[retry] # why\n\"attempts\" = 0 # never": (
        "synctl.toml:2: retry.attempts = 0: must be between 1 and 100"
    ),
    "[redis]\nlease_ttl 5": "synctl.toml:2: not valid TOML: Expected '=' after a key in a key/value pair",
    "[redis]\nurl = 'a": "synctl.toml:2: not valid TOML: Expected \"'\"",
    "[redis]\nurl = ''\nurl = ''\n": "synctl.toml:3: not valid TOML: Cannot overwrite a value",
}  # fmt: skip


@pytest.mark.parametrize("toml", TOML_ERRORS)
def test_a_wrong_file_is_named_with_line_key_and_reason(tmp_path: Path, toml: str) -> None:
    assert error_of(tmp_path, toml) == TOML_ERRORS[toml]


VARIABLE_ERRORS: Mapping[tuple[str, str], str] = {
    ("SYNCTL_PRAYER__CITIES", "many"): "SYNCTL_PRAYER__CITIES = 'many': must be a whole number",
    ("SYNCTL_PRAYER__CITIES", ""): "SYNCTL_PRAYER__CITIES = '': must be a whole number",
    ("SYNCTL_PRAYER__CITIES", "1.5"): "SYNCTL_PRAYER__CITIES = '1.5': must be a whole number",
    ("SYNCTL_RETRY__BACKOFF", "nan"): "SYNCTL_RETRY__BACKOFF = 'nan': must be a number",
    ("SYNCTL_REDIS_URL", "x"): "SYNCTL_REDIS_URL: no such setting (did you mean SYNCTL_REDIS__URL?)",
    ("SYNCTL_HOMME", "x"): "SYNCTL_HOMME: no such setting (did you mean SYNCTL_HOME?)",
    ("SYNCTL_REDIS", "x"): "SYNCTL_REDIS: no such setting (did you mean SYNCTL_REDIS__URL?)",
    ("SYNCTL_REDIS__", "x"): "SYNCTL_REDIS__: no such setting (did you mean SYNCTL_REDIS__URL?)",
    ("SYNCTL_RETRY__ZZZZZZZZZZZZZZ", "x"): (
        "SYNCTL_RETRY__ZZZZZZZZZZZZZZ: no such setting; "
        "SYNCTL_RETRY__… is one of attempts, backoff, backoff_cap, retry_after_cap, outage"
    ),
    ("SYNCTL_redis__url", "x"): "SYNCTL_redis__url: no such setting (did you mean SYNCTL_REDIS__URL?)",
    ("SYNCTL_REDIS__URL", "http://u:secret@h"): (
        "SYNCTL_REDIS__URL: must be a URL such as redis://HOST:6379/0: 'http' is none of redis, rediss, unix,"
        " redis+sentinel, rediss+sentinel"
    ),
}


@pytest.mark.parametrize(("name", "text"), VARIABLE_ERRORS)
def test_a_wrong_variable_is_named(tmp_path: Path, name: str, text: str) -> None:
    assert error_of(tmp_path, **{name: text}) == VARIABLE_ERRORS[name, text]


def test_a_wrong_line_of_dotenv_is_named(tmp_path: Path) -> None:
    lines = "# mine\nSYNCTL_PRAYER__CITIES=many\n"
    assert error_of(tmp_path, dotenv=lines) == ".env:2: SYNCTL_PRAYER__CITIES = 'many': must be a whole number"
    assert error_of(tmp_path, dotenv="SYNCTL_HOME\n") == ".env:1: SYNCTL_HOME: has no value; write SYNCTL_HOME=VALUE"


def test_an_unreadable_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "synctl.toml").mkdir()
    assert error_of(tmp_path) == "synctl.toml: cannot be read: Is a directory"


def test_a_file_that_is_not_utf8_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "synctl.toml").write_bytes(b"# a\n# \xff\n")
    assert error_of(tmp_path) == "synctl.toml:2: not UTF-8 text"


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    assert load(tmp_path, "\ufeffprayer.cities = 5\n").prayer.cities == 5


@pytest.fixture
def two_cores(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Give the machine of the example, on which `workers.prayer` is 2."""
    monkeypatch.setattr(os, "cpu_count", lambda: 2)
    all_keys.cache_clear()
    yield
    all_keys.cache_clear()


def test_the_example_is_what_the_declarations_say(two_cores: None) -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == example(), "python -m synctl.config.example > config.example.toml"


def test_the_example_uncommented_holds_every_key_and_loads_to_the_defaults(tmp_path: Path, two_cores: None) -> None:
    uncommented = re.sub(r"^#(?! |$)", "", EXAMPLE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    settings = load(tmp_path, uncommented)
    assert settings.schedule == {"nightly": Schedule(cron="15 2 * * *", resource="prayer")}
    plain = load_settings({"HOME": str(tmp_path)}, tmp_path / "elsewhere")
    assert replace(chosen(settings), schedule={}) == chosen(plain)
    given = {name for name, origin in settings.origins.items() if origin.startswith("synctl.toml:")}
    # An empty home means the default one, and its origin says so.
    of_schedule = {
        f"schedule.nightly.{name}" for name in ("cron", "timezone", "resource", "overlap", "catch_up", "enabled")
    }
    assert given == {key.name for key in all_keys()} - {"home"} | of_schedule
    assert '\nhome = ""\n' in uncommented


def test_the_example_shows_every_key_of_a_schedule_as_it_may_be(tmp_path: Path) -> None:
    _, _, section = EXAMPLE.read_text(encoding="utf-8").partition("#[schedule.nightly]\n")
    keys = re.findall(r"^# ?(\w+ = .*)$", section, re.MULTILINE)
    load(tmp_path, "[schedule.nightly]\n" + "\n".join(keys))
    assert [one.partition(" ")[0] for one in keys] == [key.path[-1] for key in entry_keys(("schedule", "nightly"))]


def test_every_key_can_be_set_by_its_variable(tmp_path: Path) -> None:
    for key in all_keys():
        settings = load(tmp_path, **{key.variable: "" if key.default is None else str(key.default)})
        assert replace(chosen(settings), home=tmp_path) == Settings(home=tmp_path), key.name


def test_settings_import_nothing_heavy() -> None:
    heavy = "sqlalchemy|alembic|pydantic|httpx|dotenv|tomllib|redis|rich"
    code = "import sys, synctl.config, pathlib; synctl.config.load_settings({}, pathlib.Path('/'))"
    # Without coverage's own variables: it would import what it needs into the process we look at.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("COVERAGE")}
    loaded = subprocess.run(
        [sys.executable, "-c", f"{code}; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
        env=environment,
    ).stdout
    assert not re.findall(rf"\b(?:{heavy})\b", loaded)
