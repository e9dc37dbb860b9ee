"""Hadith: a unit is an edition of a collection; it stores its sections, its hadiths and their grades."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import date
from functools import partial
from threading import Event
from typing import Final

import msgspec
from msgspec.structs import asdict, replace

from synctl.config import Settings
from synctl.errors import MismatchError, NotFound, UnitError, UpstreamUnavailable
from synctl.processors.hadith_audit import audit
from synctl.processors.hadith_rows import counts, outline, rows
from synctl.processors.hadith_rules import (
    RULES,
    UNWAIVABLE,
    Counts,
    breaches,
    counted,
    emptied,
    list_breaches,
    repeats,
    shrinks,
)
from synctl.processors.selection import reject_foreign
from synctl.resource import Batch, Context, Finding, Holding, Known, Missing, Plan, Rows, Selectors, Unit
from synctl.sources.hadith_api import Edition, HadithApiSource
from synctl.store import hadith as store
from synctl.store.db import Database, Transaction, open_database
from synctl.store.hadith import Listed
from synctl.suggest import did_you_mean
from synctl.words import count, shortened

SOURCE: Final = "hadith_api"
DEFAULT: Final = ("eng-bukhari", "eng-muslim", "eng-nawawi", "eng-qudsi")
"""The two Sahihs and the two small collections of forty, in English."""
ALL: Final = "all"
LIST_ATTEMPTS: Final = 3
LIST_TIMEOUT_S: Final = 10.0
"""A person waits for the list of editions, so it is soon given up."""


class _Spec(msgspec.Struct, array_like=True, frozen=True):
    """The `spec` of a unit, read back. `language` is empty in runs from before it was looked at."""

    edition: str
    title: str
    direction: str
    accept_shrink: bool = False
    language: str = ""


class _Selection(msgspec.Struct):
    """The `params` of a plan, read back."""

    editions: frozenset[str]


def _open(context: Context) -> HadithApiSource:
    from synctl.sources.http import fetcher  # noqa: PLC0415 - httpx loads slowly

    return HadithApiSource(fetcher(SOURCE, context))


class HadithSession(msgspec.Struct, frozen=True):
    """An opened source of hadith editions; `stored` counts what the database has of one."""

    source: HadithApiSource
    stored: Callable[[str], Counts]

    def process(self, spec: Sequence[object], known: Known) -> Batch:
        """Fetch, decode and verify one edition."""
        unit = msgspec.convert(spec, _Spec)
        before = counted(known.validators) or (self.stored(unit.edition) if known.stored else Counts())
        accept = partial(_accept, unit, known.waived, before)
        fetched = self.source.fetch(unit.edition, accept, known.body_hash, known.validators)
        now = before if fetched.value is None else counts(fetched.value)
        return Batch(
            fetched.value or [],
            body_hash=fetched.body_hash,
            attempts=fetched.attempts,
            validators={**fetched.validators, **{name: str(value) for name, value in asdict(now).items()}},
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
            raise NotFound(f"no hadith source {shortened(repr(selectors.source))}", hint=f"one of: {SOURCE}")
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
                Unit(name, [name, one.title, one.direction, selectors.accept_shrink, one.language])
                for name, one in chosen.items()
            ),
        )

    def overlap(self, one: Mapping[str, object], other: Mapping[str, object]) -> bool:
        """Whether they share an edition."""
        first, second = (msgspec.convert(params, _Selection) for params in (one, other))
        return not first.editions.isdisjoint(second.editions)

    def audit(self, transaction: Transaction, settings: Settings) -> Iterator[Finding]:
        """Check every stored edition against what upstream lists, against itself and against its last sync."""
        return audit(transaction)

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
        return HadithSession(_open(context), partial(_stored, context.settings))


RESOURCE: Final = HadithResource()


def _accept(unit: _Spec, waived: frozenset[str], before: Counts, edition: Edition) -> list[Rows]:
    """Turn an edition into rows. Raises MismatchError where a rule does not hold and is not waived."""
    parts = rows(unit.edition, edition)
    now = counts(parts)
    found = [] if unit.accept_shrink else [*shrinks(now, before), *emptied(now, before)]
    found += breaches(outline(edition), unit.title, unit.direction, unit.language)
    for text, times in Counter(one.text for one in edition.hadiths if one.text).most_common(1):
        found += repeats(text, times, now.hadiths)
    for breach in found:
        if breach.rule not in waived - UNWAIVABLE:
            raise MismatchError(breach.rule, breach.message, sample=breach.sample)
    return parts


def _stored(settings: Settings, edition: str) -> Counts:
    """Count what is stored of an edition: what counted its last answer did not count everything."""
    with closing(open_database(settings.database_url)) as database, database.read() as transaction:
        return Counts(*store.counts(transaction, edition))


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
    for breach in list_breaches(found, stored):
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
                f"no hadith collection {shortened(repr(word))}{did_you_mean(name, known)}",
                hint=f"one of: {', '.join(known)}",
            )
        chosen |= {one: listed[one] for one in found}
    for word in selectors.edition:
        name = word.strip().lower()
        if name == ALL:
            chosen |= listed
            continue
        if name not in listed:
            raise NotFound(
                f"no hadith edition {shortened(repr(word))}{did_you_mean(name, listed)}",
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
