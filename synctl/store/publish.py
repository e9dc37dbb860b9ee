"""What a unit stores, and what is known of it afterwards: its rows, where they come from, why it was refused."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

import msgspec

from synctl.errors import MismatchError
from synctl.store import changes
from synctl.store.db import Row, Transaction
from synctl.store.upsert import Rows, upsert
from synctl.store.work import NOTHING_KNOWN, Known, Lease, Settled

SAMPLE_LIMIT = 2000
"""Characters of a refused answer that are kept: enough to see what is wrong with it."""
SCOPES_PER_STATEMENT = 100
"""SQLite takes 500 SELECTs in one."""


def known(transaction: Transaction, run_seq: int, keys: Sequence[str]) -> dict[str, Known]:
    """Return what is stored of some units of a run. What another source answered, or a forced run, saves no work."""
    if not keys:
        return {}
    run = transaction.one("SELECT resource, source, anew FROM run WHERE seq = :run", run=run_seq)
    assert run is not None  # noqa: S101 - the caller holds a lease of it
    marks, parameters = _marks(keys)
    rows = transaction.all(
        "SELECT key, source, body_hash, rows, validators FROM stored_unit"
        f" WHERE resource = :resource AND key IN ({marks})",
        resource=run["resource"],
        **parameters,
    )
    waivers = transaction.all(
        f"SELECT key, rule FROM waiver WHERE resource = :resource AND stored_hash IS NULL AND key IN ({marks})",
        resource=run["resource"],
        **parameters,
    )
    waived: dict[str, set[str]] = defaultdict(set)
    for waiver in waivers:
        waived[waiver["key"]].add(waiver["rule"])
    stored = {row["key"]: row for row in rows}
    return {key: _known(stored.get(key), run, waived.get(key, set())) for key in keys}


def _known(row: Row | None, run: Row, waived: set[str]) -> Known:
    if row is None:
        return Known(waived=frozenset(waived)) if waived else NOTHING_KNOWN
    same_source = row["source"] == run["source"]
    usable = same_source and not run["anew"]
    return Known(
        stored=True,
        body_hash=row["body_hash"] if usable else None,
        rows=row["rows"] if same_source else 0,
        validators=msgspec.json.decode(row["validators"]) if same_source and row["validators"] else {},
        waived=frozenset(waived),
    )


def publish(
    transaction: Transaction, lease: Lease, done: Sequence[Settled], resource: str, source: str, now: int
) -> dict[str, int]:
    """Store the rows of units and where they come from; return by key how many were new, different or removed.

    No two of them store the same row: they are of one run.
    """
    if not done:
        return {}
    ids = _sign(transaction, lease, done, resource, source, now)
    parts = [(result, part) for result in done if not result.unchanged for part in result.parts]
    alone = not _overwrite(transaction, [(ids[result.unit.key], part) for result, part in parts])
    fresh = alone and all(part.scope and not result.unit.known.stored for result, part in parts)
    removed: Counter[str] = Counter()
    for result, part in parts:
        if result.unit.known.stored:
            removed[result.unit.key] += changes.replace(transaction, lease.run_seq, result.unit.key, part)
    changed = upsert(transaction, [(ids[result.unit.key], part) for result, part in parts], fresh=fresh)
    return {key: removed[key] + changed[unit_id] for key, unit_id in ids.items()}


def _sign(
    transaction: Transaction, lease: Lease, done: Sequence[Settled], resource: str, source: str, now: int
) -> dict[str, int]:
    """Note where the rows of units come from; return the units' ids."""
    own = ("key", "body_hash", "rows", "validators", "basis")
    values: list[str] = []
    parameters: dict[str, object] = {}
    for number, result in enumerate(done):
        validators = msgspec.json.encode(result.validators).decode() if result.validators else None
        of_unit = (result.unit.key, result.body_hash, result.row_count, validators, result.basis)
        names = [f"{name}{number}" for name in own]
        parameters |= zip(names, of_unit, strict=True)
        values.append(f"(:resource, :source, :run_id, :now, {', '.join(f':{name}' for name in names)})")
    rows = transaction.all(
        f"INSERT INTO stored_unit (resource, source, run_id, synced_at, {', '.join(own)}) VALUES {', '.join(values)}"
        " ON CONFLICT (resource, key) DO UPDATE SET source = excluded.source, run_id = excluded.run_id,"
        " synced_at = excluded.synced_at, body_hash = excluded.body_hash, rows = excluded.rows,"
        " validators = excluded.validators, basis = excluded.basis RETURNING key, id",
        resource=resource,
        source=source,
        run_id=lease.run_id,
        now=now,
        **parameters,
    )
    return {row["key"]: row["id"] for row in rows}


