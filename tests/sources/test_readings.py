"""A year's times read at one go are what they are when each day is read for itself."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from synctl.sources.prayer import TIME_NAMES
from synctl.sources.readings import minute_of, readings

ROW = (337, 435, 722, 925, 1008, 1008, 1110, 327, 2, 1280, 165)
WINTER, SUMMER = 0, 3600


def written(row: Sequence[int], zone: str = " (GMT)", form: str = '"{}":"{}"', between: str = ",") -> bytes:
    """Times as upstream writes them."""
    times = (
        form.format(name, f"{minute // 60:02}:{minute % 60:02}{zone}")
        for name, minute in zip(TIME_NAMES, row, strict=True)
    )
    return f"{{{between.join(times)}}}".encode()


def read(objects: Sequence[bytes], offsets: Sequence[int] = ()) -> list[list[int]] | None:
    """Read them at one go, on days whose clocks are so."""
    raws = [msgspec.Raw(one) for one in objects]
    columns = readings(raws, tuple(offsets or [WINTER] * len(raws)))
    return None if columns is None else [list(column) for column in columns]


def one_by_one(objects: Sequence[bytes]) -> list[list[int]]:
    """Read each for itself."""
    days = [msgspec.json.decode(one, type=dict[str, object]) for one in objects]
    texts = [[msgspec.convert(day[name], str) for name in TIME_NAMES] for day in days]
    return [list(map(minute_of, column)) for column in zip(*texts, strict=True)]


@pytest.mark.parametrize("text", ["00:00", "23:59", "05:37 (+03)", "05:37 (BST)", "05:37 (-0330)"])
def test_a_time_of_day_is_read(text: str) -> None:
    assert minute_of(text) == int(text[:2]) * 60 + int(text[3:5])


@pytest.mark.parametrize("text", ["", "-----", "24:00", "05:60", "5:37", "05:37 ", "05:37 (B ST)", "05:37\n", "٠٥:37"])
def test_what_is_no_time_of_day_is_said_so(text: str) -> None:
    with pytest.raises(ValueError, match="is no time of day"):
        minute_of(text)


rows = st.lists(st.lists(st.integers(0, 1439), min_size=11, max_size=11), min_size=1, max_size=40)


@given(rows, st.sampled_from(["", " (GMT)", " (+0330)"]), st.sampled_from(['"{}":"{}"', ' "{}" : "{}"\n']))
def test_any_days_are_read(days: list[list[int]], zone: str, form: str) -> None:
    objects = [written(row, zone, form) for row in days]
    assert read(objects) == one_by_one(objects) == [list(column) for column in zip(*days, strict=True)]


@given(rows, rows, rows)
def test_a_zone_may_have_another_name_in_summer(
    before: list[list[int]], between: list[list[int]], after: list[list[int]]
) -> None:
    objects = [written(row, zone) for days, zone in ((before, " (CET)"), (between, " (CEST)")) for row in days]
    objects += [written(row, " (CET)") for row in after]
    offsets = [WINTER] * len(before) + [SUMMER] * len(between) + [WINTER] * len(after)
    assert read(objects, offsets) == one_by_one(objects)


def test_what_is_written_besides_is_left_alone() -> None:
    more = written(ROW)[:-1] + b',"Duha":"07:30 (GMT)","Fajr":"05:00 (GMT)"}'
    assert read([more, more]) == one_by_one([more, more])  # of two times of a name the last counts, as in any JSON


BENT: dict[str, Callable[[bytes], bytes]] = {
    "no time": lambda good: good.replace(b"05:37", b"--:--"),
    "25 o'clock": lambda good: good.replace(b"05:37", b"25:37"),
    "minute 60": lambda good: good.replace(b"05:37", b"05:60"),
    "a digit less": lambda good: good.replace(b"05:37", b"5:37"),
    "null": lambda good: good.replace(b'"05:37 (GMT)"', b"null"),
    "a name less": lambda good: good.replace(b'"Fajr"', b'"Dawn"'),
    "a name with an escape": lambda good: good.replace(b'"Fajr"', rb'"Faj\u0072"'),
    "an object within": lambda good: good.replace(b'"05:37 (GMT)"', b'{"Fajr":"05:37"}'),
    "no object": lambda good: b"[" + good[1:-1] + b"]",
    "another zone's name": lambda good: good.replace(b"(GMT)", b"(BST)"),
    "a zone with a bracket": lambda good: good.replace(b"(GMT)", b"(G}T)"),
}


@pytest.mark.parametrize("bend", BENT.values(), ids=BENT)
@pytest.mark.parametrize("at", [0, 1, 2])
def test_one_day_of_another_shape_is_left_to_a_closer_look(bend: Callable[[bytes], bytes], at: int) -> None:
    objects = [written(ROW)] * 3
    assert read(objects) is not None
    objects[at] = bend(objects[at])
    assert read(objects) is None


def test_times_that_take_kilobytes_are_left_to_a_closer_look() -> None:
    assert read([written(ROW, between="," + " " * 200)] * 3) is None


@given(st.data())
def test_bytes_that_changed_on_the_way_are_never_read_as_something_else(data: st.DataObject) -> None:
    objects = [bytearray(written(ROW)) for _ in range(3)]
    for _ in range(data.draw(st.integers(1, 3))):
        one = data.draw(st.sampled_from(objects))
        one[data.draw(st.integers(0, len(one) - 1))] = data.draw(st.sampled_from(b'0123459:"{},\\ ()FajrX\x00\xff'))
    if (columns := read(list(map(bytes, objects)))) is not None:
        assert columns == one_by_one(list(map(bytes, objects)))
