"""The tables `[schedule.NAME]`: what they give, and the text of each error."""

from __future__ import annotations

from pathlib import Path

import pytest

from synctl.config.schedules import Overlap, Schedule
from tests.config.test_settings import error_of, load

NIGHTLY = '[schedule.nightly]\ncron = "15 2 * * *"\nresource = "prayer"\n'


def test_a_schedule_has_defaults_and_origins(tmp_path: Path) -> None:
    settings = load(tmp_path, NIGHTLY)
    assert settings.schedule == {"nightly": Schedule(cron="15 2 * * *", resource="prayer")}
    assert settings.file == tmp_path / "synctl.toml"
    assert {name: origin for name, origin in settings.origins.items() if name.startswith("schedule")} == {
        "schedule.nightly.cron": "synctl.toml:2",
        "schedule.nightly.resource": "synctl.toml:3",
    }
    one = settings.schedule["nightly"]
    assert (one.timezone, one.overlap, one.catch_up_s, one.if_stale_s, one.enabled) == (
        "UTC", Overlap.SKIP, 6 * 3600, None, True,
    )  # fmt: skip


def test_a_schedule_takes_the_selectors_of_enqueue(tmp_path: Path) -> None:
    toml = """
[schedule.a-1]
cron = "0 4 * * MON-FRI"
timezone = "Europe/Berlin"
resource = "prayer"
cities = 5
city = "London"
country = ["PK", "ID"]
own_cities = true
methods = "3,4"
madhab = "hanafi"
year = 2027
from = "today"
to = "2026-12-31"
edition = ["en.sahih"]
collection = "bukhari"
source = "aladhan"
if_stale = "7d"
overlap = "replace"
catch_up = "0"
enabled = false
"""
    assert load(tmp_path, toml).schedule["a-1"] == Schedule(
        cron="0 4 * * MON-FRI", timezone="Europe/Berlin", resource="prayer", cities=5, city=("London",),
        country=("PK", "ID"), own_cities=True, methods="3,4", madhab="hanafi", year=2027, first="today",
        last="2026-12-31", edition=("en.sahih",), collection=("bukhari",), source="aladhan", if_stale="7d",
        overlap=Overlap.REPLACE, catch_up="0", enabled=False,
    )  # fmt: skip


FIELDS = "has five fields, minute hour day month weekday, such as '15 2 * * *'"
ERRORS = {
    'cron = "15 2 * *"': f"cron = '15 2 * *': must {FIELDS.replace('has', 'have')}",
    'cron = "15 25 * * *"': f"cron = '15 25 * * *': its hour cannot be; it {FIELDS}",
    'cron = ""': "cron = '': must not be empty; write '15 2 * * *'",
    "cron = 5": "cron = 5: must be text in quotes",
    'timezone = "Europe/Berln"': (
        "timezone = 'Europe/Berln': is no time zone (did you mean Europe/Berlin?); write one such as Europe/Berlin"
    ),
    'timezone = "../x"': "timezone = '../x': is no time zone; write one such as Europe/Berlin",
    'timezone = ""': "timezone = '': is no time zone; write one such as Europe/Berlin",
    'resource = ""': "resource = '': must name a resource, such as prayer",
    "cities = 0": "cities = 0: must be more than 0",
    'cities = "5"': "cities = '5': must be a whole number",
    "city = [1]": "city = [1]: must be text in quotes, or a list of them",
    'city = [" "]': "city = [' ']: must not hold an empty text",
    'from = "noon"': "from = 'noon': is no date: write YYYY-MM-DD, today, tomorrow or yesterday",
    "to = 2026-01-01": "to = 2026-01-01: must be text in quotes",
    'if_stale = "7 days"': "if_stale = '7 days': is no age: write 45m, 12h, 30d or 2w",
    'overlap = "skipp"': "overlap = 'skipp': must be skip or queue or replace (did you mean skip?)",
    'catch_up = "6"': "catch_up = '6': is no time: write 0, 45m, 12h, 30d or 2w",
    "enabled = 1": "enabled = 1: must be true or false",
    "corn = 1": "corn: no such key in [schedule.nightly] (did you mean cron?)",
    "first = 1": (
        "first: no such key in [schedule.nightly]; the keys there are cron, timezone, resource, cities, city, country, "
        "own_cities, methods, madhab, year, from, to, edition, collection, source, if_stale, overlap, catch_up, enabled"
    ),
}


@pytest.mark.parametrize("line", ERRORS)
def test_a_wrong_line_is_named_with_its_reason(tmp_path: Path, line: str) -> None:
    key = line.partition(" ")[0]
    others = "".join(f"{one}\n" for one in NIGHTLY.splitlines() if not one.startswith(f"{key} "))
    number = others.count("\n") + 1
    assert error_of(tmp_path, f"{others}{line}\n") == f"synctl.toml:{number}: schedule.nightly.{ERRORS[line]}"


@pytest.mark.parametrize(
    ("toml", "error"),
    {
        '[schedule.nightly]\ncron = "15 2 * * *"\n': "synctl.toml:1: schedule.nightly: lacks `resource`",
        "[schedule.nightly]\n": "synctl.toml:1: schedule.nightly: lacks `cron`",
        "[schedule.Nightly]\n": (
            "synctl.toml:1: schedule.Nightly: is no name: write small letters, digits, - and _, at most 40"
        ),
        '[schedule]\ncron = "15 2 * * *"\n': (
            "synctl.toml:2: schedule.cron: is a table: write [schedule.cron] and keys below it"
        ),
        "[[schedule]]\n": "synctl.toml:1: schedule: is a table: write [schedule] and keys below it",
        "[schedules.nightly]\n": "synctl.toml:1: schedules: no such key at the top (did you mean schedule?)",
    }.items(),
)
def test_a_wrong_table_is_named(tmp_path: Path, toml: str, error: str) -> None:
    assert error_of(tmp_path, toml) == error


@pytest.mark.parametrize("name", ["SYNCTL_SCHEDULE", "SYNCTL_SCHEDULE__NIGHTLY", "SYNCTL_SCHEDULE__NIGHTLY__CRON"])
def test_no_variable_reaches_a_schedule(tmp_path: Path, name: str) -> None:
    assert error_of(tmp_path, NIGHTLY, **{name: "1"}) == f"{name}: can only be set in the TOML file"
