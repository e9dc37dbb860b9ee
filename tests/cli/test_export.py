"""Export: every format says what `show --json` says, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import icalendar
import pexpect
import pytest
from pyarrow import parquet

from synctl.cli.export import command, formats
from synctl.store.prayer_times import TIME_NAMES, PrayerDay
from synctl.store.reference import City
from tests.cli.stored import EDITION
from tests.e2e.conftest import Call, Home
from tests.helpers import until

LONDON = ("prayer", "--city", "London", "--from", "2026-03-01", "--to", "2026-03-31")
ONE = (*LONDON, "--method", "3", "--madhab", "hanafi")
SELECTIONS: list[tuple[tuple[str, ...], tuple[str, ...]]] = [
    (LONDON, LONDON),
    (ONE, ONE),
    (("quran",), ("quran", "1", "2", "3:200", "114")),
    (("hadith", "--collection", "invented"), ("hadith", EDITION, "1", "2.1", "10")),
]


@pytest.fixture(scope="module", autouse=True)
def _small_batches() -> Iterator[None]:
    """As if there were much to export."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(formats.batches, "__defaults__", (7,))
        yield


def exported(call: Call, home: Home, *arguments: str) -> bytes:
    target = home.path / "exported"
    call(home, "export", *arguments, "--output", str(target), "--force", "--quiet")
    return target.read_bytes()


@pytest.mark.parametrize(("selected", "shown"), SELECTIONS, ids=lambda one: " ".join(one[:3]))
def test_json_and_ndjson_are_what_show_says(
    filled: Home, call: Call, selected: tuple[str, ...], shown: tuple[str, ...]
) -> None:
    want = call(filled, "show", *shown, "--json").lines
    lines = exported(call, filled, *selected, "--format", "ndjson").decode().splitlines()
    found = [json.loads(line) for line in lines]
    assert json.loads(exported(call, filled, *selected, "--format", "json")) == found
    if selected == ("quran",):
        assert len(found) == 6236
        found = [one for one in found if one in want]
    assert found == want


@pytest.mark.parametrize(("selected", "shown"), SELECTIONS, ids=lambda one: " ".join(one[:3]))
def test_csv_has_the_same_fields_as_columns(
    filled: Home, call: Call, selected: tuple[str, ...], shown: tuple[str, ...]
) -> None:
    raw = exported(call, filled, *selected, "--format", "csv")
    assert raw.count(b"\r\n") >= 4
    found = list(csv.DictReader(io.StringIO(raw.decode(), newline="")))
    objects = [
        json.loads(line) for line in exported(call, filled, *selected, "-f", "ndjson").decode().split("\n") if line
    ]
    assert found == [_flat(one) for one in objects]


def _flat(fields: dict[str, Any]) -> dict[str, str]:
    times = fields.pop("times", {})
    if "grades" in fields:
        fields["grades"] = json.dumps(fields["grades"], ensure_ascii=False)
    return {name: "" if value is None else str(value) for name, value in {**fields, **times}.items()}


def test_a_text_leaves_as_it_is_stored(filled: Home, call: Call) -> None:
    ((stored,),) = filled.sql("SELECT text FROM hadith WHERE number = '1'")
    line = exported(call, filled, "hadith", "-f", "ndjson").splitlines()[0]
    assert json.loads(line)["text"] == stored
    assert stored.splitlines()[0].encode() not in line  # its quotes are escaped …
    assert "قال".encode() in line  # … but no letter is
    assert f"\n{stored}\n" in call(filled, "show", "hadith", EDITION, "1").out


def test_parquet_has_types(filled: Home, call: Call, tmp_path: Path) -> None:
    target = tmp_path / "times.parquet"
    call(filled, "export", *LONDON, "--output", str(target))
    table = parquet.read_table(target)
    kinds = {field.name: str(field.type) for field in table.schema}
    assert kinds["date"] == "date32[day]"
    assert kinds["fajr"] == "timestamp[ms, tz=UTC]"
    assert kinds["fajr_local"] == "timestamp[ms]"
    assert kinds["synced_at"] == "timestamp[ms, tz=UTC]"
    rows = table.to_pylist()
    shown = call(filled, "show", *LONDON, "--json").lines
    for row, want in zip(rows, shown, strict=True):
        assert (row["city_id"], row["method"], row["madhab"], row["date"].isoformat()) == (
            want["city_id"], want["method"], want["madhab"], want["date"],
        )  # fmt: skip
        for name in TIME_NAMES:
            moment = datetime.fromisoformat(want["times"][name])
            assert row[name.lower()] == moment
            assert row[f"{name.lower()}_local"] == moment.replace(tzinfo=None)
            assert timedelta(seconds=row["utc_offset"]) == moment.utcoffset()


