"""Rows that lie in columns are the rows they would be, however they are stored."""

from __future__ import annotations

import pytest

from synctl.processors.prayer_unit import TABLE
from synctl.store.columnar import Columnar, in_columns
from synctl.store.db import ROWS_PER_STATEMENT, Database
from synctl.store.packed import PackedRows
from synctl.store.table import Table

TIMES = 11
SIGNED = Table(TABLE.name, TABLE.key, (*TABLE.values, "unit_id"))
SHARED = (1, 3, 0)


def _columnar(count: int, minute: int = 300) -> Columnar:
    return Columnar(SHARED, [range(count), [7] * count, *[[minute] * count] * TIMES])


def test_it_is_a_sequence_of_its_rows() -> None:
    rows = _columnar(5)
    plain = [(*SHARED, day, 7, *[300] * TIMES) for day in range(5)]
    assert (len(rows), list(rows), rows[2], rows[-1]) == (5, plain, plain[2], plain[-1])
    assert (list(rows[1:3]), list(rows[9:])) == (plain[1:3], [])
    with pytest.raises(IndexError):
        rows[5]


def test_without_columns_there_are_no_rows() -> None:
    rows = Columnar(SHARED, [])
    assert (len(rows), list(rows)) == (0, [])
    with pytest.raises(IndexError):
        rows[0]


def test_any_rows_have_columns() -> None:
    assert in_columns(PackedRows([(1, "a"), (2, None)])).columns == [(1, 2), ("a", None)]
    assert in_columns(given := _columnar(2)) is given


@pytest.mark.parametrize("stored", [0, 1, 3])
def test_rows_that_are_thought_to_be_new_are_stored_also_if_some_are_not(database: Database, stored: int) -> None:
    with database.write() as transaction:
        transaction.upsert_units(SIGNED, [(8, _columnar(stored))])
    with database.write() as transaction:
        written = transaction.upsert_units(SIGNED, [(9, _columnar(5, 301))], fresh=True)
        rows = transaction.all(f"SELECT {', '.join(SIGNED.columns)} FROM prayer_time ORDER BY day")
    assert dict(written) == {9: 5}
    assert [tuple(dict(row).values()) for row in rows] == [(*row, 9) for row in _columnar(5, 301)]


@pytest.mark.parametrize("count", [0, 1, ROWS_PER_STATEMENT, 2 * ROWS_PER_STATEMENT + 1])
def test_it_is_stored_as_the_same_rows_in_a_list_are(database: Database, count: int) -> None:
    with database.write() as transaction:
        written = [
            transaction.upsert_units(SIGNED, [(9, rows)]).get(9, 0)
            for rows in (
                _columnar(count), list(_columnar(count)), PackedRows(list(_columnar(count))), _columnar(count, 301)
            )
        ]  # fmt: skip
        stored = transaction.all(f"SELECT {', '.join(SIGNED.columns)} FROM prayer_time ORDER BY day")
    assert written == [count, 0, 0, count]
    assert [tuple(dict(row).values()) for row in stored] == [(*row, 9) for row in _columnar(count, 301)]
