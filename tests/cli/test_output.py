"""What tables leave out where there is no room for it."""

from __future__ import annotations

import pytest

from synctl.cli.output import fitted

COLUMNS = [("RUN", "left"), ("STATE", "left"), ("FAILED", "right"), ("ROWS", "right"), ("AGE", "right")]
ROWS = [("prayer-20261124-8e75ca0ee1", "succeeded", "", "1,679,000", "16 min")]


@pytest.mark.parametrize(
    ("width", "titles"),
    [
        (200, ["RUN", "STATE", "FAILED", "ROWS", "AGE"]),
        (60, ["RUN", "STATE", "ROWS", "AGE"]),
        (58, ["RUN", "STATE", "AGE"]),
        (40, ["RUN", "STATE"]),
        (10, ["RUN", "STATE"]),
    ],
)
def test_a_table_leaves_out_what_is_empty_and_then_what_it_can_do_without(width: int, titles: list[str]) -> None:
    columns, rows = fitted(COLUMNS, ROWS, width, ("ROWS", "AGE"))
    assert [title for title, _ in columns] == titles
    assert rows[0][:2] == list(ROWS[0][:2])
