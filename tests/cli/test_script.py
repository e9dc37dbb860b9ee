"""Texts of any script: wrapped to the terminal, kept apart where they run from right to left, as stored in a pipe."""

from __future__ import annotations

import re
import sys
from unicodedata import category

import pexpect
import pyte
import pytest
from rich.cells import cell_len

from synctl.cli.script import isolated, wrapped
from tests.cli.stored import EDITION
from tests.e2e.conftest import Call, Home

KURSI = "ٱللَّهُ لَآ إِلَٰهَ إِلَّا هُوَ ٱلْحَىُّ ٱلْقَيُّومُ ۚ لَا تَأْخُذُهُۥ سِنَةٌۭ وَلَا نَوْمٌۭ"


@pytest.mark.parametrize("width", [1, 2, 7, 20, 40, 80])
@pytest.mark.parametrize(
    "text",
    [KURSI, "plain words", "", " led and  doubled ", "first\n\nthird", "漢字の文", "👨‍👩‍👧 a family", "e\u0301" * 9],
    ids=repr,
)
def test_lines_fit_and_lose_nothing_but_the_space_they_are_cut_at(text: str, width: int) -> None:
    lines = wrapped(text, width)
    assert re.sub(r"\s", "", "".join(lines)) == re.sub(r"\s", "", text)
    assert all(cell_len(line) <= max(width, 2) for line in lines)
    for line in lines:
        assert not line or category(line[0])[0] != "M"
    if width == 80:
        assert "\n".join(lines) == text


def test_words_stay_whole_where_they_fit() -> None:
    assert wrapped("one two three", 7) == ["one two", "three"]
    assert wrapped("one twothreefour", 7) == ["one", "twothre", "efour"]
    assert wrapped("بِسْمِ ٱللَّهِ", 5) == ["بِسْمِ", "ٱللَّهِ"]


def test_only_what_runs_from_right_to_left_is_isolated() -> None:
    assert isolated("Sahih al-Bukhari") == "Sahih al-Bukhari"
    assert isolated("كتاب 1") == "\u2068كتاب 1\u2069"


@pytest.mark.parametrize("columns", [40, 80])
def test_a_terminal_gets_lines_as_wide_as_it_is(filled: Home, call: Call, columns: int) -> None:
    program = [sys.executable, "-m", "synctl", "show", "quran", "2:282"]
    terminal = pexpect.spawn(program[0], program[1:], env=filled.environ(), dimensions=(24, columns), timeout=60)  # type: ignore[no-untyped-call]
    terminal.expect(pexpect.EOF)  # type: ignore[no-untyped-call]
    drawn = (terminal.before or b"").decode().replace("\r\n", "\n")
    assert max(cell_len(line) for line in drawn.splitlines()) <= columns
    piped = call(filled, "show", "quran", "2:282").out
    assert drawn.split() == piped.split()
    assert max(cell_len(line) for line in piped.splitlines()) > 200
    screen = pyte.Screen(columns, 200)
    pyte.Stream(screen).feed(drawn.replace("\n", "\r\n"))
    assert len([line for line in screen.display if line.strip()]) == len([line for line in drawn.splitlines() if line])


def test_a_name_beside_numbers_is_isolated_on_a_terminal_only(filled: Home, call: Call) -> None:
    program = [sys.executable, "-m", "synctl", "show", "hadith", EDITION, "1"]
    terminal = pexpect.spawn(program[0], program[1:], env=filled.environ(), dimensions=(24, 80), timeout=60)  # type: ignore[no-untyped-call]
    terminal.expect(pexpect.EOF)  # type: ignore[no-untyped-call]
    drawn = (terminal.before or b"").decode()
    assert 'section 1: \u2068كتاب, "الإيمان"\u2069\r\n' in drawn
    assert "Somebody: Sahih; \u2068فلان\u2069: \u2068حسن\u2069" in drawn
    assert "\ufffd" in drawn  # the carriage return in the text
    piped = call(filled, "show", "hadith", EDITION, "1").out
    assert "\u2068" not in piped
