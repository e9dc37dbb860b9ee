"""What a selection of prayer times becomes, and which selections are refused."""

from __future__ import annotations

import subprocess
import sys
import threading
from contextlib import closing
from datetime import date
from typing import TYPE_CHECKING, Any

import pytest

from synctl.config import Settings
from synctl.config.settings import PrayerSettings
from synctl.errors import MismatchError, UsageError
from synctl.processors.prayer import RESOURCE, SOURCES
from synctl.processors.prayer_session import PrayerSession
from synctl.resource import NOTHING_KNOWN, Context, Known, Plan, Selectors
from synctl.sources.calculated import CalculatedSource
from synctl.sources.columns import columns
from synctl.sources.prayer import EPOCH, Fetched, PrayerRequest
from synctl.store.db import Database, open_database
from synctl.store.migrate import upgrade
from synctl.store.reference import seed_reference

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TODAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    url = f"sqlite:///{tmp_path_factory.mktemp('prayer')}/synctl.db"
    upgrade(url)
    with closing(open_database(url)) as database:
        seed_reference(database, 300, None)
        yield database


@pytest.fixture
def plan(seeded: Database, tmp_path: Path) -> Any:
    def plan(**selected: Any) -> Plan:
        return RESOURCE.plan(Selectors(**selected), seeded, Settings(home=tmp_path), TODAY)

    return plan


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"year": 2077}, "method 4 cannot be calculated outside of 1925 to 2076"),
    ({"year": 1924, "methods": "3,4"}, "method 4 cannot be calculated outside of 1925 to 2076"),
    ({"first": date(2076, 12, 31), "last": date(2077, 1, 1)}, "method 4 cannot be calculated"),
    ({"methods": ""}, "'': a method is missing"),
    ({"madhab": ""}, "'': a madhab is missing"),
    ({"source": ""}, "no prayer source ''"),
    ({"city": ("",)}, "no city ''"),
    ({"country": ("",)}, "no city in country ''"),
    ({"cities": 0}, "--cities 0: at least 1"),
    ({"cities": 10**20}, "--cities 100000000000000000000: at least 1, at most 1,000,000"),
    ({"last": date(2026, 11, 23)}, "--to 2026-11-23 lies in the past"),
]


@pytest.mark.parametrize(("selected", "says"), REFUSED)
def test_what_cannot_be_synced_is_refused(plan: Any, selected: dict[str, Any], says: str) -> None:
    with pytest.raises(UsageError) as caught:
        plan(**selected)
    assert str(caught.value).startswith(says)


def test_methods_that_do_not_mind_ramadan_are_proposed(plan: Any) -> None:
    with pytest.raises(UsageError) as caught:
        plan(year=2090, methods="2,3,4")
    assert caught.value.hint == "--methods 2,3 can"
    with pytest.raises(UsageError) as caught:
        plan(year=2090, methods="4")
    assert caught.value.hint == "choose another method"


@pytest.mark.parametrize(
    "selected",
    [{"year": 1925}, {"year": 2076}, {"year": 2090, "methods": "3"}, {"year": 2090, "source": "aladhan"}],
)
def test_what_can_be_synced_is_planned(plan: Any, selected: dict[str, Any]) -> None:
    assert plan(cities=1, **selected).total > 0


def test_too_many_cities_are_told_with_what_helps(plan: Any) -> None:
    with pytest.raises(UsageError) as caught:
        plan(cities=301)
    assert caught.value.hint == "`synctl seed --cities 301`"
    with pytest.raises(UsageError) as caught:
        plan(cities=34_007)
    assert "--cities-file" in str(caught.value.hint)


def test_the_label_of_one_city_names_its_country(plan: Any) -> None:
    assert plan(city=("London",), methods="3", year=2026).label == "London, GB × 1 method × 2 madhabs, 2026"
    assert plan(cities=2, madhab="hanafi", first=TODAY).label == "2 cities × 23 methods × 1 madhab, 2026-11-24"


