"""What is remembered of columns: equal ones are one, and nothing that was remembered stands in for another."""

from __future__ import annotations

import pytest

from synctl.sources import columns
from synctl.sources.columns import Column, remembered


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Column, int]]:
    monkeypatch.setattr(columns, "_known", {})
    return []


def test_equal_columns_are_one_and_are_looked_at_once(calls: list[tuple[Column, int]]) -> None:
    @remembered
    def sum_and(column: Column, more: int) -> int:
        calls.append((column, more))
        return sum(column) + more

    first, second = ([(1, 10), (2, 20)], [(1, 10), (2, 21)])
    (days, tens), (again, others) = columns.columns(first), columns.columns(second)
    assert days is again
    assert tens is not others
    assert [sum_and(one, 0) for one in (days, again, tens, others)] == [3, 3, 30, 31]
    assert sum_and(days, 1) == 4
    assert calls == [(days, 0), (tens, 0), (others, 0), (days, 1)]


def test_what_is_long_is_not_remembered(calls: list[tuple[Column, int]]) -> None:
    @remembered
    def length(column: Column) -> int:
        calls.append((column, 0))
        return len(column)

    rows = [(day,) for day in range(columns.LONGEST + 1)]
    (one,), (other,) = columns.columns(rows), columns.columns(rows)
    assert one is not other
    assert (length(one), length(one)) == (367, 367)
    assert len(calls) == 2
    assert columns._known == {}


def test_room_is_bounded(calls: list[tuple[Column, int]]) -> None:
    for number in range(3 * columns._ROOM):
        columns.columns([(number,)])
    assert len(columns._known) <= columns._ROOM
