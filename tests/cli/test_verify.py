"""`synctl verify` reads for minutes where much is stored: a terminal shows how far it is."""

from __future__ import annotations

import sys

import pytest

from synctl.cli import meter
from tests.e2e.conftest import Call, Home


def test_a_terminal_shows_how_many_rows_were_read(filled: Home, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    assert call(filled, "verify", "prayer").err == ""
    monkeypatch.setattr(meter, "REDRAW_S", 0.0)
    monkeypatch.setattr(type(sys.stderr), "isatty", lambda _: True)
    said = call(filled, "verify", "prayer")
    drawn = said.err.split("\r\x1b[K")
    assert drawn[-1] == ""  # it is gone before the result is there
    assert " rows, " in drawn[-2]
    assert drawn[-2].startswith("prayer: ")
    assert said.out.startswith("prayer: ")
    assert call(filled, "verify", "prayer", "--json").err == ""