OPENING = """
import sys, threading
from pathlib import Path
from synctl.config import Settings
from synctl.config.settings import HttpSettings, PrayerSettings
from synctl.engine.worker import SyncWorker
from synctl.processors.prayer import RESOURCE
from synctl.resource import Context

prayer, http = PrayerSettings(source=sys.argv[1]), HttpSettings(transport=sys.argv[2])
settings = Settings(home=Path("."), prayer=prayer, http=http)
RESOURCE.preload(settings)
before = set(sys.modules)
RESOURCE.open(sys.argv[1], Context(settings=settings, stop=threading.Event()))
print(*sorted({name.split(".")[0] for name in set(sys.modules) - before}))
"""


@pytest.mark.parametrize(
    ("source", "transport"), [*((source, "http.client") for source in SOURCES), ("aladhan", "httpx")]
)
def test_a_job_imports_nothing_that_its_worker_could(source: str, transport: str) -> None:
    command = [sys.executable, "-c", OPENING, source, transport]
    imported = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout.split()
    assert {"synctl", "httpx", "httpcore", "tenacity", "salahlib", "hijridate"}.isdisjoint(imported)


def test_a_unit_read_back_from_the_ledger_is_processed(plan: Any) -> None:
    class Source:
        name = "fake"
        asked: list[PrayerRequest]

        def fetch(
            self, request: PrayerRequest, known: str | None = None, waived: frozenset[str] = frozenset()
        ) -> Fetched:
            self.asked = [request]
            return CalculatedSource(threading.Event()).fetch(request)

        def close(self) -> None:
            pass

    source = Source()
    (unit, *_) = plan(city=("London",), methods="3", madhab="hanafi", first=TODAY).units
    batch = PrayerSession(source).process(unit.spec, NOTHING_KNOWN)
    assert (source.asked[0].method, source.asked[0].madhab, source.asked[0].first) == (3, 1, TODAY)
    (row,) = batch.parts[0].rows
    assert row[:5] == (2643743, 3, 1, TODAY.toordinal() - EPOCH, 0)
    assert len(row) == 4 + 1 + 11


@pytest.mark.parametrize(
    ("first", "last", "larger"),
    [
        (date(2026, 1, 1), date(2026, 12, 31), []),
        (date(2026, 2, 1), date(2026, 2, 28), ["2026-01-01..2026-12-31"]),
        (date(2026, 2, 1), date(2026, 2, 1), ["2026-02-01..2026-02-28", "2026-01-01..2026-12-31"]),
    ],
)
def test_a_unit_names_the_larger_ones_that_hold_it(plan: Any, first: date, last: date, larger: list[str]) -> None:
    (unit, *_) = plan(city=("London",), methods="3", madhab="hanafi", first=first, last=last).units
    assert unit.covered_by == [f"2643743/3/1/{span}" for span in larger]
    assert unit.rows == (last - first).days + 1


@pytest.mark.parametrize(
    ("minutes", "waived", "refused"),
    [(5, frozenset(), True), (0, frozenset(), False), (5, frozenset({"prayer.agreement"}), False)],
)
def test_a_source_is_held_to_the_angles_of_the_method(
    plan: Any, tmp_path: Path, minutes: int, waived: frozenset[str], *, refused: bool
) -> None:
    class Late(CalculatedSource):
        """All its Fajr are twelve minutes late."""

        def fetch(
            self, request: PrayerRequest, known: str | None = None, waived: frozenset[str] = frozenset()
        ) -> Fetched:
            days = super().fetch(request).days
            late = columns((*day[:2], day[2] + 12, *day[3:9], day[9] + 12, *day[10:]) for day in days)
            return Fetched(late, "", attempts=3)

    settings = Settings(home=tmp_path, prayer=PrayerSettings(agreement=minutes))
    opened = RESOURCE.open("aladhan", Context(settings, threading.Event()))
    assert isinstance(opened, PrayerSession)
    session = PrayerSession(Late(threading.Event()), opened.tolerance)
    (unit, *_) = plan(city=("London",), methods="3", madhab="hanafi", first=TODAY).units
    if not refused:
        assert session.process(unit.spec, Known(waived=waived)).row_count == 1
        return
    with pytest.raises(MismatchError, match=r"prayer.agreement: Fajr of 2026-11-24 is \+1\d minutes") as raised:
        session.process(unit.spec, Known(waived=waived))
    assert raised.value.attempts == 3
