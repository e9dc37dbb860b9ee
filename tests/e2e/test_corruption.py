"""Calendars that are wrong in one way each, served by the stand-in and refused by the rule that names it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.conftest import Call, Home
from tests.upstream import aladhan
from tests.upstream.server import Asked, LoopbackServer, Reply

Day = dict[str, Any]
Months = dict[str, list[Day]]
Bend = Callable[[Months], object]
SELECTION = ("prayer", "--city", "London", "--methods", "all", "--madhab", "shafi", "--year", "2026")
FROM_STAND_IN = ("--source", "aladhan", "--wait")
GOOD = "22"
"""The method whose answer stays right."""
MIDDLE = 14
"""A day in the middle of its month: looks at the first or the last would not find what is wrong there."""


def days(months: Months) -> Iterator[Day]:
    for number in sorted(months, key=int):
        yield from months[number]


def swap(day: Day, one: str, other: str) -> None:
    day["timings"][one], day["timings"][other] = day["timings"][other], day["timings"][one]


def later(day: Day, minutes: int, *names: str) -> None:
    for name in names or day["timings"]:
        hour, minute = int(day["timings"][name][:2]), int(day["timings"][name][3:5])
        moment = (hour * 60 + minute + minutes) % 1440
        day["timings"][name] = f"{moment // 60:02}:{moment % 60:02}{day['timings'][name][5:]}"


def calendar(**changed: str) -> Months:
    """What the stand-in answers to another question."""
    london = {"latitude": "51.50853", "longitude": "-0.12574", "timezonestring": "Europe/London", "method": "3"}
    reply = aladhan.answer(Asked("/v1/calendar/2026", {**london, "school": "0", **changed}))
    months: Months = json.loads(reply.plain)["data"]
    return months


def dates_of_another_year(months: Months) -> None:
    for day in days(months):
        day["date"]["gregorian"]["date"] = day["date"]["gregorian"]["date"].replace("2026", "2025")


def asr_of_hanafi(months: Months) -> None:
    for day, other in zip(days(months), days(calendar(school="1")), strict=True):
        day["timings"]["Asr"] = other["timings"]["Asr"]


def july_of_cairo(months: Months) -> None:
    cairo = calendar(latitude="30.06263", longitude="31.24967", timezonestring="Africa/Cairo")
    for day, other in zip(months["7"], cairo["7"], strict=True):
        day["timings"] = other["timings"]


def july_of_glasgow(months: Months) -> None:
    for day, other in zip(months["7"], calendar(latitude="55.86515", longitude="-4.25763")["7"], strict=True):
        day["timings"] = other["timings"]


def clocks_change_a_week_early(months: Months) -> None:
    """The times only, as of a zone file that is out of date."""
    for day in months["3"][21:28]:
        later(day, 60)


def clocks_change_a_week_late(months: Months) -> None:
    """Its own idea of the moment tells so, too."""
    for day in [*months["10"][24:], *months["11"][:1]]:
        later(day, 60)
        day["date"]["timestamp"] = str(int(day["date"]["timestamp"]) - 3600)


def every(change: Callable[[Day], object]) -> Bend:
    return lambda months: [change(day) for day in days(months)]


def meta(**changed: object) -> Bend:
    """One day in June of which the answer says that it is of something else."""
    return lambda months: months["6"][MIDDLE]["meta"].update(changed)


def one(change: Callable[[Day], object]) -> Bend:
    return lambda months: change(months["6"][MIDDLE])


BENDS: Mapping[str, tuple[str, Bend, str]] = {
    "0": ("a day is dropped", lambda months: months["6"].pop(MIDDLE), "prayer.dates"),
    "1": ("a day is doubled", lambda months: months["6"].insert(MIDDLE, months["6"][MIDDLE]), "prayer.dates"),
    "2": ("a day is another one", lambda months: months["6"].__setitem__(MIDDLE, months["6"][3]), "prayer.dates"),
    "3": ("a month is dropped", lambda months: months.pop("6"), "prayer.dates"),
    "4": ("the year is another one", dates_of_another_year, "prayer.dates"),
    "5": ("two days change places", lambda months: months["6"].reverse(), "prayer.dates"),
    "7": ("the method is another one", meta(method={"id": 2}), "prayer.method"),
    "8": ("the school is the other one", meta(school="HANAFI"), "prayer.school"),
    "9": ("the zone is another one", meta(timezone="Europe/Paris"), "prayer.timezone"),
    "10": ("the coordinates are masked", meta(latitude=8.8888888, longitude=7.7777777), "prayer.coordinates"),
    "11": ("a time is no number", one(lambda day: day["timings"].update(Isha="-----")), "prayer.time-format"),
    "12": (
        "a time is none of the day",
        one(lambda day: day["timings"].update(Fajr="24:61 (BST)")),
        "prayer.time-format",
    ),
    "13": ("Fajr and Isha change places", one(lambda day: swap(day, "Fajr", "Isha")), "prayer.order"),
    "14": ("Sunrise and Sunset always do", every(lambda day: swap(day, "Sunrise", "Sunset")), "prayer.order"),
    "15": ("Asr is that of Hanafi", asr_of_hanafi, "prayer.hanafi-asr"),
    "16": ("all is an hour late", every(lambda day: later(day, 60)), "prayer.sun"),
    "17": ("the clocks change a week early", clocks_change_a_week_early, "prayer.dst"),
    "18": ("the clocks change a week late", clocks_change_a_week_late, "prayer.utc-offset"),
    "19": ("a month is that of Cairo", july_of_cairo, "prayer.sun"),
    "20": ("Midnight is early", every(lambda day: later(day, -40, "Midnight")), "prayer.night"),
    "21": ("Isha jumps for a day", one(lambda day: later(day, 25, "Isha")), "prayer.jump"),
    "23": ("a month is that of Glasgow", july_of_glasgow, "prayer.sun"),
}
"""By method: what is wrong with its answer, and the rule that says so."""


@dataclass
class Bent:
    """The stand-in, which answers wrongly as soon as it is told to."""

    wrong: bool = False
    asked: list[Asked] = field(default_factory=list)

    def __call__(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        reply = aladhan.answer(asked)
        if not self.wrong or asked.params["method"] not in BENDS:
            return reply
        body = json.loads(reply.plain)
        BENDS[asked.params["method"]][1](body["data"])
        return Reply(200, json.dumps(body).encode())


@dataclass(frozen=True)
class Synced:
    """A home whose good rows met the wrong answers."""

    home: Home
    run: str
    before: list[tuple[Any, ...]]


@pytest.fixture(scope="module")
def synced(module_home: Home) -> Iterator[Synced]:
    bent = Bent()
    with LoopbackServer(bent) as upstream:
        module_home.use(upstream)
        module_home.run("up")
        run: str = module_home.json("enqueue", *SELECTION, *FROM_STAND_IN)["run"]
        before = _rows(module_home)
        assert len(before) == 23 * 365
        bent.wrong = True
        module_home.run("enqueue", *SELECTION, *FROM_STAND_IN, "--force", code=3)
        yield Synced(module_home, run, before)


def _rows(home: Home) -> list[tuple[Any, ...]]:
    return home.sql("SELECT * FROM prayer_time ORDER BY city_id, method_id, madhab_id, day")


@pytest.mark.parametrize("method", BENDS, ids=[text for text, *_ in BENDS.values()])
def test_a_wrong_answer_is_quarantined_by_the_rule_that_names_it(synced: Synced, method: str) -> None:
    ((key, state, error),) = synced.home.sql(
        "SELECT key, state, error_class FROM sync_unit WHERE key LIKE ?", f"2643743/{method}/0/%"
    )
    assert (state, error) == ("quarantined", "MismatchError")
    ((rule, message, sample),) = synced.home.sql("SELECT rule, message, sample FROM quarantine WHERE key = ?", key)
    assert rule == BENDS[method][2], message
    assert message.startswith(f"{rule}: ")
    assert json.loads(sample)


def test_nothing_of_it_is_published_and_the_good_rows_stay(synced: Synced, call: Call) -> None:
    assert _rows(synced.home) == synced.before
    view = call(synced.home, "status", synced.run, "--json").json
    assert (view["state"], view["done"], view["failed"], view["quarantined"]) == ("partial", 1, 22, 22)
    assert (view["unchanged"], view["changed"]) == (1, 0)
    assert call(synced.home, "changes", synced.run, "--json").lines == []
    assert call(synced.home, "verify", "prayer", "--json").lines == []
