"""What a sync changed in units that were stored before: the old row beside the new one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from synctl.store.db import Row, Transaction
from synctl.store.upsert import Rows, Table


@dataclass(frozen=True, slots=True)
class Change:
    """A row that differs. `old` is None where it is new, `new` where it is gone."""

    table: Table
    key: tuple[object, ...]
    old: tuple[object, ...] | None
    new: tuple[object, ...] | None


def differences(transaction: Transaction, part: Rows) -> list[Change]:
    """Compare the rows of a unit with those stored in its scope."""
    if not part.scope:
        return []
    table, width = part.table, len(part.table.key)
    where, parameters = _within(part)
    columns = (*table.key, *table.values)
    stored = transaction.all(f"SELECT {', '.join(columns)} FROM {table.name} WHERE {where}", **parameters)
    old = {tuple(row[name] for name in table.key): tuple(row[name] for name in table.values) for row in stored}
    new = {row[:width]: row[width:] for row in part.rows}
    found = [Change(table, key, old.get(key), values) for key, values in new.items() if old.get(key) != values]
    found += [Change(table, key, values, None) for key, values in old.items() if key not in new]
    return found


def remove_gone(transaction: Transaction, changes: list[Change]) -> int:
    """Delete the rows that the unit no longer has; return how many."""
    gone = [change for change in changes if change.new is None]
    for change in gone:
        where = " AND ".join(f"{name} = :{name}" for name in change.table.key)
        parameters = dict(zip(change.table.key, change.key, strict=True))
        transaction.execute(f"DELETE FROM {change.table.name} WHERE {where}", **parameters)
    return len(gone)


def record(transaction: Transaction, run_seq: int, unit: str, changes: list[Change]) -> None:
    """Keep them with the run."""
    if not changes:
        return
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


def _within(part: Rows) -> tuple[str, dict[str, object]]:
    terms, parameters = [], {}
    for name, value in part.scope.items():
        if isinstance(value, tuple):
            terms.append(f"{name} BETWEEN :{name}_low AND :{name}_high")
            parameters[f"{name}_low"], parameters[f"{name}_high"] = value
        else:
            terms.append(f"{name} = :{name}")
            parameters[name] = value
    return " AND ".join(terms), parameters


def _json(names: tuple[str, ...], values: tuple[object, ...]) -> str:
    return msgspec.json.encode(dict(zip(names, values, strict=True))).decode()
