"""The Quran: a unit is an edition, all of it; one more unit is the list of the editions there are."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from typing import Final

import msgspec

from synctl.config import Settings
from synctl.errors import MismatchError, NotFound, UsageError
from synctl.processors.quran_audit import audit
from synctl.processors.quran_rows import catalogue, rows
from synctl.processors.quran_rules import (
    RULES,
    UNWAIVABLE,
    broken,
    broken_list,
    collisions,
    mislabelled,
    misspelt,
)
from synctl.processors.quran_shape import Broken
from synctl.processors.selection import reject_foreign
from synctl.resource import Batch, Context, Finding, Holding, Known, Missing, Plan, Rows, Selectors, Unit
from synctl.sources.mushaf import AYAHS
from synctl.sources.quran import Fetched, Quran, QuranSource
from synctl.store import quran as store
from synctl.store.db import Database, Transaction
from synctl.suggest import did_you_mean
from synctl.words import count, shortened

DEFAULT: Final = "quran-uthmani"
"""The Arabic text: alquran.cloud has it under this name, and quran-text is installed with synctl."""
ALL: Final = "all"
LIST: Final = "editions"
"""Key of the unit that stores which editions alquran.cloud has."""
_IDENTIFIER: Final = re.compile(r"[a-z0-9]+([.-][a-z0-9]+)*")
_LONGEST: Final = 64
"""Characters of an identifier; upstream's are not half as long."""
_SHOWN: Final = 3
"""Editions that a label names."""


def _packaged(_context: Context) -> QuranSource:
    from synctl.sources.packaged import PackagedSource  # noqa: PLC0415 - only the source in use is loaded

    return PackagedSource()


def _alquran(context: Context) -> QuranSource:
    from synctl.sources.alquran import AlquranSource  # noqa: PLC0415 - only the source in use is loaded
    from synctl.sources.http import fetcher  # noqa: PLC0415

    return AlquranSource(fetcher("alquran", context))


SOURCES: Final[Mapping[str, Callable[[Context], QuranSource]]] = {"packaged": _packaged, "alquran": _alquran}


class _Spec(msgspec.Struct, array_like=True, frozen=True):
    """The `spec` of a unit, read back. `language` and `type` are what is listed, empty where no list is stored."""

    edition: str
    language: str = ""
    type: str = ""


class _Selection(msgspec.Struct):
    """The `params` of a plan, read back."""

    editions: frozenset[str]
    listed: bool


class QuranSession(msgspec.Struct, frozen=True):
    """An opened source of the Quran."""

    source: QuranSource

    def process(self, spec: Sequence[object], known: Known) -> Batch:
        """Fetch, decode and verify an edition, or the list of editions for an empty `spec`."""
        if not spec:
            listed = self.source.listed(known.body_hash)
            if listed.value is None:
                return _unchanged(listed)
            _verify(broken_list(listed.value), known, listed)
            return _changed(listed, catalogue(listed.value))
        unit = msgspec.convert(spec, _Spec)
        fetched = self.source.fetch(unit.edition, known.body_hash)
        if fetched.value is None:
            return _unchanged(fetched)
        _verify(broken(unit.edition, fetched.value), known, fetched)
        _verify(mislabelled(fetched.value.edition, unit.language, unit.type), known, fetched)
        if unit.edition == DEFAULT and self.source.name != "packaged" and (measure := _measure()) is not None:
            _verify(misspelt(fetched.value, measure), known, fetched)
        _verify(collisions(fetched.value), Known(), fetched)
        return _changed(fetched, rows(fetched.value))

    def close(self) -> None:
        """Interrupt requests under way."""
        self.source.close()


class QuranResource:
    """The `quran` resource."""

    name = "quran"
    rules = RULES

    def prerequisites(self, database: Database, settings: Settings) -> Sequence[Missing]:
        """Nothing: an edition needs no reference data."""
        return ()

    def plan(self, selectors: Selectors, database: Database, settings: Settings, today: date) -> Plan:
        """Resolve editions to units. What alquran.cloud has is asked with them."""
        reject_foreign(selectors, ("edition",), "Quran editions", "--edition does; see `synctl enqueue --help`")
        editions = _editions(selectors.edition, database)
        source = _source(editions, selectors, settings)
        listed = source == "alquran"
        labels = _labels(editions, database) if listed else {}
        units = [Unit(edition, [edition, *labels.get(edition, ())]) for edition in editions]
        if listed:
            units.append(Unit(LIST, []))
        return Plan(
            resource=self.name,
            source=source,
            params={"editions": editions, "listed": listed},
            label=_label(editions),
            total=len(units),
            units=units,
        )

    def audit(self, transaction: Transaction, settings: Settings) -> Iterator[Finding]:
        """Check every stored edition: counts, numbers, divisions, checksums; letters, if that is set."""
        return audit(transaction, LIST, _measure() if settings.quran.agreement == "report" else None)

    def holdings(self, transaction: Transaction) -> Sequence[Holding]:
        """What is stored of the Arabic text, of editions stored before, and of those that alquran.cloud lists."""
        listed, stored, counts = store.listed(transaction), store.editions(transaction), store.counts(transaction)
        held = {}
        for one in stored:
            ayahs, empty = counts.get(one.edition, (0, 0))
            held[one.edition] = Holding(
                one.edition,
                one.language,
                wanted=True,
                rows=ayahs,
                expected=AYAHS,
                empty_texts=empty,
                synced_at=one.synced_at,
            )
        named = {DEFAULT: "ar"} | listed
        others = {
            name: Holding(name, language, wanted=name == DEFAULT, expected=AYAHS) for name, language in named.items()
        }
        return sorted((others | held).values(), key=lambda one: (not one.wanted, one.edition))

    def overlap(self, one: Mapping[str, object], other: Mapping[str, object]) -> bool:
        """Whether they share an edition, or both ask for the list."""
        first, second = (msgspec.convert(params, _Selection) for params in (one, other))
        return (first.listed and second.listed) or not first.editions.isdisjoint(second.editions)

    def concurrency(self, source: str, settings: Settings) -> int:
        """Return the source's own setting."""
        return settings.sources[source].concurrency

    def open(self, source: str, context: Context) -> QuranSession:
        """Open a source by its name."""
        return QuranSession(SOURCES[source](context))


