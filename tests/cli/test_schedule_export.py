"""Schedules as systemd timers and crontab lines: to the letter, as systemd reads them, and as a shell does."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import sys
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from synctl.cli import crontab, timers
from synctl.config.schedules import Overlap, Schedule
from synctl.cron import Cron
from synctl.on_calendar import Untranslatable, on_calendar

ROOT = Path(__file__).parents[2]
PROGRAM = ["/opt/synctl/bin/synctl"]
ENVIRONMENT = {"SYNCTL_CONFIG": "/etc/synctl/synctl.toml", "SYNCTL_HOME": "/srv/100% mine"}
NASTY = Schedule(
    cron="15 2 * * *",
    timezone="Europe/Berlin",
    resource="prayer",
    cities=2,
    city=("San José", 'a "b" $HOME 5%', "it's \\n"),
    if_stale="7d",
)

needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed: the package systemd has it"
)

SERVICE = r"""
[Unit]
Description=synctl prayer: At 02:15 every day, Europe/Berlin
Wants=network-online.target
After=network-online.target

[Service]
Type=oneshot
Environment=SYNCTL_CONFIG=/etc/synctl/synctl.toml
Environment="SYNCTL_HOME=/srv/100%% mine"
ExecStart=/opt/synctl/bin/synctl enqueue prayer --city "San José" --city "a \"b\" $$HOME 5%%" --city "it's \\n" """
SERVICE += """--cities 2 --if-stale 7d --wait --quiet --reason "schedule nightly"
"""
TIMER = """
[Unit]
Description=synctl prayer: At 02:15 every day, Europe/Berlin

[Timer]
OnCalendar=*-*-* 02:15:00 Europe/Berlin
AccuracySec=1s
Persistent=true

