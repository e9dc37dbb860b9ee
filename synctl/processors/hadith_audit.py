"""Every stored hadith edition, verified again by the rules of a sync, against what upstream lists and its last sync."""

from __future__ import annotations

from collections.abc import Iterator

from synctl.processors.hadith_rules import (
    SAMPLE_TEXTS,
    Counts,
    Outline,
    Part,
    breaches,
    counted,
    emptied,
    repeats,
    shrinks,
)
from synctl.resource import Finding
from synctl.store import hadith as store
from synctl.store.db import Transaction


def audit(transaction: Transaction) -> Iterator[Finding]:
    """Yield what is wrong with each stored edition."""
    listed = {row["name"]: row["title"] for row in transaction.all("SELECT name, title FROM hadith_collection")}
    for edition in store.editions(transaction):
        outline = _outline(transaction, edition.name, edition.title)
        found = list(breaches(outline, listed.get(edition.collection, ""), edition.direction, edition.language))
        now = Counts(*store.counts(transaction, edition.name))
        before = counted(store.validators(transaction, edition.name)) or Counts()
        found += [*shrinks(now, before), *emptied(now, before)]
        found += repeats(*store.repeated(transaction, edition.name), now.hadiths)
        for breach in found:
            yield Finding(breach.rule, edition.name, breach.message)


def _outline(transaction: Transaction, name: str, title: str) -> Outline:
    return Outline(
        title=title,
        sections={
            row["number"]: Part(
                row["name"], None if row["hadith_first"] is None else (row["hadith_first"], row["hadith_last"])
            )
            for row in store.sections(transaction, name)
        },
        hadiths=store.outline(transaction, name),
        texts=store.texts(transaction, name, SAMPLE_TEXTS),
        longest={"title": (len(title), ""), **store.longest(transaction, name)},
    )
