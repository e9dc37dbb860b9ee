"""`synctl config`: what is in force and where from, what is wrong, without a secret."""

from __future__ import annotations

import json
import os
import tomllib
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from synctl.cli import config
from synctl.cli.main import run
from synctl.config import all_keys, load_settings
from synctl.errors import ExitCode
from tests.helpers import chosen


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory that is the user's home, too."""
    for name in [name for name in os.environ if name.startswith("SYNCTL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "none"))
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    ended = run(["config", *arguments])
    out, err = capsys.readouterr()
    assert ended == code, out + err
    return out + err


def documents(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    lines = said(capsys, "show", *arguments, "--json").splitlines()
    return {one["key"]: one for one in map(json.loads, lines)}


def test_a_schedule_is_shown_under_the_names_of_the_file(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "synctl.toml").write_text(
        '[schedule.lw]\ncron = "0 4 * * *"\nresource = "prayer"\nfrom = "today"\nto = "tomorrow"\n'
    )
    shown = documents(capsys, "schedule.lw")
    assert {name: one["value"] for name, one in shown.items()} == {
        "schedule.lw.cron": "0 4 * * *",
        "schedule.lw.resource": "prayer",
        "schedule.lw.from": "today",
        "schedule.lw.to": "tomorrow",
    }


def test_a_schedule_of_what_is_not_installed_is_wrong(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "synctl.toml").write_text(
        "".join(f'[schedule.{name}]\ncron = "9 * * * *"\nresource = "{name}"\n' for name in ("nope", "prayer", "quram"))
    )
    first, second = said(capsys, "check", code=ExitCode.USAGE).splitlines()
    assert first.startswith("synctl.toml:3: schedule.nope.resource = 'nope': no such resource")
    assert second.startswith("synctl.toml:9: schedule.quram.resource = 'quram': no such resource (did you mean quran?)")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[redis]\npassword = -1\n", "redis.password (hidden): must be text in quotes"),
        ('[redis]\npassword = "x"\n', "redis.password (hidden): there is no redis.url that it could be for"),
        ('[redis]\nca_file = "x"\n', "redis.ca_file: there is no redis.url that it could be for"),
        ('[redis]\npassword_file = "x"\n', "redis.password_file: {folder}/x: No such file or directory"),
        ('[database]\npassword = "x"\n', "database.password (hidden): an SQLite file has none"),
        (
            '[database]\npassword_file = "synctl.toml"\n',
            "database.password_file: {folder}/synctl.toml must hold one line",
        ),
    ],
)
def test_what_is_wrong_with_a_secret_is_told_with_its_line_and_not_masked(
    folder: Path, capsys: pytest.CaptureFixture[str], text: str, told: str
) -> None:
    (folder / "synctl.toml").write_text(text)
    expected = f"synctl.toml:2: {told.format(folder=folder)}"
    assert said(capsys, "check", code=ExitCode.USAGE).startswith(expected)
    assert said(capsys, "show", code=ExitCode.USAGE).startswith(f"synctl: {expected}")


def test_every_value_is_shown_with_where_it_comes_from(
    folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "synctl.toml").write_text("[retry]\nattempts = 3\n[workers]\ntafsir = 0\n")
    (folder / ".env").write_text("SYNCTL_RETRY__BACKOFF=2\n")
    monkeypatch.setenv("SYNCTL_RETRY__OUTAGE", "60")
    shown = documents(capsys)
    assert set(shown) == {key.name for key in all_keys()} | {"workers.tafsir"}
    assert {name: (shown[name]["value"], shown[name]["origin"]) for name in shown if name.startswith("retry.")} == {
        "retry.attempts": (3, "synctl.toml:2"),
        "retry.backoff": (2.0, ".env:1 SYNCTL_RETRY__BACKOFF"),
        "retry.backoff_cap": (30.0, "default"),
        "retry.retry_after_cap": (300.0, "default"),
        "retry.outage": (60.0, "environment SYNCTL_RETRY__OUTAGE"),
    }
    assert shown["retry.outage"]["variable"] == "SYNCTL_RETRY__OUTAGE"
    assert shown["retry.outage"]["default"] == 3600.0
    assert shown["home"]["value"] == str(folder / "data/synctl")


def test_what_is_shown_is_a_file_that_gives_the_same_settings(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "synctl.toml").write_text('[retry]\nattempts = 3\n[prayer]\nsource = "aladhan"\n[workers]\ntafsir = 0\n')
    before = chosen(load_settings())
    text = said(capsys, "show")
    assert tomllib.loads(text)["retry"]["attempts"] == 3
    (folder / "synctl.toml").write_text(text)
    assert chosen(load_settings()) == before


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_it_is_a_file_on_a_terminal_of_any_width(
    columns: int, folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(config, "console", lambda: Console(width=columns, highlight=False))
    text = said(capsys, "show")
    assert tomllib.loads(text)["sources"]["aladhan"]["rate"] == 4.0
    if columns == 200:
        assert all("# default" in line for line in text.splitlines() if " = " in line)


@pytest.mark.parametrize("how", [(), ("--json",)])
def test_passwords_are_masked(
    how: tuple[str, ...], folder: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCTL_REDIS__URL", "redis://me:hush@h/0?password=hush")
    monkeypatch.setenv("SYNCTL_DATABASE__URL", "postgresql://me:hush@h/x?sslpassword=hush")
    monkeypatch.setenv("SYNCTL_SOURCES__ALADHAN__BASE_URL", "https://me:hush@mirror/v1")
    text = said(capsys, "show", *how)
    assert "hush" not in text
    assert "redis://me:***@h/0?password=***" in text
    assert "https://me:***@mirror/v1" in text


def test_a_key_or_a_table_may_be_asked_for(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert set(documents(capsys, "redis.lease_ttl")) == {"redis.lease_ttl"}
    assert {"redis.url", "redis.lease_ttl"} < set(documents(capsys, "redis"))
    assert len(documents(capsys, "sources.aladhan")) == 7
    assert "did you mean redis.url?" in said(capsys, "show", "redis.ulr", code=2)
    assert "takes no key" in said(capsys, "check", "redis", code=2)


def test_what_an_empty_value_stands_for_is_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "show")
    assert f"# default: sqlite:///{folder}/data/synctl/synctl.db" in text
    assert f"# default: the embedded Valkey in {folder}/data/synctl/redis" in text


def test_check_says_all_at_once_or_ok(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert said(capsys, "check") == "ok\n"
    assert said(capsys, "check", "--json") == ""
    (folder / "synctl.toml").write_text("[retry]\nattemps = 3\nbackoff = -1\n")
    expected = [
        "synctl.toml:2: retry.attemps: no such key in [retry] (did you mean attempts?)",
        "synctl.toml:3: retry.backoff = -1: must be between 0 and 3600",
    ]
    assert said(capsys, "check", code=2).splitlines() == expected
    documents = [json.loads(line) for line in said(capsys, "check", "--json", code=2).splitlines()]
    assert documents == [{"message": line} for line in expected]
    assert said(capsys, "show", code=2) == f"synctl: {expected[0]}\n"


def test_check_knows_which_resources_are_installed(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "synctl.toml").write_text("[workers]\nprayers = 1\n")
    line = "synctl.toml:2: workers.prayers = 1: no such resource (did you mean prayer?)\n"
    assert said(capsys, "check", code=ExitCode.USAGE) == line


def test_the_files_are_told(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "synctl.toml").write_text("")
    shown = {one["path"]: one["status"] for one in json.loads(said(capsys, "path", "--json"))}
    assert shown == {
        str(folder / ".env"): "absent",
        str(folder / "synctl.toml"): "read",
        str(folder / "none/synctl/synctl.toml"): "unread",
    }
    assert f"read    {folder}/synctl.toml" in said(capsys, "path")


def test_nothing_is_created(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for action in ("show", "check", "path"):
        said(capsys, action)
    assert list(folder.iterdir()) == []