@pytest.mark.parametrize("resource", ["quran", "hadith"])
def test_parquet_of_texts_is_what_the_objects_say(filled: Home, call: Call, tmp_path: Path, resource: str) -> None:
    target = tmp_path / "texts.parquet"
    call(filled, "export", resource, "-o", str(target))
    rows = parquet.read_table(target).to_pylist()
    objects = [
        json.loads(line) for line in exported(call, filled, resource, "-f", "ndjson").decode().split("\n") if line
    ]
    for row in rows:
        row["synced_at"] = row["synced_at"].strftime("%Y-%m-%dT%H:%M:%SZ")
    assert rows == objects


def test_a_calendar_has_an_event_for_each_prayer(filled: Home, call: Call, tmp_path: Path) -> None:
    target = tmp_path / "london.ics"
    call(filled, "export", *ONE, "-o", str(target))
    raw = target.read_bytes()
    assert max(len(line) for line in raw.split(b"\r\n")) <= 75
    events = icalendar.Calendar.from_ical(raw).walk("VEVENT")
    shown = call(filled, "show", *ONE, "--json").lines
    prayers = ("Fajr", "Dhuhr", "Asr", "Maghrib", "Isha")
    assert [(str(event["summary"]), event.decoded("dtstart")) for event in events] == [
        (name, datetime.fromisoformat(day["times"][name]).astimezone(UTC)) for day in shown for name in prayers
    ]
    assert len({str(event["uid"]) for event in events}) == 31 * 5
    assert {event.decoded("dtstamp") for event in events} == {datetime.fromisoformat(shown[0]["synced_at"])}
    assert raw.count(b"CATEGORIES:Prayer times,Fajr\r\n") == 31
    assert str(events[0]["location"]) == "London, GB"
    call(filled, "export", *ONE, "-o", str(target), "--force")
    assert target.read_bytes() == raw


def test_a_calendar_of_chosen_times_puts_midnight_on_its_own_date(filled: Home, call: Call) -> None:
    said = call(filled, "export", *ONE, "--format", "ics", "--times", "midnight, Fajr").out
    events = icalendar.Calendar.from_ical(said).walk("VEVENT")
    assert [str(event["summary"]) for event in events[:4]] == ["Fajr", "Midnight"] * 2
    late = [event for event in events if str(event["uid"]).startswith("2026-03-30-midnight")]
    assert [event.decoded("dtstart").isoformat() for event in late] == ["2026-03-31T00:05:00+00:00"]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("prayer", "-f", "ics"), "a calendar is of one city, 2 are selected; for example --city London"),
        (("prayer", "-f", "ics", "--city", "London"), "a calendar is of one method, none is chosen"),
        (("prayer", "-f", "ics", "--city", "London", "--method", "3,4"), "a calendar is of one method, 2 are selected"),
        (("prayer", "-f", "ics", "--city", "London", "--method", "3"), "one madhab"),
        (("prayer", "-f", "ics", "--times", "Fajir"), "did you mean Fajr"),
        (("prayer", "--times", "Fajr"), "--times selects in a calendar, not in ndjson"),
        (("quran", "-f", "ics"), "quran is no calendar"),
        (("prayer", "-f", "xml"), "--format 'xml'"),
        (("prayer", "-o", "times.txt"), "times.txt does not say its format; --format is one of"),
        (("prayers",), "did you mean prayer"),
        (("prayer", "--city", "Lodnon"), "did you mean London"),
        (("prayer", "--city", "Lahore"), "nothing is stored of what is selected"),
        (("prayer", "--methods", "99"), "method '99'"),
        (("prayer", "--madhab", "hanafy"), "hanafi"),
        (("prayer", "--from", "2026-03-02", "--to", "2026-03-01"), "lies after"),
        (("prayer", "--year", "2026", "--to", "2026-03-01"), "exclude each other"),
        (("prayer", "--year", "1"), "years 1900 to 2200"),
        (("prayer", "--cities", "0"), "at least 1"),
        (("prayer", "--cities", "1000"), "1,000 cities were asked for, 300 are seeded"),
        (("prayer", "--edition", "x"), "--edition does not select prayer times; see `synctl export --help`"),
        (("quran", "--edition", "quran-utmani"), "did you mean quran-uthmani"),
        (("quran", "--city", "London"), "--city does not select Quran editions"),
        (("hadith", "--collection", "bukhari"), "'bukhari' is not stored"),
        (("hadith", "--year", "2026"), "--year does not select hadiths"),
        (("prayer", "-o", "no/such/folder.csv"), "no/such/folder.csv cannot be written: No such file or directory"),
    ],
    ids=" ".join,
)
def test_nonsense_is_told_in_one_line(filled: Home, call: Call, arguments: tuple[str, ...], says: str) -> None:
    said = call(filled, "export", *arguments, code=2)
    assert says in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)
    assert list(filled.path.glob(".*part")) == []


def test_the_summary_tells_rows_bytes_and_what_has_nothing(filled: Home, call: Call, tmp_path: Path) -> None:
    target = tmp_path / "a.csv"
    said = call(filled, "export", "prayer", "--city", "London", "--city", "Lahore", "-o", str(target))
    size = f"{target.stat().st_size:,}"
    assert said.err.startswith(f"synctl: 124 rows, {size} bytes written to {target} in ")
    assert said.err.endswith("; nothing stored of Lahore, PK\n")
    assert said.out == ""
    quiet = call(filled, "export", "prayer", "--city", "London", "-o", str(target), "--force", "--quiet")
    assert (quiet.out, quiet.err) == ("", "")


