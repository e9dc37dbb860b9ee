"""Hadith: a unit is an edition of a collection; it stores its sections, its hadiths and their grades."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import asdict, dataclass, fields, replace
from datetime import date
from functools import partial
from threading import Event
from typing import Final

import msgspec

from synctl.config import Settings
from synctl.errors import MismatchError, NotFound, UnitError, UpstreamUnavailable
from synctl.processors.hadith_rules import (
    RULES,
    SAMPLE_TEXTS,
    UNWAIVABLE,
    Counts,
    Outline,
    Part,
    breaches,
    emptied,
    list_breaches,
    repeats,
    shrinks,
)
from synctl.processors.selection import reject_foreign
from synctl.resource import Batch, Context, Finding, Holding, Known, Missing, Plan, Rows, Selectors, Unit
from synctl.sources.hadith_api import Edition, HadithApiSource
from synctl.store import hadith as store
from synctl.store.db import Database, Transaction
from synctl.store.hadith import Listed
from synctl.store.packed import PackedRows
from synctl.suggest import did_you_mean
from synctl.words import count

SOURCE: Final = "hadith_api"
DEFAULT: Final = ("eng-bukhari", "eng-muslim", "eng-nawawi", "eng-qudsi")
"""The two Sahihs and the two small collections of forty, in English."""
ALL: Final = "all"
LIST_ATTEMPTS: Final = 3
LIST_TIMEOUT_S: Final = 10.0
"""A person waits for the list of editions, so it is soon given up."""


class _Spec(msgspec.Struct, array_like=True, frozen=True):
    """The `spec` of a unit, read back."""

    edition: str
    title: str
    direction: str
    accept_shrink: bool = False


class _Selection(msgspec.Struct):
    """The `params` of a plan, read back."""

    editions: frozenset[str]


def _open(context: Context) -> HadithApiSource:
    from synctl.sources.http import fetcher  # noqa: PLC0415 - httpx loads slowly

    return HadithApiSource(fetcher(SOURCE, context))


@dataclass(frozen=True, slots=True)
class HadithSession:
    """An opened source of hadith editions."""

    source: HadithApiSource

    def process(self, spec: Sequence[object], known: Known) -> Batch:
        """Fetch, decode and verify one edition."""
        unit = msgspec.convert(spec, _Spec)
        fetched = self.source.fetch(unit.edition, partial(_accept, unit, known), known.body_hash, known.validators)
        counted = _counted(known.validators) if fetched.value is None else _counts(fetched.value)
        return Batch(
            fetched.value or [],
            body_hash=fetched.body_hash,
            attempts=fetched.attempts,
            validators={**fetched.validators, **{name: str(value) for name, value in asdict(counted).items()}},
            unchanged=fetched.value is None,
        )

    def close(self) -> None:
        """Interrupt requests under way."""
        self.source.close()


class HadithResource:
    """The `hadith` resource."""

    name = "hadith"
    rules = RULES

    def prerequisites(self, database: Database, settings: Settings) -> Sequence[Missing]:
        """Nothing: the list of editions is fetched when a selection is resolved."""
        return ()

    def plan(self, selectors: Selectors, database: Database, settings: Settings, today: date) -> Plan:
        """Resolve collections and editions, by the list that upstream gave; asked for where a name is not in it."""
        own = ("edition", "collection", "accept_shrink")
        reject_foreign(selectors, own, "hadiths", "--collection and --edition do")
        if selectors.source not in (None, SOURCE):
            raise NotFound(f"no hadith source {selectors.source!r}", hint=f"one of: {SOURCE}")
        wanted = [name.strip().lower() for name in (*selectors.collection, *selectors.edition)]
        with database.read() as transaction:
            listed = store.catalogue(transaction)
        if not listed or any(name not in listed and not _of(name, listed) for name in wanted if name != ALL):
            listed = _refreshed(database, settings, listed)
        chosen = _chosen(selectors, listed)
        params: dict[str, object] = {"editions": sorted(chosen)}
        if selectors.accept_shrink:
            params["accept_shrink"] = True
        return Plan(
            resource=self.name,
            source=SOURCE,
            params=params,
            label=_label(chosen),
            total=len(chosen),
            units=(
                Unit(name, [name, one.title, one.direction, selectors.accept_shrink]) for name, one in chosen.items()
            ),
        )

    def overlap(self, one: Mapping[str, object], other: Mapping[str, object]) -> bool:
        """Whether they share an edition."""
        first, second = (msgspec.convert(params, _Selection) for params in (one, other))
        return not first.editions.isdisjoint(second.editions)

    def audit(self, transaction: Transaction, settings: Settings) -> Iterator[Finding]:
        """Check every stored edition against what upstream lists, against itself and against its last sync."""
        listed = {row["name"]: row["title"] for row in transaction.all("SELECT name, title FROM hadith_collection")}
        for edition in store.editions(transaction):
            outline = _stored_outline(transaction, edition.name, edition.title)
            found = list(breaches(outline, listed.get(edition.collection, ""), edition.direction))
            now = Counts(*store.counts(transaction, edition.name))
            before = _counted(store.validators(transaction, edition.name))
            found += [*shrinks(now, before), *emptied(now, before)]
            found += repeats(*store.repeated(transaction, edition.name), now.hadiths)
            for breach in found:
                yield Finding(breach.rule, edition.name, breach.message)

    def holdings(self, transaction: Transaction) -> Sequence[Holding]:
        """What is stored of the default selection, of editions stored before, and of those that upstream lists."""
        stored = store.stored(transaction)
        held = {
            one.name: Holding(
                one.name,
                one.language,
                wanted=True,
                rows=stored.get(one.name, 0),
                expected=one.hadiths,
                empty_texts=one.empty_texts,
                synced_at=one.synced_at,
            )
            for one in store.editions(transaction)
        }
        listed = dict.fromkeys(DEFAULT, "English") | {
            name: one.language for name, one in store.catalogue(transaction).items()
        }
        others = {name: Holding(name, language, wanted=name in DEFAULT) for name, language in listed.items()}
        return sorted((others | held).values(), key=lambda one: (not one.wanted, one.edition))

    def concurrency(self, source: str, settings: Settings) -> int:
        """Return the source's own setting."""
        return settings.sources[source].concurrency

    def open(self, source: str, context: Context) -> HadithSession:
        """Open the source."""
        return HadithSession(_open(context))


