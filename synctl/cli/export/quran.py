"""The Quran to be exported: the ayahs of each edition."""

from __future__ import annotations

from itertools import chain

from synctl.cli.export.dataset import Dataset
from synctl.cli.show_quran import chosen_editions
from synctl.processors.selection import reject_foreign
from synctl.resource import Selectors
from synctl.store import quran
from synctl.store.db import Transaction

_COLUMNS = (
    "edition", "language", "type", "direction", "surah", "ayah", "number", "text", "bismillah", "juz", "manzil",
    "page", "ruku", "hizb_quarter", "sajda", "source", "run", "synced_at",
)  # fmt: skip


def dataset(transaction: Transaction, selectors: Selectors) -> Dataset:
    """Return the editions that are selected, or all that are stored, one after the other. Raises NotFound."""
    reject_foreign(selectors, ("edition",), "Quran editions", "--edition does; see `synctl export --help`")
    chosen = chosen_editions(quran.editions(transaction), selectors.edition)
    return Dataset(
        resource="quran",
        columns=_COLUMNS,
        records=chain.from_iterable(quran.whole(transaction, one) for one in chosen),
        flat=dict.values,
        enqueue="synctl enqueue quran",
    )
