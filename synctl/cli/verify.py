"""`synctl verify`: everything stored, checked again."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, cast

import typer

from synctl.cli.meter import Meter
from synctl.cli.options import JsonOption
from synctl.cli.output import count, duration, emit_lines, say
from synctl.cli.session import open_session
from synctl.errors import ExitCode
from synctl.resource import Finding, Resource
from synctl.store.db import Row, Transaction

SHOWN = 3
"""Subjects of each rule that are named unless --limit says otherwise."""


def verify(
    resource: Annotated[str | None, typer.Argument(metavar="RESOURCE", help="Only this; all by default.")] = None,
    limit: Annotated[int, typer.Option("--limit", metavar="N", min=1, help="Name N subjects of each rule.")] = SHOWN,
    json: JsonOption = False,
) -> None:
    """Check everything that is stored by the rules of a sync, and report by rule. Changes nothing.

    A terminal shows how many rows were read so far.

    What an operator accepted (`synctl quarantine accept`) is not reported again. --json: one object a finding,
    all of them.

    \b
    Examples:
      synctl verify
      synctl verify prayer --limit 20
      synctl verify --json | jq -r .rule | sort | uniq -c

    Exit codes: 0 nothing found, 2 no such resource, 3 something was found, 5 the database is not set up,
    10 database unreachable.
    """
    from synctl.engine import registry  # noqa: PLC0415

    names = registry.names() if resource is None else [resource]
    loaded = {name: registry.load(name) for name in names}
    total = 0
    with open_session() as session, session.database.read() as transaction:
        for name, one in loaded.items():
            meter = Meter(quiet=json, to_stdout=False, label=f"{name}: ")
            # It has what an audit uses of a transaction, which only reads.
            found = one.audit(cast("Transaction", _Counted(transaction, meter)), session.settings)
            if json:
                total += emit_lines(_as_json(name, finding) for finding in found)
            else:
                total += _report(one, found, limit, meter)
    raise typer.Exit(ExitCode.PARTIAL if total else ExitCode.OK)


class _Counted:
    """A transaction that tells a meter how many rows were read in it."""

    def __init__(self, transaction: Transaction, meter: Meter) -> None:
        self._transaction = transaction
        self._meter = meter

    def all(self, sql: str, **parameters: object) -> list[Row]:
        """Return every row."""
        rows = self._transaction.all(sql, **parameters)
        self._meter.add(len(rows))
        return rows

    def stream(self, sql: str, **parameters: object) -> Iterator[Row]:
        """Yield rows without holding them all."""
        return self._meter.counted(self._transaction.stream(sql, **parameters))

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transaction, name)


def _report(resource: Resource, found: Iterable[Finding], limit: int, meter: Meter) -> int:
    """Say what was found, rule by rule; return how much. Of each rule only what is named is kept."""
    counts: Counter[str] = Counter()
    named: dict[str, list[Finding]] = defaultdict(list)
    for finding in found:
        counts[finding.rule] += 1
        if counts[finding.rule] <= limit:
            named[finding.rule].append(finding)
    meter.wipe()
    total = counts.total()
    say(f"{resource.name}: {count(total, 'finding') if total else 'all well'}, {duration(meter.elapsed_s)}")
    for rule, number in counts.most_common():
        demanded = resource.rules.get(rule)
        say(f"  {number:,} × {rule}{f': {demanded}' if demanded else ''}")
        for finding in named[rule]:
            say(f"      {finding.subject}: {finding.message}")
        if number > limit:
            say(f"      … and {number - limit:,} more; --limit shows more, --json all")
    return total


def _as_json(resource: str, finding: Finding) -> dict[str, object]:
    return {"resource": resource, "rule": finding.rule, "subject": finding.subject, "message": finding.message}