RESOURCE: Final = HadithResource()


def _accept(unit: _Spec, known: Known, edition: Edition) -> list[Rows]:
    """Turn an edition into rows. Raises MismatchError where a rule does not hold and is not waived."""
    parts = _rows(unit.edition, edition)
    waived = known.waived - UNWAIVABLE
    now, before = _counts(parts), _counted(known.validators)
    found = [] if unit.accept_shrink else [*shrinks(now, before), *emptied(now, before)]
    found += breaches(_outline(edition), unit.title, unit.direction)
    for text, times in Counter(one.text for one in edition.hadiths if one.text).most_common(1):
        found += repeats(text, times, now.hadiths)
    for breach in found:
        if breach.rule not in waived:
            raise MismatchError(breach.rule, breach.message, sample=breach.sample)
    return parts


def _counts(parts: Sequence[Rows]) -> Counts:
    edition, _, hadiths, grades = parts
    ((_, _, _, empty_texts),) = edition.rows
    return Counts(len(hadiths.rows), len(grades.rows), msgspec.convert(empty_texts, int))


def _counted(validators: Mapping[str, str]) -> Counts:
    """Read what was counted in the last answer: it is kept with the ETag of that."""
    return Counts(**{one.name: int(validators[one.name]) for one in fields(Counts) if one.name in validators})


