"""What a sync changed in units that were stored before: the old row beside the new one."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec

from synctl.store.db import Row, Transaction
from synctl.store.upsert import ROWS_PER_STATEMENT, Rows, Table

_encode = msgspec.msgpack.Encoder().encode


class Change(msgspec.Struct, frozen=True):
    """A row that differs. `old` is None where it is new, `new` where it is gone."""

    table: Table
    key: tuple[object, ...]
    old: tuple[object, ...] | None
    new: tuple[object, ...] | None


def replace(transaction: Transaction, run_seq: int, unit: str, part: Rows) -> int:
    """Before the rows of a unit are stored anew: keep what differs, and remove the rows that are gone.

    Returns how many were removed. A unit may have megabytes, so only the hashes of its stored rows are held.
    """
    gone = 0
    changes = differences(transaction, part)
    while chunk := list(islice(changes, ROWS_PER_STATEMENT)):
        _record(transaction, run_seq, unit, chunk)
        for change in chunk:
            if change.new is None:
                where, parameters = _is(change.table, change.key)
                gone += transaction.execute(f"DELETE FROM {change.table.name} WHERE {where}", **parameters)
    return gone


def differences(transaction: Transaction, part: Rows) -> Iterator[Change]:
    """Yield what differs between the rows of a unit and those stored in its scope."""
    if not part.scope:
        return
    table, width = part.table, len(part.table.key)
    old = _stored(transaction, part)
    for row in part.rows:
        key, values = row[:width], row[width:]
        known = old.pop(key, None)
        if known != _fingerprint(values):
            yield Change(table, key, None if known is None else _values(transaction, table, key), values)
    for key in old:
        yield Change(table, key, _values(transaction, table, key), None)


def _stored(transaction: Transaction, part: Rows) -> dict[tuple[object, ...], int]:
    table = part.table
    where, parameters = within(part)
    columns = ", ".join((*table.key, *table.values))
    rows = transaction.stream(f"SELECT {columns} FROM {table.name} WHERE {where}", **parameters)
    return {
        tuple(row[name] for name in table.key): _fingerprint(tuple(row[name] for name in table.values)) for row in rows
    }


def _fingerprint(values: tuple[object, ...]) -> int:
    """Of their encoding: Python's own hash takes -1 for -2, and 1 for True."""
    return hash(_encode(values))


def _values(transaction: Transaction, table: Table, key: tuple[object, ...]) -> tuple[object, ...]:
    where, parameters = _is(table, key)
    row = transaction.one(f"SELECT {', '.join(table.values)} FROM {table.name} WHERE {where}", **parameters)
    assert row is not None  # noqa: S101 - read in this transaction
    return tuple(row[name] for name in table.values)


def _is(table: Table, key: tuple[object, ...]) -> tuple[str, dict[str, object]]:
    return " AND ".join(f"{name} = :{name}" for name in table.key), dict(zip(table.key, key, strict=True))


def _record(transaction: Transaction, run_seq: int, unit: str, changes: list[Change]) -> None:
    transaction.many(
        "INSERT INTO unit_change (run_seq, unit, table_name, row_key, old, new)"
        " VALUES (:run_seq, :unit, :table_name, :row_key, :old, :new)",
        [
            {
                "run_seq": run_seq,
                "unit": unit,
                "table_name": change.table.name,
                "row_key": _json(change.table.key, change.key),
                "old": None if change.old is None else _json(change.table.values, change.old),
                "new": None if change.new is None else _json(change.table.values, change.new),
            }
            for change in changes
        ],
    )


def of_run(transaction: Transaction, run_seq: int, limit: int | None) -> Iterator[Row]:
    """Yield the changes of a run in the order they were made."""
    yield from transaction.stream(
        "SELECT unit, table_name, row_key, old, new FROM unit_change WHERE run_seq = :run ORDER BY id LIMIT :limit",
        run=run_seq,
        limit=-1 if limit is None and transaction.dialect == "sqlite" else limit,
    )


def within(part: Rows, suffix: str = "") -> tuple[str, dict[str, object]]:
    """Return the condition, and its parameters, for the rows in the scope of a part. Their names end in `suffix`."""
    terms: list[str] = []
    parameters: dict[str, object] = {}
    for column, value in part.scope.items():
        name = column + suffix
        if isinstance(value, tuple):
            terms.append(f"{column} BETWEEN :{name}_low AND :{name}_high")
            parameters[f"{name}_low"], parameters[f"{name}_high"] = value
        else:
            terms.append(f"{column} = :{name}")
            parameters[name] = value
    return " AND ".join(terms), parameters


def _json(names: tuple[str, ...], values: tuple[object, ...]) -> str:
    return msgspec.json.encode(dict(zip(names, values, strict=True))).decode()
