"""Tables on terminals of 40 to 200 columns: nothing is broken in the middle of a word that matters."""

from __future__ import annotations

import io
import sys

import pytest
from rich.cells import cell_len
from rich.console import Console

from synctl.cli import listing

COLUMNS = [("AT", "left"), ("RUN", "left"), ("STATE", "left"), ("WHO", "left"), ("EMPTY", "left"), ("WHY", "left")]
RUN = "prayer-20261124-8e75ca0ee1"
ROWS = [
    ["2026-11-24T16:29:48Z", RUN, "succeeded", "worker prayer-vm-13001-50d460", "", ""],
    ["2026-11-24T16:29:49Z", RUN, "failed", "root", "", "the upstream has served nobody for 60 min, which is long"],
]


def drawn(width: int, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    out = io.StringIO()
    monkeypatch.setattr(listing, "console", lambda: Console(file=out, width=width, highlight=False))
    listing.draw(COLUMNS, ROWS, expendable=("WHO",), elastic="WHY", state="STATE")
    return out.getvalue().splitlines()


@pytest.mark.parametrize("width", [30, 40, 60, 80, 81, 100, 140, 200])
def test_it_fits_and_keeps_what_matters_whole(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    lines = drawn(width, monkeypatch)
    assert max(map(len, lines)) <= width
    text = "\n".join(lines)
    assert text.count(RUN) == len(ROWS)
    assert text.count("2026-11-24T16:29:4") == len(ROWS)
    assert "succeeded" in text
    assert "EMPTY" not in text or width >= 140
    words = " ".join(" ".join(lines).split())
    assert all(word in words for word in ("upstream", "nobody", "long"))


def test_a_wide_terminal_shows_every_row_on_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = drawn(200, monkeypatch)
    assert len(lines) == 2 + len(ROWS)
    assert lines[0].split() == ["AT", "RUN", "STATE", "WHO", "EMPTY", "WHY"]


def test_a_narrow_terminal_shows_a_paragraph_for_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = drawn(40, monkeypatch)
    assert lines[:4] == [
        "2026-11-24T16:29:48Z",
        f"  run {RUN}, state",
        "  succeeded, who worker",
        "  prayer-vm-13001-50d460",
    ]


def test_between_them_only_the_text_is_folded(monkeypatch: pytest.MonkeyPatch) -> None:
    lines = drawn(85, monkeypatch)
    assert lines[0].split() == ["AT", "RUN", "STATE", "WHY"]
    assert sum(RUN in line for line in lines) == len(ROWS)
    assert len(lines) > 2 + len(ROWS)


@pytest.mark.parametrize("width", [40, 200])
def test_what_others_wrote_moves_no_cursor(width: int, monkeypatch: pytest.MonkeyPatch) -> None:
    nasty = [*ROWS[0][:-1], "\x1b]0;title\x07\x1b[31mred"]
    monkeypatch.setattr(sys.modules[__name__], "ROWS", [nasty])
    assert "\x1b" not in "\n".join(drawn(width, monkeypatch))


def test_wide_letters_are_folded_at_the_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    wide = [*ROWS[0][:-1], "東京都庁前広場 " * 12]
    monkeypatch.setattr(sys.modules[__name__], "ROWS", [wide])
    assert max(map(cell_len, drawn(40, monkeypatch))) <= 40
    assert max(map(cell_len, drawn(100, monkeypatch))) <= 100


@pytest.mark.parametrize(("width", "there"), [(200, True), (110, False)])
def test_what_is_extra_is_there_only_where_all_others_are(
    width: int, there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = io.StringIO()
    monkeypatch.setattr(listing, "console", lambda: Console(file=out, width=width, highlight=False))
    listing.draw(COLUMNS, ROWS, expendable=("WHO",), state="STATE", extra="WHY")
    titles = out.getvalue().splitlines()[0].split()
    assert titles == [title for title, _ in COLUMNS if there or title != "WHY"]
