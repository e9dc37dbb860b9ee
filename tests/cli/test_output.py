"""What tables leave out where there is no room for it."""

from __future__ import annotations

import pytest

from synctl.cli.output import fitted, table_width

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


def test_wide_letters_take_their_columns() -> None:
    city = [("CITY", "left"), ("ZONE", "left")]
    assert len(fitted(city, [("東京都庁前広場", "Asia/Tokyo")], 20, ["ZONE"])[0]) == 1
    assert len(fitted(city, [("מִקְוֵה", "Asia/Tokyo")], 20, ["ZONE"])[0]) == 2
    assert table_width(city, [("東京都庁前広場", "Asia/Tokyo")]) == 14 + 3 + 10
