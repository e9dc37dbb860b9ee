"""Units whose last answer broke a rule: listed, looked at, accepted as they are, or dismissed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from synctl.clock import iso, now_ms
from synctl.errors import NotFound
from synctl.store import runs
from synctl.store.db import Row, Transaction
from synctl.store.runs import Actor
from synctl.suggest import did_you_mean
from synctl.words import shortened

SUGGESTED = 200
"""Findings among which a mistyped name is looked for."""
_FINDINGS = (
    "SELECT q.resource, q.key, q.rule, q.message, q.sample, q.source, q.run_id, q.found_at,"
    " CASE WHEN w.rule IS NULL THEN 0 ELSE 1 END AS accepted FROM quarantine q LEFT JOIN waiver w"
    " ON w.resource = q.resource AND w.key = q.key AND w.rule = q.rule"
)
_ORDER = " ORDER BY q.found_at DESC, q.resource, q.key"


class Refused(msgspec.Struct, frozen=True):
    """Why a unit was refused, with a sample of what was answered. `accepted`: its next answer may break the rule."""

    resource: str
    unit: str
    rule: str
    message: str
    sample: str
    source: str
    run: str
    found_at: int
    accepted: bool

    def as_json(self) -> dict[str, object]:
        """Return the stable fields of `quarantine list --json`."""
        return {
            "resource": self.resource,
            "unit": self.unit,
            "rule": self.rule,
            "message": self.message,
            "source": self.source,
            "run": self.run,
            "found_at": iso(self.found_at),
            "accepted": self.accepted,
        }


def listing(
    transaction: Transaction, resource: str | None = None, rule: str | None = None, limit: int | None = None
) -> Iterator[Refused]:
    """Yield the units in quarantine, the newest finding first."""
    rows = transaction.stream(
        f"{_FINDINGS} WHERE (CAST(:resource AS TEXT) IS NULL OR q.resource = :resource)"
        f" AND (CAST(:rule AS TEXT) IS NULL OR q.rule = :rule){_ORDER} LIMIT :limit",
        resource=resource,
        rule=rule,
        limit=-1 if limit is None and transaction.dialect == "sqlite" else limit,
    )
    for row in rows:
        yield _refused(row)


def find(transaction: Transaction, name: str) -> Refused:
    """Return what is known of a unit, named by its key or as `resource:key`. Raises NotFound."""
    resource, _, key = name.partition(":")
    rows = transaction.all(
        f"{_FINDINGS} WHERE q.key = :name OR (q.resource = :resource AND q.key = :key){_ORDER}",
        name=name,
        resource=resource,
        key=key,
    )
    if len(rows) == 1:
        return _refused(rows[0])
    if rows:
        named = ", ".join(f"{row['resource']}:{row['key']}" for row in rows)
        raise NotFound(f"unit {shortened(repr(name))} is ambiguous: {named}", hint="name the resource, too")
    known = [refused.unit for refused in listing(transaction, limit=SUGGESTED)]
    raise NotFound(
        f"no unit {shortened(repr(name))} is in quarantine{did_you_mean(name, known)}",
        hint="`synctl quarantine list` lists them",
    )


def waivers(transaction: Transaction, refused: Refused) -> Sequence[Row]:
    """Return the rules that are waived for a unit: by whom, when and why."""
    return transaction.all(
        "SELECT rule, who, reason, at FROM waiver WHERE resource = :resource AND key = :key ORDER BY at, rule",
        resource=refused.resource,
        key=refused.unit,
    )


def stored(transaction: Transaction, refused: Refused) -> Row | None:
    """Return what is stored of a unit all the while: its source, run, time and rows."""
    return transaction.one(
        "SELECT source, run_id, synced_at, rows FROM stored_unit WHERE resource = :resource AND key = :key",
        resource=refused.resource,
        key=refused.unit,
    )


def accept(transaction: Transaction, refused: Refused, actor: Actor, reason: str) -> None:
    """Waive the rule for the unit. The finding is kept until a sync stores the unit."""
    transaction.execute(
        "INSERT INTO waiver (resource, key, rule, who, reason, at) VALUES (:resource, :key, :rule, :who, :reason, :at)"
        " ON CONFLICT (resource, key, rule) DO UPDATE SET who = excluded.who, reason = excluded.reason,"
        " at = excluded.at, stored_hash = NULL",
        resource=refused.resource,
        key=refused.unit,
        rule=refused.rule,
        who=actor.who,
        reason=reason,
        at=now_ms(),
    )
    _note(transaction, refused, "accepted", actor, reason)


def reject(transaction: Transaction, refused: Refused, actor: Actor, reason: str) -> None:
    """Remove the finding, and what was waived for it; what is stored of the unit stays."""
    for table in ("quarantine", "waiver"):
        transaction.execute(
            f"DELETE FROM {table} WHERE resource = :resource AND key = :key AND rule = :rule",
            resource=refused.resource,
            key=refused.unit,
            rule=refused.rule,
        )
    _note(transaction, refused, "rejected", actor, reason)


def _note(transaction: Transaction, refused: Refused, kind: str, actor: Actor, reason: str) -> None:
    """Leave it in the audit trail of the run that found it."""
    run = runs.find(transaction, refused.run)
    if run is not None:
        why = f"{refused.unit}: {refused.rule}{f'; {reason}' if reason else ''}"
        runs.record(transaction, run.id, kind, run.state, actor, why)


def _refused(row: Row) -> Refused:
    return Refused(
        resource=row["resource"],
        unit=row["key"],
        rule=row["rule"],
        message=row["message"],
        sample=row["sample"],
        source=row["source"],
        run=row["run_id"],
        found_at=row["found_at"],
        accepted=bool(row["accepted"]),
    )