[Install]
WantedBy=timers.target
"""
CRONTAB = r"""
# nightly: At 02:15 every day
CRON_TZ=Europe/Berlin
15 2 * * * env SYNCTL_CONFIG=/etc/synctl/synctl.toml 'SYNCTL_HOME=/srv/100\% mine' /opt/synctl/bin/synctl enqueue """
CRONTAB += (
    r"""prayer --city 'San José' --city 'a "b" $HOME 5\%' --city 'it'"'"'s \n' --cities 2 --if-stale 7d --no-wait """
)
CRONTAB += """--wait --quiet --reason 'schedule nightly'
"""


def test_the_units_are_these() -> None:
    assert timers.units("nightly", NASTY, PROGRAM, ENVIRONMENT) == {
        "synctl-schedule-nightly.service": SERVICE.lstrip("\n"),
        "synctl-schedule-nightly.timer": TIMER.lstrip("\n"),
    }


def test_the_crontab_is_this() -> None:
    assert crontab.entry("nightly", NASTY, PROGRAM, ENVIRONMENT) == CRONTAB.lstrip("\n")


@pytest.mark.parametrize(
    ("overlap", "timer", "cron", "notes"),
    [
        (Overlap.SKIP, ["--wait", "--quiet"], ["--no-wait", "--wait", "--quiet"], 0),
        (Overlap.QUEUE, ["--quiet"], ["--wait", "--quiet"], 0),
        (Overlap.REPLACE, ["--quiet"], ["--wait", "--quiet"], 1),
    ],
)
def test_overlap_is_kept_or_said_not_to_be(overlap: Overlap, timer: list[str], cron: list[str], notes: int) -> None:
    one = Schedule(cron="15 2 * * *", resource="quran", overlap=overlap, catch_up="0")
    units = timers.units("x", one, PROGRAM, {})
    assert f"enqueue quran {' '.join(timer)} --reason" in units["synctl-schedule-x.service"]
    assert "Persistent=false" in units["synctl-schedule-x.timer"]
    assert f"enqueue quran {' '.join(cron)} --reason" in crontab.entry("x", one, PROGRAM, {})
    assert len(timers.notes(one)) == len(crontab.notes(one)) == notes


@pytest.mark.parametrize(("age", "notes"), [("5m", 1), ("23h", 1), ("24h", 0), ("7d", 0), (None, 0)])
def test_that_more_than_once_a_day_is_for_schedule_run_alone_is_said(age: str | None, notes: int) -> None:
    one = Schedule(cron="*/10 * * * *", resource="quran", if_stale=age)
    assert len(timers.notes(one)) == len(crontab.notes(one)) == notes


def test_a_shell_gets_every_word_as_it_was_written() -> None:
    code = "import json, sys; print(json.dumps(sys.argv[1:]))"
    entry = crontab.entry("nightly", NASTY, [sys.executable, "-c", code], ENVIRONMENT)
    line = entry.splitlines()[-1].removeprefix("15 2 * * * ").replace("\\%", "%")  # what cron itself does
    said = subprocess.run(["sh", "-c", line], capture_output=True, text=True, check=True).stdout
    assert json.loads(said)[2:8] == ["--city", "San José", "--city", 'a "b" $HOME 5%', "--city", "it's \\n"]


@pytest.mark.parametrize(
    ("cron", "written"),
    {
        "5/20 4 * * *": "5-59/20 4 * * *",
        "0 2/6 1/7 1/3 1/2": "0 2-23/6 1-31/7 1-12/3 1-6/2",
        "*/5 8-18/2 * * mon-fri": "*/5 8-18/2 * * MON-FRI",
        "0 0 * JUL WED": "0 0 * JUL WED",
        "0 0 L * *": None,
        "0 0 LW * *": None,
        "0 0 * * MON#2": None,
        "0 0 * * 5L": None,
    }.items(),
)
def test_a_crontab_holds_what_every_cron_reads(cron: str, written: str | None) -> None:
    schedule = Schedule(cron=cron, resource="quran")
    if written is None:
        with pytest.raises(Untranslatable):
            crontab.entry("x", schedule, PROGRAM, {})
    else:
        assert f"\n{written} /opt/synctl" in crontab.entry("x", schedule, PROGRAM, {})


def test_a_crontab_holds_no_line_break() -> None:
    with pytest.raises(Untranslatable, match="line break"):
        crontab.entry("x", Schedule(cron="0 0 * * *", resource="prayer", city=("a\nb",)), PROGRAM, {})


CALENDAR: dict[str, list[str] | None] = {
    "15 2 * * *": ["*-*-* 02:15:00 UTC"],
    "*/15 * * * *": ["*-*-* *:00,15,30,45:00 UTC"],
    "0 3 * * 1-5": ["Mon..Fri *-*-* 03:00:00 UTC"],
    "0 9-17/2 1,15 * *": ["*-*-01,15 09,11,13,15,17:00:00 UTC"],
    "0 0 * 1-3,7 SUN,7,2": ["Tue,Sun *-01..03,07-* 00:00:00 UTC"],
    "0 4 1 * 1": ["*-*-01 04:00:00 UTC", "Mon *-*-* 04:00:00 UTC"],  # cron's `or`
    "0 4 */10 * 1": ["Mon *-*-01,11,21,31 04:00:00 UTC"],  # a star in front makes it `and`
    "0 0 1,L * *": ["*-*-01 00:00:00 UTC", "*-*~01 00:00:00 UTC"],
    "0 0 */2 * MON#2": ["Mon *-*-09,11,13 00:00:00 UTC"],
    "0 0 * * 2#5,5L,0": [
        "Sun *-*-* 00:00:00 UTC", "Tue *-*-29..31 00:00:00 UTC", "Fri *-*~01..07 00:00:00 UTC"
    ],
    "0 0 29 2 *": ["*-02-29 00:00:00 UTC"],
    "0 0 LW * *": None,
    "0 0 */10 * 5L": None,
}  # fmt: skip


@pytest.mark.parametrize("cron", CALENDAR)
def test_a_timer_says_the_same_as_the_expression(cron: str) -> None:
    expected = CALENDAR[cron]
    if expected is None:
        with pytest.raises(Untranslatable, match="systemd"):
            on_calendar(cron, "UTC")
    else:
        assert on_calendar(cron, "UTC") == expected


@needs_systemd
@pytest.mark.parametrize("cron", [cron for cron, written in CALENDAR.items() if written])
def test_systemd_reads_the_same_times_from_it(cron: str) -> None:
    start = datetime(2026, 1, 1, 0, 0, 1, tzinfo=UTC)
    times: set[datetime] = set()
    for written in on_calendar(cron, "UTC"):
        said = subprocess.run(
            ["systemd-analyze", "calendar", f"--base-time={start:%Y-%m-%d %H:%M:%S} UTC", "--iterations=30", written],
            capture_output=True, text=True, check=True, env={"TZ": "UTC", "PATH": "/usr/bin:/bin", "LC_ALL": "C"},
        ).stdout  # fmt: skip
        found = re.findall(r"(?:Next elapse|Iter\. #\d+): \w+ (\S+ \S+) UTC", said)
        times |= {datetime.strptime(one, "%Y-%m-%d %H:%M:%S").replace(tzinfo=UTC) for one in found}
    expected = islice(Cron(cron, "UTC").after(round(start.timestamp() * 1000)), 30)
    wanted = [datetime.fromtimestamp(moment / 1000, UTC) for moment in expected]
    known = sorted(times)[:30]
    assert known == wanted[: len(known)]
    assert len(known) >= 10


def _verify(files: list[Path]) -> str:
    done = subprocess.run(["systemd-analyze", "verify", *map(str, files)], capture_output=True, text=True, check=False)
    return f"{done.returncode} {done.stdout}{done.stderr}"


@needs_systemd
def test_systemd_accepts_what_is_exported(tmp_path: Path) -> None:
    program = tmp_path / "with a space"
    program.touch(mode=0o755)
    units = timers.units("nightly", NASTY, [str(program)], ENVIRONMENT)
    for name, text in units.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    assert _verify([tmp_path / name for name in units]) == "0 "


@needs_systemd
def test_systemd_accepts_the_units_that_ship(tmp_path: Path) -> None:
    shipped = sorted((ROOT / "contrib" / "systemd").glob("*.service"))
    assert [path.name for path in shipped] == ["synctl-schedule.service", "synctl-up.service", "synctl-worker@.service"]
    program = tmp_path / "synctl"
    program.touch(mode=0o755)
    for path in shipped:
        text = path.read_text(encoding="utf-8")
        assert "/opt/synctl/bin/synctl " in text
        unit = tmp_path / path.name.replace("@", "@prayer")
        unit.write_text(text.replace("/opt/synctl/bin/synctl", str(program)), encoding="utf-8")
    assert _verify(sorted(tmp_path.glob("*.service"))) == "0 "
