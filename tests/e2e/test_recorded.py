"""What the real server answered, replayed over HTTP, comes out of the database equal: minute for minute."""

from __future__ import annotations

import csv
from datetime import date, datetime
from typing import Any

import pytest

from tests.e2e.conftest import Call, Home
from tests.upstream.replay import ABSENT, Recording, recordings, serve

METHODS = "1,2,3,4,5,13,15,20"
COUNTRIES = {"london": "GB", "makkah": "SA", "jakarta": "ID", "tromso": "NO", "auckland": "NZ"}


@pytest.mark.skipif(not recordings(), reason=ABSENT)
def test_recorded_calendars_come_out_as_they_went_in(home: Home, call: Call) -> None:
    own = home.path / "cities.csv"
    with own.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["name", "country", "latitude", "longitude", "timezone"])
        for one in recordings().values():
            writer.writerow([one.city, COUNTRIES[one.city], one.latitude, one.longitude, one.timezone])
    with serve() as upstream:
        home.use(upstream)
        home.run("up")
        call(home, "seed", "--cities-file", str(own))
        for one in recordings().values():
            city = f"{one.city},{COUNTRIES[one.city]}"
            chosen = ("--city", city, "--methods", METHODS, "--year", str(one.year))
            call(home, "enqueue", "prayer", *chosen, "--source", "aladhan", "--wait")
            span = ("--from", f"{one.year}-01-01", "--to", f"{one.year}-12-31")
            _compare(call(home, "show", "prayer", "--city", city, *span, "--json").lines, one)


def _compare(shown: list[Any], one: Recording) -> None:
    stored = {(day["method"], day["madhab"], day["date"]): day for day in shown}
    assert len(stored) == 16 * len(one.gregorian)
    for combo, timings in one.timings.items():
        method, school = combo.removeprefix("m").split("s")
        for readable, recorded in zip(one.gregorian, timings, strict=True):
            day = datetime.strptime(readable, "%d-%m-%Y").date()  # noqa: DTZ007 - a calendar date
            found = stored[int(method), ("shafi", "hanafi")[int(school)], day.isoformat()]
            assert (found["timezone"], found["source"]) == (one.timezone, "aladhan")
            clocks = [moment[11:16] for moment in found["times"].values()]
            assert clocks == [reading[:5] for reading in recorded], (combo, readable)
            _follow_each_other(found["times"], day)


def _follow_each_other(times: dict[str, str], day: date) -> None:
    """The parts of the night follow Sunset, whatever their clock reading; Dhuhr lies on the day itself."""
    moments = {name: datetime.fromisoformat(moment) for name, moment in times.items()}
    assert moments["Dhuhr"].date() == day
    order = [moments[name] for name in ("Sunset", "Firstthird", "Midnight", "Lastthird")]
    assert order == sorted(order)
