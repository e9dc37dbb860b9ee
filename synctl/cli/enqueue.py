"""`synctl enqueue`: queue a sync and print its run id."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from typing import Annotated, Final

import msgspec
import typer
from redis.exceptions import RedisError

from synctl.cli.follow import follow, line, trouble
from synctl.cli.options import JsonOption, QuietOption, ReasonOption, parse_age
from synctl.cli.output import count, emit, say, warn
from synctl.cli.selectors import (
    AcceptShrinkOption,
    CitiesOption,
    CityOption,
    CollectionOption,
    CountryOption,
    EditionOption,
    ForceOption,
    FromOption,
    IfStaleOption,
    MadhabOption,
    MethodsOption,
    OwnCitiesOption,
    ResourceArgument,
    SourceOption,
    ToOption,
    YearOption,
    chosen,
)
from synctl.cli.session import Session, open_session
from synctl.engine import keys, queues
from synctl.engine.enqueue import Enqueued, Order, Why
from synctl.engine.foresee import Foreseen, foresee
from synctl.engine.view import RunView
from synctl.errors import ExitCode, UsageError
from synctl.resource import Plan, Selectors
from synctl.states import RunState
from synctl.store.identity import identity_of
from synctl.store.runs import Run

ShardsOption = Annotated[
    int | None,
    typer.Option("--shards", metavar="N", min=1, help="Jobs that share the run; one a worker by default."),
]
NoWaitOption = Annotated[
    bool, typer.Option("--no-wait", help="Exit 8 where the run would have to wait for one that stores the same rows.")
]
_WHY: Final = {
    Why.CREATED: "queued",
    Why.ACTIVE: "exists already and is {state}",
    Why.FRESH: "is fresh: it succeeded today",
    Why.RETRIED: "only the {reopened} left are queued again",
    Why.FORCED: "is queued again in full, as forced",
}
_WOULD: Final = {
    Why.CREATED: "would be queued",
    Why.ACTIVE: "exists already and is {state}: nothing would be queued",
    Why.FRESH: "is fresh, it succeeded today: nothing would be queued",
    Why.RETRIED: "only the {asked} left would be queued again",
    Why.FORCED: "would be queued again in full, as forced",
}


def enqueue(
    resource: ResourceArgument,
    cities: CitiesOption = None,
    city: CityOption = None,
    country: CountryOption = None,
    own_cities: OwnCitiesOption = False,
    methods: MethodsOption = None,
    madhab: MadhabOption = None,
    year: YearOption = None,
    first: FromOption = None,
    last: ToOption = None,
    edition: EditionOption = None,
    collection: CollectionOption = None,
    source: SourceOption = None,
    accept_shrink: AcceptShrinkOption = False,
    shards: ShardsOption = None,
    if_stale: IfStaleOption = None,
    force: ForceOption = False,
    no_wait: NoWaitOption = False,
    wait: Annotated[bool, typer.Option("--wait", help="Return when the run has ended, with its exit code.")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="Follow the run live, then as --wait.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would be queued; change nothing.")] = False,
    quiet: QuietOption = False,
    reason: ReasonOption = "",
    json: JsonOption = False,
) -> None:
    """Queue a sync and print its run id at once.

    The id is made of resource, day and selection, so a repeated order finds the run that exists and says
    why: it is active, it is fresh, or only its failed units are queued again. Runs that store the same
    rows take turns: the next one waits, and starts by itself. What succeeded today is fresh until midnight,
    whatever --if-stale says; --force asks again. Without selectors: for prayer 100 cities, all
    23 methods, both madhabs, this year; for quran the Arabic text; for hadith Bukhari, Muslim, Nawawi's forty
    and the forty qudsi, in English.

    \b
    Examples:
      synctl enqueue prayer
      synctl enqueue prayer --city London --methods 3 --madhab hanafi --from today --to 2026-12-31
      synctl enqueue prayer --country PK --source aladhan --watch
      synctl enqueue prayer --own-cities --methods MWL
      synctl enqueue quran --edition quran-uthmani --edition en.sahih
      synctl enqueue hadith --collection bukhari --collection eng-muslim
      synctl enqueue prayer --if-stale 7d --wait --quiet          (cron)

    Exit codes: 0 queued or nothing new; with --wait 0 succeeded, 3 partial, 4 failed, 6 paused, 7 cancelled;
    2 usage, 5 prerequisites not met, 8 --force on an active run or --no-wait where one has to, 9 upstream
    unavailable, 10 Redis or database unreachable.
    """
    selectors = chosen(
        cities=cities, city=city, country=country, own_cities=own_cities, methods=methods, madhab=madhab, year=year,
        first=first, last=last, edition=edition, collection=collection, source=source, accept_shrink=accept_shrink,
    )  # fmt: skip
    with open_session() as session:
        manner = Manner(wait=wait, watch=watch, dry_run=dry_run, quiet=quiet, json=json)
        wanted = Order(
            force=force, shards=shards, reason=reason, no_wait=no_wait, if_stale=parse_age(if_stale, "--if-stale")
        )
        code = order(session, resource, selectors, wanted, manner)
    raise typer.Exit(code)


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How the command behaves once it knows what to queue. `watch` waits too."""

    wait: bool = False
    watch: bool = False
    dry_run: bool = False
    quiet: bool = False
    json: bool = False

    def __post_init__(self) -> None:
        if self.dry_run and (self.wait or self.watch):
            raise UsageError("--dry-run queues nothing, so there is nothing to wait for")