def _rows(name: str, edition: Edition) -> list[Rows]:
    hadiths = edition.hadiths
    empty = sum(not one.text for one in hadiths)
    of_edition = {"edition": name}
    return [
        Rows(store.EDITION, [(name, edition.title, len(hadiths), empty)], {"name": name}),
        Rows(
            store.SECTION,
            [
                (name, one.number, one.name or "", *(one.hadiths or (None, None)), *(one.arabic or (None, None)))
                for one in edition.sections
            ],
            of_edition,
        ),
        Rows(
            store.HADITH,
            PackedRows([
                (
                    name, one.number, position, one.arabic_number, int(one.arabic_quoted), one.text,
                    one.section, one.section_hadith,
                )
                for position, one in enumerate(hadiths, start=1)
            ]),
            of_edition,
        ),
        Rows(
            store.GRADE,
            PackedRows([
                (name, one.number, position, scholar, grade)
                for one in hadiths
                for position, (scholar, grade) in enumerate(one.grades, start=1)
            ]),
            of_edition,
        ),
    ]  # fmt: skip


def _outline(edition: Edition) -> Outline:
    texts = [one.text for one in edition.hadiths if one.text]
    return Outline(
        title=edition.title,
        sections={one.number: Part(one.name, one.hadiths) for one in edition.sections},
        hadiths=[(one.number, one.section) for one in edition.hadiths],
        texts=texts[:SAMPLE_TEXTS],
    )


def _stored_outline(transaction: Transaction, name: str, title: str) -> Outline:
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
    )


def _refreshed(database: Database, settings: Settings, stored: Collection[str]) -> dict[str, Listed]:
    """Ask upstream for its list and keep it. Raises UpstreamUnavailable."""
    limits = settings.sources.hadith_api
    hasty = replace(
        settings,
        retry=replace(settings.retry, attempts=min(LIST_ATTEMPTS, settings.retry.attempts), backoff_cap=1.0,
                      retry_after_cap=LIST_TIMEOUT_S),
        sources=replace(settings.sources, hadith_api=replace(limits, timeout=min(LIST_TIMEOUT_S, limits.timeout))),
    )  # fmt: skip
    try:
        with closing(_open(Context(settings=hasty, stop=Event()))) as source:
            found = source.listing()
    except UnitError as error:
        raise UpstreamUnavailable(
            f"the list of hadith editions cannot be had: {error}",
            hint="try again later, or see `synctl doctor`; it is asked for once, and when a name is not in it",
            http_status=error.http_status,
        ) from error
    for breach in list_breaches([one.name for one in found], stored):
        raise UpstreamUnavailable(
            f"the list of hadith editions is not taken: {breach.message}",
            hint="what is stored of the list stays; try again later",
        )
    with database.write() as transaction:
        store.store_catalogue(transaction, found)
    with database.read() as transaction:
        return store.catalogue(transaction)


def _chosen(selectors: Selectors, listed: Mapping[str, Listed]) -> dict[str, Listed]:
    """Return the editions that are selected, in the order they were."""
    chosen: dict[str, Listed] = {}
    for word in selectors.collection:
        name = word.strip().lower()
        found = [name] if name in listed else _of(name, listed)
        if not found:
            known = sorted({one.collection for one in listed.values()})
            raise NotFound(
                f"no hadith collection {word!r}{did_you_mean(name, known)}", hint=f"one of: {', '.join(known)}"
            )
        chosen |= {one: listed[one] for one in found}
    for word in selectors.edition:
        name = word.strip().lower()
        if name == ALL:
            chosen |= listed
            continue
        if name not in listed:
            raise NotFound(
                f"no hadith edition {word!r}{did_you_mean(name, listed)}",
                hint="a language and a collection: eng-bukhari",
            )
        chosen[name] = listed[name]
    return chosen or {name: listed[name] for name in DEFAULT if name in listed}


def _of(collection: str, listed: Mapping[str, Listed]) -> list[str]:
    return [name for name, one in listed.items() if one.collection == collection]


def _label(chosen: Mapping[str, Listed]) -> str:
    if len(chosen) <= len(DEFAULT):
        return ", ".join(chosen)
    collections = dict.fromkeys(one.collection for one in chosen.values())
    of = f" of {', '.join(collections)}" if len(collections) <= len(DEFAULT) else ""
    return f"{count(len(chosen), 'edition')}{of}"