RESOURCE: Final = QuranResource()


def _editions(words: Sequence[str], database: Database) -> list[str]:
    """Return the editions that are named; `all` are those with a text that alquran.cloud lists."""
    chosen = set(words) - {ALL}
    if ALL in words:
        with database.read() as transaction:
            listed = store.listed(transaction)
        if not listed:
            raise UsageError(
                "--edition all: the list of editions is not stored yet",
                hint="`synctl enqueue quran --source alquran` stores it",
            )
        chosen |= listed.keys()
    return sorted(chosen) or [DEFAULT]


def _measure() -> Quran | None:
    from synctl.sources.packaged import PackagedSource  # noqa: PLC0415 - 3 MB that nobody else needs here

    return PackagedSource().fetch(DEFAULT).value


def _verify(found: Iterable[Broken], known: Known, fetched: Fetched[object]) -> None:
    """Raise the first rule that is broken and not waived."""
    for one in found:
        if one.rule not in known.waived - UNWAIVABLE:
            message = f"{one.place}: {one.message}" if one.place else one.message
            error = MismatchError(one.rule, message, sample=msgspec.to_builtins(one.sample))
            error.attempts = fetched.attempts
            raise error


def _unchanged(fetched: Fetched[object]) -> Batch:
    return Batch([], body_hash=fetched.body_hash, attempts=fetched.attempts, unchanged=True)


def _changed(fetched: Fetched[object], parts: Sequence[Rows]) -> Batch:
    return Batch(parts, body_hash=fetched.body_hash, attempts=fetched.attempts)


def _source(editions: Sequence[str], selectors: Selectors, settings: Settings) -> str:
    """Return the source that is asked for, else one that has the editions."""
    others = [edition for edition in editions if edition != DEFAULT]
    if selectors.source is None:
        return "alquran" if others else settings.quran.source
    if selectors.source not in SOURCES:
        raise NotFound(
            f"no quran source {shortened(repr(selectors.source))}{did_you_mean(selectors.source, SOURCES)}",
            hint=f"one of: {', '.join(sorted(SOURCES))}",
        )
    if selectors.source == "packaged" and others:
        raise UsageError(
            f"packaged has {DEFAULT} only, not {shortened(others[0])}", hint="`--source alquran` has others"
        )
    return selectors.source


def _labels(editions: Sequence[str], database: Database) -> dict[str, tuple[str, str]]:
    """Return language and type of editions, where the list of alquran.cloud is stored.

    Refuses what cannot be an edition, and what is not listed there.
    """
    for edition in editions:
        if edition == LIST or len(edition) > _LONGEST or not _IDENTIFIER.fullmatch(edition):
            raise UsageError(
                f"--edition {shortened(repr(edition))} is no edition",
                hint="they are called as en.sahih or quran-uthmani",
            )
    with database.read() as transaction:
        listed = {
            row["edition"]: row
            for row in transaction.all("SELECT edition, format, language, type FROM quran_catalogue")
        }
    for edition in editions if listed else ():
        if edition not in listed:
            raise NotFound(
                f"alquran.cloud lists no edition {shortened(repr(edition))}{did_you_mean(edition, listed)}",
                hint="`synctl enqueue quran --source alquran` asks for its list again",
            )
        if listed[edition]["format"] != "text":
            raise UsageError(f"edition {edition} is {listed[edition]['format']}: text can be synced")
    return {edition: (row["language"], row["type"]) for edition, row in listed.items()}


def _label(editions: Sequence[str]) -> str:
    if len(editions) == 1:
        return editions[0]
    more = f" and {len(editions) - _SHOWN} more" if len(editions) > _SHOWN else ""
    return f"{count(len(editions), 'edition')}: {', '.join(editions[:_SHOWN])}{more}"
