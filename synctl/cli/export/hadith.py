"""Hadith to be exported: the hadiths of each edition, with their grades."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from synctl.cli.export.dataset import Dataset, Fields
from synctl.cli.show_hadith import named_edition
from synctl.errors import NotFound
from synctl.processors.selection import reject_foreign
from synctl.resource import Selectors
from synctl.store import hadith as store
from synctl.store.db import Transaction
from synctl.store.hadith import StoredEdition, StoredHadith

_COLUMNS: Final = (
    "edition", "collection", "language", "number", "arabic_number", "position", "section", "section_name",
    "section_hadith", "text", "grades", "source", "run", "synced_at",
)  # fmt: skip


class _Hadith(msgspec.Struct, frozen=True):
    """A hadith that knows its edition."""

    edition: StoredEdition
    stored: StoredHadith

    def as_json(self) -> Fields:
        return self.stored.as_json(self.edition)


def dataset(transaction: Transaction, selectors: Selectors) -> Dataset:
    """Return the editions that are selected, or all that are stored, one after the other. Raises NotFound."""
    own = ("edition", "collection")
    reject_foreign(selectors, own, "hadiths", "--collection and --edition do; see `synctl export --help`")
    chosen = _chosen(store.editions(transaction), selectors)
    return Dataset(
        resource="hadith",
        columns=_COLUMNS,
        records=_records(transaction, chosen),
        flat=_flat,
        enqueue="synctl enqueue hadith",
    )


def _chosen(stored: Sequence[StoredEdition], selectors: Selectors) -> Sequence[StoredEdition]:
    if not stored:
        raise NotFound("no hadith edition is stored", hint="`synctl enqueue hadith`")
    wanted = [name.strip().lower() for name in (*selectors.collection, *selectors.edition)]
    if not wanted:
        return stored
    found: dict[str, StoredEdition] = {}
    for name in wanted:
        of_collection = [one for one in stored if one.collection == name]
        for one in of_collection or [named_edition(stored, name)]:
            found[one.name] = one
    return list(found.values())


def _records(transaction: Transaction, chosen: Sequence[StoredEdition]) -> Iterator[_Hadith]:
    for edition in chosen:
        for one in store.hadiths(transaction, edition.name):
            yield _Hadith(edition, one)


def _flat(fields: Fields) -> Iterable[object]:
    """Grades are a list: in a flat row the text of it."""
    return {**fields, "grades": json.dumps(fields["grades"], ensure_ascii=False)}.values()