def test_a_file_that_exists_is_overwritten_only_by_force_and_then_whole(
    filled: Home, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target, link = tmp_path / "a.json", tmp_path / "link.json"
    target.write_text("precious")
    target.chmod(0o640)
    link.symlink_to(target)
    assert "exists already; --force" in call(filled, "export", "quran", "-o", str(target), code=2).err

    def breaks(_dataset: object) -> Iterator[bytes]:
        yield b"half"
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setitem(command._WRITERS, "json", breaks)
        said = call(filled, "export", "quran", "-o", str(target), "--force", code=1)
        assert said.err.startswith("synctl: output cannot be written: No space left on device; make room")
    assert target.read_text() == "precious"
    call(filled, "export", "quran", "-o", str(link), "--force")
    assert len(json.loads(target.read_text())) == 6236
    assert target.stat().st_mode & 0o777 == 0o640
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.json", "link.json"]


def test_without_pyarrow_one_line_says_what_to_install(
    filled: Home, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("synctl.cli.export.parquet.find_spec", lambda _name: None)
    said = call(filled, "export", "quran", "-f", "parquet", code=2)
    assert (
        said.err == "synctl: parquet needs pyarrow, which is not installed; pip install '.[parquet]' in the checkout\n"
    )


def test_a_pipe_that_closes_and_a_full_disk(filled: Home) -> None:
    piped = subprocess.run(
        ["/bin/bash", "-c", f'"{sys.executable}" -m synctl export quran | head -c 9; echo " ${{PIPESTATUS[0]}}"'],
        env=filled.environ(), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert (piped.stdout, piped.stderr) == ('{"edition 0\n', "")
    with Path("/dev/full").open("wb") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "synctl", "export", "quran"], env=filled.environ(), stdout=full,
            stderr=subprocess.PIPE, text=True, check=False,
        )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.startswith("synctl: standard output cannot be written: No space left on device;")


@pytest.mark.parametrize(("sign", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)])
def test_a_signal_leaves_nothing_behind(filled: Home, tmp_path: Path, sign: signal.Signals, code: int) -> None:
    endless = (
        "import signal; from itertools import repeat\n"
        "from synctl.cli.export import command; from synctl.cli.main import main\n"
        "signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job inherits none\n"
        "signal.signal(signal.SIGHUP, signal.SIG_DFL)  # nor one under nohup\n"
        "command._WRITERS['csv'] = lambda dataset: repeat(b'')\n"
        "main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", endless, "export", "quran", "-o", "out.csv"],
        env=filled.environ(measured=False), cwd=tmp_path,
    )  # fmt: skip
    until(lambda: list(tmp_path.iterdir()))
    process.send_signal(sign)
    assert process.wait(timeout=60) == code
    assert list(tmp_path.iterdir()) == []


def test_what_a_killed_process_of_the_same_id_left_is_not_in_the_way(
    filled: Home, call: Call, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "getpid", lambda: 1)  # as in a container, each time
    for left in (".a.json.1.part", ".m.prom.1.part"):
        (tmp_path / left).touch()
    call(filled, "export", "quran", "-o", str(tmp_path / "a.json"))
    call(filled, "metrics", "--textfile", str(tmp_path / "m.prom"))
    assert (tmp_path / "m.prom").stat().st_size


def test_parquet_is_refused_on_a_terminal_and_progress_is_drawn_on_one(filled: Home, tmp_path: Path) -> None:
    def ran(*arguments: str) -> tuple[int, str]:
        terminal = pexpect.spawn(  # type: ignore[no-untyped-call]
            sys.executable, ["-m", "synctl", "export", *arguments], env=filled.environ(), timeout=60
        )
        terminal.expect(pexpect.EOF)  # type: ignore[no-untyped-call]
        terminal.close()  # type: ignore[no-untyped-call]
        return terminal.exitstatus or 0, (terminal.before or b"").decode()

    assert ran("quran", "-f", "parquet") == (2, "synctl: parquet is not for a terminal; --output FILE, or a pipe\r\n")
    code, said = ran("quran", "-o", str(tmp_path / "q.csv"))
    assert code == 0
    assert said.startswith("\r\x1b[K")  # the line of progress is wiped
    assert "6,236 rows" in said


def test_moments_are_those_of_datetimes_whatever_the_offset() -> None:
    city = City(1, "Somewhere", "XX", 1.0, 2.0, "Etc/UTC")
    for offset in (0, 3600, -3600, 19_800, 50_400, -43_200, -75, 20_700):
        for day in (date(2026, 1, 1), date(2024, 2, 29), date(1900, 12, 31)):
            stored = PrayerDay(city, 3, 0, day, offset, tuple(range(-700, 3000, 340)), "here", "r", 0)
            assert stored.as_json()["times"] == {name: at.isoformat() for name, at in stored.times.items()}
