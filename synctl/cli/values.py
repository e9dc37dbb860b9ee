"""What may be typed for a parameter, as the database has it: run ids, cities, methods, editions and more.

For shell completion: it reads only, in a second at most, and has nothing to say where there is no database.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import msgspec

from synctl.store.db import Transaction

Value: TypeAlias = tuple[str, str]
"""What is typed, and what it is."""

PATIENCE_S: Final = 1.0
"""Longer than this nobody waits after a Tab: a database that does not answer has no candidates."""
MOST: Final = 200
"""Candidates that a shell is given: more are no choice."""


class Asked(msgspec.Struct, frozen=True):
    """What is completed: the command, what stands before the cursor already, and the beginning of the word."""

    command: str
    given: Mapping[str, Any]
    incomplete: str


def values(command: str, parameter: str, given: Mapping[str, Any], incomplete: str) -> list[Value]:
    """Return what may be typed for a parameter of a command."""
    source = _SOURCES.get(parameter)
    if source is None:
        return []
    return list(_cut(source(Asked(command, given, incomplete))))


def _cut(found: Iterable[Value]) -> Iterator[Value]:
    for _, value in zip(range(MOST), found, strict=False):
        yield value


@contextmanager
def _reading() -> Iterator[Transaction]:
    from synctl.config import load_settings  # noqa: PLC0415 - only where the database is asked
    from synctl.store.readonly import open_to_read  # noqa: PLC0415

    with _within(PATIENCE_S):
        database = open_to_read(load_settings().database_url)
        try:
            with database.read() as transaction:
                yield transaction
        finally:
            database.close()


@contextmanager
def _within(seconds: float) -> Iterator[None]:
    """Raise TimeoutError in what takes longer, be it in the driver of a database that does not answer."""

    def late(_signal: int, _frame: object) -> None:
        raise TimeoutError

    before = signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _starting(asked: Asked, found: Iterable[Value]) -> Iterator[Value]:
    """Yield those that start with the word, however it is cased, in the case in which it was begun."""
    begun = asked.incomplete
    for value, about in found:
        if value.casefold().startswith(begun.casefold()):
            rest = value[len(begun) :]
            yield begun + (rest.lower() if begun.islower() else rest), about


def _listed(asked: Asked, found: Iterable[Value]) -> Iterator[Value]:
    """The same for the last one of a list: `3,4,M`."""
    before, comma, last = asked.incomplete.rpartition(",")
    for value, about in _starting(Asked(asked.command, asked.given, last), found):
        yield f"{before}{comma}{value}", about


def _runs(asked: Asked) -> Iterator[Value]:
    from synctl.states import ACTIVE, LIVE, RETRIABLE, TERMINAL, RunState  # noqa: PLC0415
    from synctl.store import runs  # noqa: PLC0415

    states = {
        "pause": ACTIVE - {RunState.PAUSED},
        "resume": frozenset({RunState.PAUSED}),
        "cancel": ACTIVE,
        "delete": frozenset(RunState) - LIVE,
        "retry": RETRIABLE,
        "changes": TERMINAL,
    }
    with _reading() as transaction:
        found = runs.listing(transaction, states=states.get(asked.command), limit=MOST)
    begun = asked.incomplete.lower()
    for run in found:
        if run.id.startswith(begun):
            yield run.id, f"{run.state}: {run.label}"


def _cities(asked: Asked) -> Iterator[Value]:
    from synctl.store import reference  # noqa: PLC0415
    from synctl.store.folding import fold  # noqa: PLC0415

    begun = asked.incomplete
    folded = fold(begun) + " " * begun.endswith(" ")
    name, comma, country = begun.partition(",")
    with _reading() as transaction:
        if comma:
            found = reference.find_cities(transaction, name)
            for code in dict.fromkeys(city.country for city in found):
                if code.startswith(country.strip().upper()):
                    yield f"{name},{code}", _people(next(city for city in found if city.country == code))
            return
        rows = transaction.all(
            "SELECT name, country, population FROM city WHERE substr(folded, 1, :length) = :begun"
            " ORDER BY population DESC, id LIMIT :most",
            length=len(folded),
            begun=folded,
            most=MOST,
        )
    seen: set[str] = set()
    for row in rows:
        text = begun + row["name"][len(begun) :] if len(folded) == len(begun) else row["name"]
        if text not in seen:
            seen.add(text)
            yield text, f"{row['country']}, {row['population']:,} people"


def _named_cities(asked: Asked) -> Iterator[Value]:
    """What `cities` lists or removes: any, or only one's own."""
    from synctl.store import reference  # noqa: PLC0415

    if str(asked.given.get("action")) == "list":
        return _cities(asked)
    with _reading() as transaction:
        own = reference.own_cities(transaction)
    return _starting(asked, ((f"{city.name},{city.country}", city.timezone) for city in own))


def _people(city: Any) -> str:
    return f"{city.name}, {city.population:,} people"


def _countries(asked: Asked) -> Iterator[Value]:
    with _reading() as transaction:
        rows = transaction.all("SELECT country, COUNT(*) AS n FROM city GROUP BY country ORDER BY country")
    return _starting(asked, ((row["country"], f"{row['n']:,} cities") for row in rows))


def _methods(asked: Asked) -> Iterator[Value]:
    from synctl.store import reference  # noqa: PLC0415

    with _reading() as transaction:
        found = [method for method in reference.methods(transaction) if method.named]
    last = asked.incomplete.rpartition(",")[2]
    if last[:1].isdigit():
        return _listed(asked, ((str(method.id), method.name) for method in found))
    return _listed(asked, [("all", f"{len(found)} methods"), *((one.code, f"{one.id}: {one.name}") for one in found)])


