"""Nonsense gets one clear line, its exit code, and no traceback; nothing is created."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Home

CASES: list[tuple[tuple[str, ...], dict[str, str], int, str]] = [
    (("enqueue", "prayer", "--city", "Lodnon"), {}, 2, "did you mean London"),
    (("enqueue", "prayer", "--methods", "6"), {}, 2, "method '6'"),
    (("enqueue", "prayer", "--methods", "99"), {}, 2, "CUSTOM"),
    (("enqueue", "prayer", "--madhab", "hanafy"), {}, 2, "hanafi"),
    (("enqueue", "prayer", "--from", "2026-03-02", "--to", "2026-03-01"), {}, 2, "lies after"),
    (("enqueue", "prayer", "--from", "tomorow"), {}, 2, "no date"),
    (("enqueue", "prayer", "--cities", "0"), {}, 2, "at least 1"),
    (("enqueue", "prayer", "--cities", "99999"), {}, 2, "34,006"),
    (("enqueue", "prayer", "--source", "aladan"), {}, 2, "did you mean aladhan"),
    (("enqueue", "prayer", "--edition", "x"), {}, 2, "--edition"),
    (("enqueue", "tafsir"), {}, 2, "no resource"),
    (("enqueu", "prayer"), {}, 2, "did you mean enqueue"),
    (("enqueue", "prayer"), {"SYNCTL_REDIS__URL": "redis://127.0.0.1:1/0"}, 10, "nothing listens"),
    (("status", "prayer-nothing"), {}, 2, "no run"),
    (("pause", "prayer-nothing"), {}, 2, "no run"),
    (("show", "prayer", "--city", "London", "--date", "1999-01-01"), {}, 2, "nothing stored"),
    (("show", "prayer"), {}, 2, "--city"),
    (("status",), {"SYNCTL_PRAYER__CITYS": "3"}, 2, "CITIES"),
    (("status",), {"SYNCTL_DATABASE__URL": "mysql://x/y"}, 2, "mysql"),
    (("seed", "--cities-file", "no-such.csv"), {}, 2, "no-such.csv"),
]


@pytest.fixture(scope="module")
def up(module_home: Home) -> Home:
    module_home.run("up")
    return module_home


@pytest.mark.parametrize(("arguments", "environment", "code", "says"), CASES)
def test_nonsense_is_told_in_one_line(
    up: Home, arguments: tuple[str, ...], environment: dict[str, str], code: int, says: str
) -> None:
    result = up.run(*arguments, code=code, **environment)
    complaint = [line for line in result.stderr.splitlines() if line.strip()]
    assert says in result.stderr
    assert "Traceback" not in result.stderr
    assert len(complaint) <= 4, complaint
    assert up.json("status") == []


def test_a_corrupt_configuration_names_file_and_line(up: Home) -> None:
    config = up.path / "synctl.toml"
    config.write_text("[prayer]\ncities = 100\n[redis\n")
    try:
        assert "synctl.toml" in (said := up.run("status", code=2).stderr)
        assert "3" in said
    finally:
        config.unlink()


def test_missing_prerequisites_are_listed_with_what_mends_them(home: Home) -> None:
    home.run("seed", "--cities", "50")
    home.run("up")
    result = home.run("enqueue", "prayer", code=5)
    assert "50 of 100 cities" in result.stderr
    assert "synctl seed --cities 100" in result.stderr
    assert home.json("status") == []
    home.run("seed", "--cities", "100")
    assert home.json("enqueue", "prayer", "--from", "today", "--methods", "3")["created"]


def test_without_a_stack_the_command_says_how_to_start_one(home: Home) -> None:
    assert "synctl up" in home.run("enqueue", "prayer", code=5).stderr
    home.run("seed")
    assert "synctl up" in home.run("enqueue", "prayer", code=10).stderr
    assert home.json("status") == []


def test_a_home_that_cannot_be_made_is_named(home: Home) -> None:
    blocked = home.path / "file"
    blocked.write_text("")
    result = home.run("up", code=10, SYNCTL_HOME=str(blocked / "home"))
    assert str(blocked) in result.stderr
    assert "Traceback" not in result.stderr


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system that not even root may write")
def test_a_read_only_home_is_named(home: Home) -> None:
    result = home.run("up", code=10, SYNCTL_HOME="/proc/synctl")
    assert "/proc/synctl" in result.stderr
    assert len(result.stderr.splitlines()) == 1