def order(
    session: Session,
    resource_name: str,
    selectors: Selectors,
    order: Order,
    manner: Manner,
    summary: Callable[[RunView, Why], None] | None = None,
) -> ExitCode:
    """Queue, report, and follow as asked; return the exit code."""
    from synctl.engine import registry  # noqa: PLC0415

    resource = registry.load(resource_name)
    if manner.dry_run:
        _preview(foresee(session.enqueuer, session.database, resource, selectors, order), json=manner.json)
        return ExitCode.OK
    enqueued = session.enqueuer.enqueue(resource, selectors, order)
    if manner.json:
        emit(enqueued.as_json())
    elif not manner.quiet:
        _report(enqueued)
    waits = manner.wait or manner.watch
    if enqueued.run.state is RunState.QUEUED and (waits or not (manner.json or manner.quiet)):
        for hindrance in _hindrances(session, enqueued.run):
            warn(hindrance)
    sys.stdout.flush()
    if not waits:
        return ExitCode.OK
    draw = manner.watch and enqueued.why is not Why.FRESH
    told = not (manner.quiet or manner.json or manner.watch)
    ended = follow(session, [enqueued.run.id], draw=draw, json=manner.json and manner.watch, hindrances=told)[0]
    code = ended.exit_code
    if code and manner.quiet:
        warn(trouble(ended))
    elif told:
        say(line(ended))
    if summary is not None:
        summary(ended, enqueued.why)
    return code


def _report(enqueued: Enqueued) -> None:
    run = enqueued.run
    text = _WHY[enqueued.why].format(state=run.state, reopened=count(enqueued.reopened, "unit"))
    _tell(run.id, run, text, enqueued, "is")


def _tell(run_id: str, what: Run | Plan, text: str, found: Enqueued | Foreseen, verb: str) -> None:
    say(f"{run_id}  {text}{f' (waiting for {found.waits_for})' if found.waits_for else ''}")
    say(f"  {what.label}: {count(what.total, 'unit')} from {what.source}")
    if found.fresh:
        say(f"  {count(found.fresh, 'unit')} fresh already: nothing {verb} asked for")


def _hindrances(session: Session, run: Run) -> Iterator[str]:
    """Yield why a queued run may stay in its queue."""
    queue = keys.queue(run.resource)
    try:
        listening = [worker for worker in queues.workers(session.client) if worker.queue == queue]
    except RedisError:  # it is queued all the same, and who waits for it is told
        return
    if not listening:
        yield f"no worker listens on {queue}; start some with `synctl up` or `synctl worker {run.resource}`"
    ledger = identity_of(session.database)
    strange = next((worker for worker in listening if worker.strange(ledger)), None)
    if strange is not None:
        yield f"{strange.looks_elsewhere()}; a job of this run that it takes is lost: give all one database.url"


def _preview(foreseen: Foreseen, *, json: bool) -> None:
    if json:
        emit(foreseen.as_json())
        return
    text = _WOULD[foreseen.why].format(state=foreseen.state, asked=count(foreseen.asked, "unit"))
    _tell(foreseen.run_id, foreseen.plan, text, foreseen, "would be")
