"""All that is wrong is found at once; which files are read is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from synctl.config import load_settings, looked_for, problems
from synctl.errors import ConfigError
from tests.config.test_nonsense import DOTENV_ERRORS, TOML_ERRORS
from tests.config.test_settings import EXAMPLE

TOML = """\
[redis]
leasettl = 3
[prayer]
cities = 0
source = "aladhan"
[foo]
a = 1
"""
DOTENV = "SYNCTL_RETRY__ATTEMPTS=none\nSYNCTL_X\nSYNCTL_PRAYER__CITIES=many\n"


def said(folder: Path, toml: str = "", dotenv: str = "", **environ: str) -> list[str]:
    (folder / "synctl.toml").write_text(toml, encoding="utf-8")
    (folder / ".env").write_text(dotenv, encoding="utf-8")
    return [str(error) for error in problems({"HOME": str(folder), **environ}, folder)]


def test_everything_that_is_wrong_is_told_at_once(tmp_path: Path) -> None:
    found = said(tmp_path, TOML, DOTENV, SYNCTL_PRAYER__AGREEMNT="3", SYNCTL_PRAYER__CITIES="-1")
    assert [line.partition(";")[0] for line in found] == [
        ".env:2: SYNCTL_X: has no value",
        "synctl.toml:2: redis.leasettl: no such key in [redis] (did you mean lease_ttl?)",
        "synctl.toml:4: prayer.cities = 0: must be between 1 and 1000000",
        "synctl.toml:6: foo: no such key at the top",
        ".env:1: SYNCTL_RETRY__ATTEMPTS = 'none': must be a whole number",
        "SYNCTL_PRAYER__CITIES = '-1': must be between 1 and 1000000",
        "SYNCTL_PRAYER__AGREEMNT: no such setting (did you mean SYNCTL_PRAYER__AGREEMENT?)",
    ]


def test_a_file_that_is_no_toml_hides_nothing_else(tmp_path: Path) -> None:
    found = said(tmp_path, "[redis\n", SYNCTL_RETRY__ATTEMPTS="0")
    assert len(found) == 2
    assert found[0].startswith("synctl.toml:1: not valid TOML")
    assert found[1].startswith("SYNCTL_RETRY__ATTEMPTS")


@pytest.mark.parametrize("toml", TOML_ERRORS, ids=lambda toml: toml[:30])
def test_what_loading_refuses_is_a_problem(tmp_path: Path, toml: str) -> None:
    assert said(tmp_path, toml) == [TOML_ERRORS[toml]]


@pytest.mark.parametrize("lines", DOTENV_ERRORS)
def test_what_loading_refuses_in_dotenv_is_a_problem(tmp_path: Path, lines: str) -> None:
    assert DOTENV_ERRORS[lines] in said(tmp_path, "", lines)


def test_nothing_is_wrong_with_the_example_and_with_no_configuration(tmp_path: Path) -> None:
    assert said(tmp_path, EXAMPLE.read_text(encoding="utf-8")) == []
    assert problems({"HOME": str(tmp_path / "empty")}, tmp_path / "empty") == []


def test_a_user_without_a_home_folder_is_a_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", unknown)
    assert "no home folder" in str(problems({}, tmp_path)[0])
    assert problems({"SYNCTL_HOME": str(tmp_path)}, tmp_path) == []


def test_a_password_in_a_url_that_is_no_secret_is_not_repeated(tmp_path: Path) -> None:
    (line,) = said(tmp_path, SYNCTL_SOURCES__ALADHAN__BASE_URL="ftp://me:hush@mirror/v1")
    assert "hush" not in line
    assert "me:***@mirror" in line


def status(folder: Path, **environ: str) -> dict[str, str]:
    found = looked_for({"HOME": str(folder), **environ}, folder / "work")
    return {str(one.path.relative_to(folder)): one.status for one in found}


def test_the_files_that_are_read_are_told(tmp_path: Path) -> None:
    work, own = tmp_path / "work", tmp_path / ".config/synctl"
    work.mkdir()
    own.mkdir(parents=True)
    paths = {"work/.env": "absent", "work/synctl.toml": "absent", ".config/synctl/synctl.toml": "absent"}
    assert status(tmp_path) == paths
    (own / "synctl.toml").write_text("prayer.cities = 7\n")
    assert status(tmp_path) == {**paths, ".config/synctl/synctl.toml": "read"}
    (work / "synctl.toml").write_text("prayer.cities = 8\n")
    hidden = {**paths, "work/synctl.toml": "read", ".config/synctl/synctl.toml": "unread"}
    assert status(tmp_path) == hidden
    (work / ".env").write_text("SYNCTL_CONFIG=../own.toml\n")
    named = {**paths, "work/.env": "read", "work/synctl.toml": "unread", ".config/synctl/synctl.toml": "unread"}
    assert status(tmp_path) == {**named, "work/../own.toml": "absent"}
    with pytest.raises(ConfigError, match="no such file"):
        load_settings({"HOME": str(tmp_path)}, work)
    (tmp_path / "own.toml").write_text("prayer.cities = 9\n")
    assert status(tmp_path) == {**named, "work/../own.toml": "read"}
    assert load_settings({"HOME": str(tmp_path)}, work).prayer.cities == 9
