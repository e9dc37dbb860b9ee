"""A user's own cities: what is read, and how what is wrong is told."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from synctl.errors import NotFound, UsageError
from synctl.store.cities import OWN_IDS
from synctl.store.city_file import SHOWN, city_id, read_city_file

if TYPE_CHECKING:
    from pathlib import Path

HEADER = "name,country,latitude,longitude,timezone\n"
LEEDS = "Leeds,GB,53.79648,-1.54785,Europe/London\n"


def read_error(path: Path, body: str | bytes) -> list[str]:
    path.write_bytes(body if isinstance(body, bytes) else body.encode())
    with pytest.raises(UsageError) as caught:
        read_city_file(path)
    lines = str(caught.value).splitlines()
    return [line.replace(f"{path}: ", "").strip() for line in lines]


def test_cities_are_read_whatever_the_order_of_columns(tmp_path: Path) -> None:
    path = tmp_path / "cities.csv"
    path.write_text(
        '﻿Timezone, name,country,longitude,latitude\r\n\r\nAsia/Dhaka," Cox’s Bazar, town",bd,91.97,21.43\r\n'
    )
    (city,) = read_city_file(path)
    assert (city.name, city.country, city.timezone) == ("Cox’s Bazar, town", "BD", "Asia/Dhaka")
    assert (city.latitude, city.longitude, city.population) == (21.43, 91.97, 0)


def test_an_id_depends_on_name_and_country_alone() -> None:
    assert city_id("São Tomé", "ST") == city_id("sa\u0303o  TOMÉ", "ST") == city_id("Sao Tome", "st")
    assert city_id("Leeds", "GB") == 2_171_444_723_917, "ids of what is stored must not change"
    assert city_id("London", "GB") != city_id("London", "CA")
    assert all(OWN_IDS <= city_id(str(number), "GB") < 2 * OWN_IDS for number in range(100))


WRONG_LINES = {
    ",GB,1,1,UTC": "name '' has no letter",
    "1234,GB,1,1,UTC": "name '1234' has no letter",
    "A\0B,GB,1,1,UTC": "name 'A\\x00B' has a character that cannot be printed",
    "A\x1b[31mB,GB,1,1,UTC": "name 'A\\x1b[31mB' has a character that cannot be printed",
    f"{'A' * 201},GB,1,1,UTC": f"name '{'A' * 58}… is longer than 200 characters",
    "A,GB,1_0,1,UTC": "latitude '1_0' is not a number of degrees, such as 51.50853",
    "A,GBR,1,1,UTC": "country 'GBR' is not a country of two letters, such as GB",
    "A,G1,1,1,UTC": "country 'G1' is not a country of two letters, such as GB",
    "A,GB,north,1,UTC": "latitude 'north' is not a number of degrees, such as 51.50853",
    "A,GB,nan,1,UTC": "latitude 'nan' is not between -90 and 90",
    "A,GB,90.5,1,UTC": "latitude '90.5' is not between -90 and 90",
    "A,GB,1,-181,UTC": "longitude '-181' is not between -180 and 180",
    "A,GB,1,-0.0,UTC": "longitude '-0.0' is exactly 0, which AlAdhan refuses: write 0.00001, a metre away",
    "A,GB,1,1,Europe/Londn": (
        "timezone 'Europe/Londn' is not an IANA time zone such as Europe/London (did you mean Europe/London?)"
    ),
    "A,GB,1,1,right/Europe/London": (
        "timezone 'right/Europe/London' is not an IANA time zone such as Europe/London (did you mean Europe/London?)"
    ),
    "A,GB,1,1,../UTC": "timezone '../UTC' is not an IANA time zone such as Europe/London (did you mean UTC?)",
    "A,GB,1,1,Europe": "timezone 'Europe' is not an IANA time zone such as Europe/London (did you mean Europe/Rome?)",
    "A,GB,1,1,Fctory": "timezone 'Fctory' is not an IANA time zone such as Europe/London",
    f"A,GB,1,1,{'z' * 90_000}": f"timezone '{'z' * 58}… is not an IANA time zone such as Europe/London",
    "A,GB,1,1,": "timezone '' is not an IANA time zone such as Europe/London",
    "A,GB,1,1": "must have 5 fields, not 4",
    "A,GB,1,1,UTC,9": "must have 5 fields, not 6",
    "A,G,91,1,UTC": "country 'G' is not a country of two letters, such as GB; latitude '91' is not between -90 and 90",
}


@pytest.mark.parametrize("line", WRONG_LINES, ids=lambda line: line[:30])
def test_a_wrong_line_is_told(tmp_path: Path, line: str) -> None:
    assert read_error(tmp_path / "c.csv", HEADER + LEEDS + line + "\n") == [
        "1 wrong line, so nothing was stored",
        f"line 3: {WRONG_LINES[line]}",
    ]


def test_every_wrong_line_is_told_at_once(tmp_path: Path) -> None:
    some = list(WRONG_LINES)[:SHOWN]
    body = HEADER + LEEDS + "".join(f"{line}\n" for line in some)
    assert read_error(tmp_path / "c.csv", body) == [
        f"{len(some)} wrong lines, so nothing was stored",
        *(f"line {number}: {WRONG_LINES[line]}" for number, line in enumerate(some, start=3)),
    ]


def test_many_wrong_time_zones_are_told_at_once(tmp_path: Path) -> None:
    body = HEADER + "".join(f"A{number},GB,1,1,Europe/Londn{number}\n" for number in range(5000))
    started = time.monotonic()
    lines = read_error(tmp_path / "c.csv", body)
    assert time.monotonic() - started < 5  # a suggestion for each took a minute
    assert lines[20].endswith("(did you mean Europe/London?)")


def test_a_name_may_have_joiners_and_marks(tmp_path: Path) -> None:
    path = tmp_path / "c.csv"
    path.write_text(f"{HEADER}قائم\u200cشهر,IR,36.4,52.8,Asia/Tehran\nवाराणसी,IN,25.3,82.9,Asia/Kolkata\n")
    assert len(read_city_file(path)) == 2


def test_a_city_that_is_spelled_in_two_ways_stands_there_twice(tmp_path: Path) -> None:
    body = f"{HEADER}São Tomé,ST,1,1,UTC\nSao Tome,ST,1,1,UTC\n"
    assert read_error(tmp_path / "c.csv", body)[1] == "line 3: Sao Tome, ST stands on line 2 already"


def test_a_city_that_stands_there_twice_is_wrong(tmp_path: Path) -> None:
    again = LEEDS.replace("Leeds", "LEEDS").replace("53", "52")
    assert read_error(tmp_path / "c.csv", HEADER + LEEDS + "\n" + again + again) == [
        "2 wrong lines, so nothing was stored",
        "line 4: LEEDS, GB stands on line 2 already",
        "line 5: LEEDS, GB stands on line 2 already",
    ]


def test_only_twenty_wrong_lines_are_shown(tmp_path: Path) -> None:
    lines = read_error(tmp_path / "c.csv", HEADER + "x\n" * 1234)
    assert lines[0] == "1,234 wrong lines, so nothing was stored"
    assert (len(lines), lines[20], lines[21]) == (22, "line 21: must have 5 fields, not 1", "and 1,214 more")


def test_lines_are_counted_across_quoted_line_breaks(tmp_path: Path) -> None:
    body = HEADER + '"Le\neds",GB,53,-1,Europe/London\nA,GB,x,1,UTC\n'
    wrong = read_error(tmp_path / "c.csv", body)
    assert wrong[1] == r"line 2: name 'Le\neds' has a character that cannot be printed"
    assert wrong[2].startswith("line 4: latitude")


WRONG_FILES = {
    b"": "line 1: name, country, latitude, longitude, timezone is missing; the header is " + HEADER.strip(),
    HEADER.encode(): "holds no city",
    b"name,country,lattitude,longitude,timezone\n": (
        "line 1: no column is called 'lattitude' (did you mean latitude?); the header is " + HEADER.strip()
    ),
    b"name,country,latitude,longitude,timezone,population\n": (
        "line 1: no column is called 'population'; the header is " + HEADER.strip()
    ),
    b"name,name,country,latitude,longitude,timezone\n": (
        "line 1: a column stands there twice; the header is " + HEADER.strip()
    ),
    b"name,country\n": "line 1: latitude, longitude, timezone is missing; the header is " + HEADER.strip(),
    HEADER.encode() + b"Caf\xe9,FR,1,1,UTC\n": "line 2: not UTF-8 text",
    HEADER.encode() + b'"Leeds,GB,1,1,UTC\n': "line 2: not CSV: unexpected end of data",
}


@pytest.mark.parametrize("body", WRONG_FILES)
def test_a_wrong_file_is_told_in_one_line(tmp_path: Path, body: bytes) -> None:
    assert read_error(tmp_path / "c.csv", body) == [WRONG_FILES[body]]


def test_a_file_that_is_missing_or_a_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"none\.csv: no such file"):
        read_city_file(tmp_path / "none.csv")
    with pytest.raises(UsageError, match="cannot be read: Is a directory"):
        read_city_file(tmp_path)
