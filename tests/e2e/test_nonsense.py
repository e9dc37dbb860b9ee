"""Nonsense gets one clear line, its exit code, and no traceback; nothing is created."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.conftest import Call, Home

CASES: list[tuple[tuple[str, ...], dict[str, str], int, str]] = [
    (("enqueue", "prayer", "--city", "Lodnon"), {}, 2, "did you mean London"),
    (("enqueue", "prayer", "--methods", "6"), {}, 2, "method '6'"),
    (("enqueue", "prayer", "--methods", "99"), {}, 2, "CUSTOM"),
    (("enqueue", "prayer", "--madhab", "hanafy"), {}, 2, "hanafi"),
    (("enqueue", "prayer", "--from", "2026-03-02", "--to", "2026-03-01"), {}, 2, "lies after"),
    (("enqueue", "prayer", "--from", "tomorow"), {}, 2, "no date"),
    (("enqueue", "prayer", "--cities", "0"), {}, 2, "at least 1"),
    (("enqueue", "prayer", "--cities", "99999"), {}, 2, "34,006"),
    (("enqueue", "prayer", "--cities", "9" * 18, "--dry-run"), {}, 2, "at most 1,000,000"),
    (("coverage", "prayer", "--cities", "99999999"), {}, 2, "at most 1,000,000"),
    (("coverage", "prayer", "--cities", "99999"), {}, 2, "99,999 cities were asked for, 34,006 are seeded"),
    (("coverage", "prayer", "--own-cities"), {}, 2, "no city of your own"),
    (("enqueue", "prayer", "--methods", "3,4", "--year", "2090", "--dry-run"), {}, 2, "--methods 3 can"),
    (("enqueue", "prayer", "--methods", ""), {}, 2, "a method is missing"),
    (("enqueue", "prayer", "--madhab", ""), {}, 2, "a madhab is missing"),
    (("enqueue", "prayer", "--source", ""), {}, 2, "no prayer source"),
    (("show", "prayer", "--city", "London", "--to", "1999-01-01"), {}, 2, "lies in the past"),
    (("status",), {"SYNCTL_PRAYER__CITIES": "9" * 18}, 2, "must be between"),
    (("status",), {"SYNCTL_REDIS__URL": "redis://h:99999999"}, 2, "port"),
    (("status",), {"SYNCTL_DATABASE__URL": "postgresql://u:sec%zzret@h/x"}, 2, "SYNCTL_DATABASE__URL: has a %"),
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

LONG = "Ab" * 2500
"""Pasted into the wrong place: no message repeats all of it."""
MISTYPED: list[tuple[str, ...]] = [
    (LONG,),
    (f"--{LONG}",),
    ("locks", LONG),
    ("status", LONG),
    ("status", "--state", LONG),
    ("status", "--resource", LONG),
    ("status", "--since", LONG),
    ("status", "--limit", LONG),
    ("pause", LONG),
    ("retry", LONG),
    ("history", "--kind", LONG),
    ("logs", "--level", LONG),
    ("logs", LONG),
    ("config", LONG),
    ("config", "show", LONG),
    ("help", LONG),
    ("run", LONG),
    ("worker", LONG),
    ("verify", LONG),
    ("coverage", LONG),
    ("coverage", "prayer", "--city", LONG),
    ("schedule", "next", LONG),
    ("schedule", "trigger", LONG),
    ("seed", "--cities-file", LONG),
    ("cities", "remove", LONG),
    ("enqueue", LONG),
    ("enqueue", "prayer", "--city", LONG),
    ("enqueue", "prayer", "--country", LONG),
    ("enqueue", "prayer", "--methods", LONG),
    ("enqueue", "prayer", "--methods", f"3,,{LONG}"),
    ("enqueue", "prayer", "--methods", "9" * 5000),
    ("enqueue", "prayer", "--madhab", LONG),
    ("enqueue", "prayer", "--source", LONG),
    ("enqueue", "prayer", "--from", LONG),
    ("enqueue", "quran", "--source", LONG),
    ("enqueue", "quran", "--edition", LONG),
    ("enqueue", "hadith", "--source", LONG),
    ("show", LONG),
    ("show", "prayer", LONG),
    ("show", "quran", LONG),
    ("quarantine", "show", LONG),
    ("quarantine", "list", LONG),
    ("export", LONG),
    ("export", "prayer", "--format", LONG),
    ("export", "prayer", "--format", "ics", "--times", LONG),
    ("export", "prayer", "--output", LONG),
    ("export", "prayer", "--output", f"{LONG}.csv"),
    ("metrics", "--textfile", LONG),
    ("metrics", "--textfile", f"{LONG}.prom"),
    ("serve", "--host", LONG),
    ("serve", "--origin", LONG),
]


@pytest.fixture(scope="module")
def up(module_home: Home) -> Home:
    module_home.run("up", SYNCTL_WORKERS__PRAYER="0")
    return module_home


@pytest.mark.parametrize(("arguments", "environment", "code", "says"), CASES)
def test_nonsense_is_told_in_one_line(
    up: Home, call: Call, arguments: tuple[str, ...], environment: dict[str, str], code: int, says: str
) -> None:
    _is_one_line(call(up, *arguments, code=code, **environment).err, says)
    assert call(up, "status", "--json").json == []


@pytest.mark.parametrize("case", [CASES[0], CASES[12]], ids=["usage", "no Redis"])
def test_a_process_tells_it_no_other_way(up: Home, case: tuple[tuple[str, ...], dict[str, str], int, str]) -> None:
    arguments, environment, code, says = case
    _is_one_line(up.run(*arguments, code=code, **environment).stderr, says)


@pytest.mark.parametrize("arguments", MISTYPED, ids=lambda words: " ".join(word[:12] for word in words))
def test_a_long_name_is_not_repeated(up: Home, call: Call, arguments: tuple[str, ...]) -> None:
    said = call(up, *arguments, code=2).err
    _is_one_line(said, "synctl: ")
    assert len(said) <= 240


def _is_one_line(err: str, says: str) -> None:
    assert says in err
    assert "Traceback" not in err
    assert len(err.splitlines()) == 1, err


def test_a_corrupt_configuration_names_file_and_line(up: Home, call: Call) -> None:
    config = up.path / "synctl.toml"
    config.write_text("[prayer]\ncities = 100\n[redis\n")
    try:
        _is_one_line(call(up, "status", code=2).err, "synctl.toml:3: ")
    finally:
        config.unlink()


def test_missing_prerequisites_are_listed_with_what_mends_them(home: Home, call: Call) -> None:
    call(home, "seed", "--cities", "50")
    call(home, "up", SYNCTL_WORKERS__PRAYER="0")
    said = call(home, "enqueue", "prayer", code=5).err
    assert "50 of 100 cities" in said
    assert "synctl seed --cities 100" in said
    assert call(home, "status", "--json").json == []
    call(home, "seed", "--cities", "100")
    assert call(home, "enqueue", "prayer", "--from", "today", "--methods", "3", "--json").json["created"]


def test_without_a_stack_the_command_says_how_to_start_one(home: Home, call: Call) -> None:
    assert "synctl up" in call(home, "enqueue", "prayer", code=5).err
    call(home, "seed", "--cities", "100")
    assert "synctl up" in call(home, "enqueue", "prayer", code=10).err
    assert call(home, "status", "--json").json == []


def test_a_home_that_cannot_be_made_is_named(home: Home, call: Call) -> None:
    blocked = home.path / "file"
    blocked.write_text("")
    _is_one_line(call(home, "up", code=10, SYNCTL_HOME=str(blocked / "home")).err, str(blocked))


@pytest.mark.skipif(not Path("/proc/self").exists(), reason="needs a file system that not even root may write")
def test_a_read_only_home_is_named(home: Home, call: Call) -> None:
    _is_one_line(call(home, "up", code=10, SYNCTL_HOME="/proc/synctl").err, "/proc/synctl")