def acquit(transaction: Transaction, resource: str, done: Sequence[Settled]) -> None:
    """What units were refused for earlier is settled: they leave the quarantine, and what was waived has been used."""
    if not done:
        return
    marks, keys = _marks([result.unit.key for result in done])
    transaction.execute(
        f"DELETE FROM quarantine WHERE resource = :resource AND key IN ({marks})", resource=resource, **keys
    )
    rows = transaction.all(
        f"SELECT DISTINCT key FROM waiver WHERE resource = :resource AND key IN ({marks})", resource=resource, **keys
    )
    waived = {row["key"] for row in rows}
    for result in done:
        if result.unit.key in waived:
            _use_waivers(transaction, resource, result)


def _use_waivers(transaction: Transaction, resource: str, result: Settled) -> None:
    """What was accepted is stored now. It stays accepted for `verify`; the next answer is judged like any other."""
    answer = {"resource": resource, "key": result.unit.key, "hash": result.body_hash or ""}
    transaction.execute(
        "DELETE FROM waiver WHERE resource = :resource AND key = :key AND stored_hash <> :hash", **answer
    )
    transaction.execute(
        "UPDATE waiver SET stored_hash = :hash WHERE resource = :resource AND key = :key AND stored_hash IS NULL",
        **answer,
    )


def _overwrite(transaction: Transaction, parts: Sequence[tuple[int, Rows]]) -> bool:
    """Forget the answers of other units whose rows are about to be overwritten: they are no longer what is stored.

    Return whether there are any.
    """
    scoped = [(unit_id, part) for unit_id, part in parts if part.scope]
    others = {
        other
        for start in range(0, len(scoped), SCOPES_PER_STATEMENT)
        for other in _holders(transaction, scoped[start : start + SCOPES_PER_STATEMENT])
    }
    for other in sorted(others):
        transaction.execute("UPDATE stored_unit SET body_hash = NULL, validators = NULL WHERE id = :id", id=other)
    return bool(others)


def _holders(transaction: Transaction, scoped: Sequence[tuple[int, Rows]]) -> Iterator[int]:
    """Yield the units that rows in these scopes belong to, but for the one that each scope comes with."""
    selects: list[str] = []
    parameters: dict[str, object] = {}
    for number, (unit_id, part) in enumerate(scoped):
        where, values = changes.within(part, str(number))
        selects.append(f"SELECT DISTINCT unit_id FROM {part.table.name} WHERE {where} AND unit_id <> :mine{number}")
        parameters |= {**values, f"mine{number}": unit_id}
    for row in transaction.all(" UNION ALL ".join(selects), **parameters):
        yield row["unit_id"]


def quarantine(transaction: Transaction, lease: Lease, result: Settled, resource: str, source: str, now: int) -> None:
    """Keep why a unit was refused, with a sample. What is stored of it stays."""
    error = result.error
    assert isinstance(error, MismatchError)  # noqa: S101 - that is what made it be quarantined
    transaction.execute(
        "INSERT INTO quarantine (resource, key, rule, message, sample, source, run_id, found_at)"
        " VALUES (:resource, :key, :rule, :message, :sample, :source, :run_id, :now)"
        " ON CONFLICT (resource, key) DO UPDATE SET rule = excluded.rule, message = excluded.message,"
        " sample = excluded.sample, source = excluded.source, run_id = excluded.run_id, found_at = excluded.found_at",
        resource=resource,
        key=result.unit.key,
        rule=error.rule,
        message=str(error)[:SAMPLE_LIMIT],
        sample=_sample(error.sample),
        source=source,
        run_id=lease.run_id,
        now=now,
    )


def _sample(sample: object) -> str:
    if sample is None:
        return ""
    text = sample if isinstance(sample, str) else msgspec.json.encode(sample, enc_hook=str).decode()
    return text[:SAMPLE_LIMIT].replace("\0", "\ufffd")  # PostgreSQL stores no NUL


def _marks(keys: Sequence[str]) -> tuple[str, dict[str, object]]:
    return ", ".join(f":key{number}" for number in range(len(keys))), {
        f"key{number}": key for number, key in enumerate(keys)
    }