def _madhabs(asked: Asked) -> Iterator[Value]:
    from synctl.store.methods import MADHABS  # noqa: PLC0415

    return _listed(asked, [("both", "Shafi and Hanafi"), *((one.code, one.name) for one in MADHABS)])


def _editions(asked: Asked) -> Iterator[Value]:
    resource = asked.given.get("resource")
    with _reading() as transaction:
        stored = asked.command == "show"
        quran, hadith = ("quran_edition", "hadith_edition") if stored else ("quran_catalogue", "hadith_edition")
        found: list[Value] = [] if stored else [("quran-uthmani", "Arabic")]
        if resource != "hadith":
            rows = transaction.all(f"SELECT edition, language, type FROM {quran} ORDER BY edition")
            found.extend((row["edition"], f"{row['language']}, {row['type']}") for row in rows)
        if resource != "quran":
            only = "unit_id IS NOT NULL" if stored else "listed = 1"
            rows = transaction.all(f"SELECT name, language, author FROM {hadith} WHERE {only} ORDER BY name")
            found.extend((row["name"], f"{row['language']}, {row['author']}") for row in rows)
    return _starting(asked, dict(found).items())


def _collections(asked: Asked) -> Iterator[Value]:
    with _reading() as transaction:
        rows = transaction.all("SELECT name, title FROM hadith_collection ORDER BY name")
    return _starting(asked, ((row["name"], row["title"]) for row in rows))


def _places(asked: Asked) -> Iterator[Value]:
    """What `show` shows of a resource: of hadith an edition; a number of the Quran is quicker typed."""
    return _editions(asked) if asked.given.get("resource") == "hadith" and not asked.given.get("place") else iter(())


def _resources(asked: Asked) -> Iterator[Value]:
    from synctl.engine import registry  # noqa: PLC0415

    return _starting(asked, ((name, "") for name in registry.names()))


def _sources(asked: Asked) -> Iterator[Value]:
    by_resource = {
        "prayer": [("calculated", "on this machine"), ("aladhan", "api.aladhan.com")],
        "quran": [("packaged", "installed with synctl"), ("alquran", "api.alquran.cloud")],
        "hadith": [("hadith_api", "fawazahmed0/hadith-api")],
    }
    known = by_resource.get(str(asked.given.get("resource")))
    return _starting(asked, known if known is not None else [one for some in by_resource.values() for one in some])


def _states(asked: Asked) -> Iterator[Value]:
    from synctl.states import RunState, UnitState  # noqa: PLC0415

    states: Iterable[str] = UnitState if asked.command == "units" else (*RunState, "active")
    return _starting(asked, ((str(state), "") for state in states))


def _kinds(asked: Asked) -> Iterator[Value]:
    from synctl.store import trail  # noqa: PLC0415

    with _reading() as transaction:
        found = trail.kinds(transaction)
    return _starting(asked, ((kind, "") for kind in found))


def _levels(asked: Asked) -> Iterator[Value]:
    from synctl.log import LEVELS  # noqa: PLC0415

    return _starting(asked, ((level, "") for level in LEVELS))


def _refused(asked: Asked) -> Iterator[Value]:
    from synctl.store import quarantine  # noqa: PLC0415

    if str(asked.given.get("action")) == "list":
        return
    with _reading() as transaction:
        found = list(quarantine.listing(transaction, None, None, MOST))
    yield from _starting(asked, ((one.unit, one.message) for one in found))


def _rules(asked: Asked) -> Iterator[Value]:
    from synctl.store import quarantine  # noqa: PLC0415

    with _reading() as transaction:
        found = sorted({one.rule for one in quarantine.listing(transaction, None, None)})
    return _starting(asked, ((rule, "") for rule in found))


def _keys(asked: Asked) -> Iterator[Value]:
    from synctl.config import all_keys  # noqa: PLC0415

    if asked.command != "config":
        return iter(())
    tables = {key.path[0]: "" for key in all_keys()}
    return _starting(asked, [*tables.items(), *((key.name, key.doc) for key in all_keys() if key.name not in tables)])


def _topics(asked: Asked) -> Iterator[Value]:
    from synctl.cli.commands import COMMANDS  # noqa: PLC0415
    from synctl.cli.help import TOPICS  # noqa: PLC0415

    commands = ((name, entry.summary) for name, entry in COMMANDS.items() if not entry.hidden)
    return _starting(asked, () if asked.given.get("words") else (*commands, *TOPICS.items()))


def _days(asked: Asked) -> Iterator[Value]:
    return _starting(asked, (("today", ""), ("tomorrow", ""), ("yesterday", "")))


_SOURCES: Final[Mapping[str, Callable[[Asked], Iterator[Value]]]] = {
    "city": _cities,
    "collection": _collections,
    "country": _countries,
    "edition": _editions,
    "first": _days,
    "kind": _kinds,
    "last": _days,
    "level": _levels,
    "madhab": _madhabs,
    "method": _methods,
    "methods": _methods,
    "name": _keys,
    "names": _named_cities,
    "on": _days,
    "place": _places,
    "resource": _resources,
    "rule": _rules,
    "run": _runs,
    "runs": _runs,
    "source": _sources,
    "state": _states,
    "units": _refused,
    "words": _topics,
}
"""By the name of the parameter in the command's function: one name means the same in each command."""
