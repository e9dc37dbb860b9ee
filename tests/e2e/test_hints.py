"""What is proposed can be typed, and works."""

from __future__ import annotations

import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.conftest import Home


def proposed(text: str, command: str) -> list[str]:
    """Return the words of the command that a text proposes, as a shell reads them."""
    (line,) = [line for line in text.splitlines() if command in line]
    return shlex.split(line[line.index(command) :].partition("`")[0])


@pytest.mark.slow
def test_what_run_proposes_shows_what_it_stored(home: Home) -> None:
    home.run("seed")
    said = home.run("run", "prayer", "--city", "new york", "--methods", "5", "--from", "2026-03-01").stdout
    words = proposed(said, "show prayer")
    assert words[2:] == ["--city", "New York City,US", "--method", "5", "--date", "2026-03-01"]
    assert "New York City, US" in home.run(*words).stdout


def test_what_show_proposes_can_be_queued(home: Home) -> None:
    home.run("seed")
    asked = ("--city", "St. John’s", "--method", "3", "--madhab", "hanafi", "--date", "2026-03-01")
    words = proposed(home.run("show", "prayer", *asked, code=2).stderr, "enqueue prayer")
    assert words[2:] == [
        "--city", "St. John’s", "--methods", "3", "--madhab", "hanafi", "--from", "2026-03-01", "--to", "2026-03-01",
    ]  # fmt: skip
    assert home.json(*words, "--dry-run")["units"] == 1


def test_show_takes_the_citys_own_today(home: Home) -> None:
    home.run("seed")
    days = set()
    for city in ("Apia", "Pago Pago"):  # a day apart
        words = proposed(home.run("show", "prayer", "--city", city, code=2).stderr, "enqueue prayer")
        days.add(words[words.index("--from") + 1])
    assert len(days) == 2


def test_seeding_tells_what_it_did(home: Home) -> None:
    assert home.json("seed", "--cities", "10") == {"methods": 24, "madhabs": 2, "cities": 10, "changed": 36}
    assert "10 cities and 2 madhabs (0 new or changed)" in home.run("seed", "--cities", "10").stdout


@pytest.mark.parametrize(
    "arguments", [("seed", "--cities", "9" * 18), ("seed", "--cities", "34007"), ("seed", "--cities-file", "")]
)
def test_what_cannot_be_seeded_is_told_before_anything_is_made(home: Home, arguments: tuple[str, ...]) -> None:
    said = home.run(*arguments, code=2).stderr
    assert len(said.splitlines()) == 1
    assert "--cities-file" in said


def test_a_folder_that_was_deleted_is_told_in_one_line(home: Home, tmp_path: Path) -> None:
    gone = tmp_path / "gone"
    gone.mkdir()
    ended = subprocess.run(
        ["sh", "-c", 'rmdir "$1" && exec "$2" -m synctl status', "sh", str(gone), sys.executable],
        cwd=gone,
        env=home.environ(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2, ended.stderr
    assert "current folder" in ended.stderr
