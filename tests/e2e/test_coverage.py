"""Coverage of what a real stack stored: the map fits, and its gaps can be fed to a shell."""

from __future__ import annotations

import re
import shlex
import sys

import pexpect
import pytest
from rich.cells import cell_len

from tests.e2e.conftest import Home


@pytest.fixture(scope="module")
def synced(module_home: Home) -> Home:
    """Two cities, one with a gap; the stack stays up for the orders that fill it."""
    module_home.run("up")
    london = ("run", "prayer", "--city", "London", "--methods", "3", "--year", "2026")
    queued, *_, ended = module_home.lines(*london)
    assert (queued["why"], ended["run"], ended["state"]) == ("created", queued["run"], "succeeded")
    quiet = module_home.run(
        "run", "prayer", "--city", "Ho Chi Minh City", "--methods", "3", "--from", "2026-01-01", "--to", "2026-03-10",
        "--quiet",
    )  # fmt: skip
    assert (quiet.stdout, quiet.stderr) == ("", "")
    return module_home


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("coverage",), 5),
        (("coverage", "prayer"), 5),
        (("coverage", "prayr"), 2),
        (("coverage", "--gaps"), 2),
        (("coverage", "prayer", "--older-than", "30"), 2),
        (("coverage", "prayer", "--year", "3000"), 2),
        (("coverage", "prayer", "--cities", "0"), 2),
        (("coverage", "prayer", "--cities", "2", "--city", "London"), 2),
        (("coverage", "prayer", "--limit", "0"), 2),
    ],
)
def test_nonsense_and_a_missing_database_have_their_exit_codes(
    home: Home, arguments: tuple[str, ...], code: int
) -> None:
    assert "Traceback" not in home.run(*arguments, code=code).stderr
    assert not (home.path / "synctl.db").exists()


@pytest.mark.parametrize(
    "arguments",
    [("--city", "Nowhere"), ("--country", "ZZ"), ("--methods", "999"), ("--methods", ""), ("--madhab", "maliki")],
    ids=" ".join,
)
def test_what_does_not_exist_is_a_usage_error(synced: Home, arguments: tuple[str, ...]) -> None:
    assert synced.run("coverage", "prayer", *arguments, code=2).stdout == ""


def test_the_overview_tells_units_rows_days_ages_and_sources(synced: Home) -> None:
    (prayer,) = synced.json("coverage")
    assert (prayer["resource"], prayer["sources"]) == ("prayer", {"calculated": 8})
    assert (prayer["units"], prayer["rows"]) == (8, 2 * (365 + 31 + 28 + 10))
    assert (prayer["first"], prayer["last"]) == ("2026-01-01", "2026-12-31")
    assert prayer["oldest"] <= prayer["newest"]
    assert "868" in synced.run("coverage").stdout


def test_the_worst_city_comes_first_and_one_method_is_all_that_is_expected(synced: Home) -> None:
    worst, london = synced.lines("coverage", "prayer", "--year", "2026")
    assert (london["city"], london["rows"], london["months"]) == ("London", 730, [1.0] * 12)
    assert (worst["city"], worst["country"], worst["months"][:4]) == ("Ho Chi Minh City", "VN", [1.0, 1.0, 0.3225, 0.0])
    (only,) = synced.lines("coverage", "prayer", "--year", "2026", "--limit", "1")
    assert only == worst
    (wider,) = synced.lines("coverage", "prayer", "--year", "2026", "--city", "London", "--methods", "3,4")
    assert (wider["rows"], wider["expected"]) == (730, 1460)


@pytest.mark.parametrize("columns", [40, 80])
def test_the_map_fits_the_terminal_and_reads_without_colour(synced: Home, columns: int) -> None:
    """Whatever COLUMNS says: it is inherited, and stale once a window is resized."""
    command = [sys.executable, "-m", "synctl", "coverage", "prayer", "--year", "2026", "--cities", "100"]
    environment = {**synced.environ(), "NO_COLOR": "1", "COLUMNS": "60", "LINES": "50"}
    terminal = pexpect.spawn(command[0], command[1:], env=environment, dimensions=(24, columns), timeout=60)  # type: ignore[no-untyped-call]
    terminal.expect(pexpect.EOF)  # type: ignore[no-untyped-call]
    drawn = (terminal.before or b"").decode()
    assert not re.search(r"\x1b\[[0-9;]*3[0-9]", drawn)
    lines = re.sub(r"\x1b\[[0-9;]*m", "", drawn).splitlines()
    assert len(lines) <= 23  # and a prompt
    assert max(cell_len(line) for line in lines) <= columns
    assert lines[1].split()[0] == "CITY"
    assert lines[2].endswith("-")  # has never been synced
    shown = " ".join(" ".join(lines).split())
    assert "1 of 100 cities complete" in shown
    assert "none worse than these" in shown


def test_a_month_looks_full_part_or_empty(synced: Home) -> None:
    lines = synced.run("coverage", "prayer", "--year", "2026").stdout.splitlines()
    cells = {line[:6]: line.split("VN" if "VN" in line else "GB")[1].split() for line in lines[2:4]}
    assert cells["Ho Chi"][:13] == ["███", "███", "32%", *"·········", "18%"]
    assert cells["London"][:13] == ["███"] * 12 + ["100%"]


def test_gaps_are_commands_that_fill_them(synced: Home) -> None:
    (gap,) = synced.lines("coverage", "prayer", "--year", "2026", "--gaps")
    assert (gap["city"], gap["from"], gap["to"]) == ("Ho Chi Minh City,VN", "2026-03-01", "2026-12-31")
    assert (gap["resource"], gap["methods"], gap["madhab"]) == ("prayer", [3], "both")
    lines = synced.run("coverage", "prayer", "--year", "2026", "--gaps").stdout.splitlines()
    (words,) = [shlex.split(line) for line in lines]
    assert words[:3] == ["synctl", "enqueue", "prayer"]
    synced.run(*words[1:], "--wait")
    filled = synced.run("coverage", "prayer", "--year", "2026", "--gaps")
    assert filled.stdout == ""
    assert "2 cities complete" in filled.stderr


def test_old_data_is_a_gap_of_all_who_have_it(synced: Home) -> None:
    lines = synced.run("coverage", "prayer", "--year", "2026", "--older-than", "0m", "--gaps").stdout.splitlines()
    assert [shlex.split(line)[-2:] for line in lines] == [["2026", "--force"]]
    assert lines[0].count("--city") == 2
    assert synced.run("coverage", "prayer", "--year", "2026", "--older-than", "1d", "--gaps").stdout == ""
