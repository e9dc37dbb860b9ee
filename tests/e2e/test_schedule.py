"""`synctl schedule` as an operator meets it: what is listed, queued by the clock, and ended by a signal."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from itertools import pairwise
from pathlib import Path

import pexpect
import pytest

from tests.e2e.conftest import PATIENCE_S, Call, Home, until

TOML = """\
[schedule.nightly]
cron = "15 2 * * *"
timezone = "Europe/Berlin"
resource = "prayer"
city = ["London", "Lahore,PK"]
methods = "3"
from = "today"
if_stale = "7d"

[schedule.resting]
cron = "0 4 1 * *"
resource = "quran"
enabled = false
overlap = "replace"

[schedule.minutely]
cron = "* * * * *"
resource = "prayer"
city = "London"
methods = "4"
from = "today"
overlap = "queue"
"""


@pytest.fixture(scope="module")
def stack(module_home: Home) -> Home:
    (module_home.path / "synctl.toml").write_text(TOML)
    module_home.run("up")
    return module_home


def test_schedules_are_listed_in_words_with_what_comes_and_what_came(stack: Home, call: Call) -> None:
    said = call(stack, "schedule", "list").out.splitlines()
    assert said[0] == "nightly: At 02:15 every day, Europe/Berlin"
    assert said[1] == "  syncs prayer --city London --city Lahore,PK --methods 3 --from today --if-stale 7d"
    assert said[2].startswith("  next  ")
    assert said[2].count(" 02:15 CE") == 3
    assert said[3] == "  last  none yet"
    assert said[4:7] == [
        "resting: At 04:00 on the first day of every month, UTC",
        "  syncs quran (overlap: replace)",
        "  next  never: it is not enabled",
    ]
    assert said[-1] == "Nobody queues them: `synctl schedule run`, or `export` them."
    listed = call(stack, "schedule", "list", "--json").json
    assert listed["leader"] is None
    one = listed["schedules"][0]
    assert len(one.pop("next")) == 3
    assert one == {
        "schedule": "nightly", "words": "At 02:15 every day", "cron": "15 2 * * *", "timezone": "Europe/Berlin",
        "resource": "prayer", "if_stale_s": 7 * 86_400, "overlap": "skip", "catch_up_s": 6 * 3600, "enabled": True,
        "arguments": [
            "prayer", "--city", "London", "--city", "Lahore,PK", "--methods", "3", "--from", "today",
            "--if-stale", "7d",
        ],
        "slots": [],
    }  # fmt: skip


def test_the_next_times_are_given_as_often_as_asked(stack: Home, call: Call) -> None:
    lines = call(stack, "schedule", "next", "nightly", "--count", "4", "--json").lines
    assert [one["local"][10:16] for one in lines] == ["T02:15"] * 4
    assert len(call(stack, "schedule", "next", "nightly").out.splitlines()) == 5
    assert call(stack, "schedule", "next", "resting").out == "resting is not enabled.\n"


def test_a_trigger_queues_the_sync_of_a_schedule_now(stack: Home, call: Call) -> None:
    planned = call(stack, "schedule", "trigger", "nightly", "--dry-run", "--json").json
    assert planned["units"] == 4
    said = call(stack, "schedule", "trigger", "nightly", "--wait", "--quiet")
    assert (said.out, said.err) == ("", "")
    assert call(stack, "schedule", "trigger", "nightly", "--json").json["why"] == "fresh"
    created = call(stack, "history", planned["run"], "--json").lines[0]
    assert created["reason"] == "schedule nightly, triggered"


@pytest.mark.parametrize(
    ("arguments", "said"),
    {
        ("list",): "",
        ("next", "nightli"): "no schedule 'nightli' (did you mean nightly?); one of: nightly, resting, minutely",
        ("trigger", "x"): "no schedule 'x'; one of: nightly, resting, minutely",
        ("lst",): "no command 'lst' (did you mean list?); `synctl schedule --help` lists the commands",
        ("export",): "export writes for systemd or for cron; give one of --systemd and --crontab",
        ("export", "--crontab", "--to", "x"): "--to goes with --systemd; redirect the crontab into a file",
        ("export", "--systemd", "nightli"): (
            "no schedule 'nightli' (did you mean nightly?); one of: nightly, resting, minutely"
        ),
    }.items(),
)
def test_what_is_asked_wrongly_is_told(stack: Home, call: Call, arguments: tuple[str, ...], said: str) -> None:
    err = call(stack, "schedule", *arguments, code=2 if said else 0).err
    assert err == (f"synctl: {said}\n" if said else "")


def test_a_schedule_of_no_resource_is_named_with_file_and_line(stack: Home, call: Call, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text('[schedule.x]\ncron = "0 0 * * *"\nresource = "prayers"\n')
    for command in (["list"], ["run"], ["export", "--crontab"], ["trigger", "x"]):
        err = call(stack, "schedule", *command, code=2, SYNCTL_CONFIG=str(other)).err
        assert err == (
            f"synctl: {other}:3: schedule.x.resource = 'prayers': no such resource (did you mean prayer?);"
            " one of: hadith, prayer, quran\n"
        )


def test_without_any_schedule_it_is_said_what_to_write(stack: Home, call: Call, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("")
    said = call(stack, "schedule", "list", SYNCTL_CONFIG=str(other)).out
    (tmp_path / "as-shown.toml").write_text(said.partition("\n\n")[2].rpartition("\n\n")[0])
    call(stack, "schedule", "list", SYNCTL_CONFIG=str(tmp_path / "as-shown.toml"))
    said = call(stack, "schedule", "run", code=2, SYNCTL_CONFIG=str(other)).err
    assert said == (
        "synctl: the configuration has no schedule; write a table [schedule.NAME] into synctl.toml\n"
    )  # fmt: skip


def test_exports_find_the_same_home_and_file_and_leave_passwords_out(stack: Home, call: Call, tmp_path: Path) -> None:
    url = f"sqlite:///{stack.path}/synctl.db"
    said = call(stack, "schedule", "export", "--systemd", "--to", str(tmp_path), SYNCTL_DATABASE__URL=url)
    names = ["synctl-schedule-minutely", "synctl-schedule-nightly"]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"{name}.{kind}" for name in names for kind in ("service", "timer")
    ]
    service = (tmp_path / "synctl-schedule-nightly.service").read_text()
    assert f"Environment=SYNCTL_CONFIG={stack.path}/synctl.toml\nEnvironment=SYNCTL_HOME={stack.path}\n" in service
    assert "SYNCTL_DATABASE__URL" not in service
    assert "SYNCTL_DATABASE__URL is set here only (environment SYNCTL_DATABASE__URL): put it into the file" in said.err
    call(stack, "schedule", "export", "--systemd", "--to", f"{tmp_path}/none", code=1)
    assert "\n15 2 * * * env SYNCTL_CONFIG=" in call(stack, "schedule", "export", "nightly", "--crontab").out


def test_a_list_fits_forty_columns(stack: Home) -> None:
    listing = pexpect.run(
        f"{sys.executable} -m synctl schedule list",
        env={**stack.environ(), "COLUMNS": "120"}, cwd=str(stack.path), dimensions=(24, 40), timeout=PATIENCE_S,
    )  # fmt: skip
    assert max(len(line) for line in listing.decode().splitlines()) <= 40


def test_a_process_leads_and_ends_at_a_signal(stack: Home, call: Call) -> None:
    one = stack.start("schedule", "run")
    leader = until(lambda: call(stack, "schedule", "list", "--json").json["leader"])
    assert leader.endswith(f":{one.pid}")
    assert f"Queued by {leader}." in call(stack, "schedule", "list").out
    other = stack.start("schedule", "run")
    assert other.stderr is not None
    assert json.loads(other.stderr.readline())["message"].startswith("standing by")  # JSON where it is no terminal
    until(lambda: _that_logged(call, stack) == [one.pid, other.pid])  # it is written to the file after it was said
    for number, process in ((signal.SIGINT, other), (signal.SIGTERM, one)):
        process.send_signal(number)
        asked = time.monotonic()
        assert process.wait(PATIENCE_S) == 0
        assert time.monotonic() - asked < 2.5
    assert call(stack, "schedule", "list", "--json").json["leader"] is None


def _that_logged(call: Call, stack: Home) -> list[int]:
    logged = call(stack, "logs", "--json").lines
    # Each once: the leader says more where a full minute passes.
    return list(dict.fromkeys(line["pid"] for line in logged if line["logger"] == "synctl.schedule"))


def test_what_hangs_at_a_signal_is_broken_off(stack: Home) -> None:
    code = "from synctl.cli.schedule_run import _until_told\nimport time\nwith _until_told():\n print(1, flush=True)\n"
    process = stack.python(code + " while True: time.sleep(60)")
    assert process.stdout is not None
    process.stdout.readline()
    process.terminate()
    asked = time.monotonic()
    assert process.wait(PATIENCE_S) == 0
    assert time.monotonic() - asked < 2.5


def test_a_second_signal_while_it_stops_changes_nothing(stack: Home) -> None:
    """Also behind the loop, where no alarm may break off what is closed then."""
    code = (
        "from synctl.cli.schedule_run import GRACE_S, _until_told\nimport os, signal, time\n"
        "with _until_told() as stop:\n print(1, flush=True)\n stop.wait()\n"
        "os.kill(os.getpid(), signal.SIGTERM)\n"
        "time.sleep(GRACE_S + 0.3)\nprint('closed')"
    )
    process = stack.python(code)
    assert process.stdout is not None
    process.stdout.readline()
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=PATIENCE_S)[0] == "closed\n"
    assert process.returncode == 0


def test_without_a_database_it_is_said_what_to_type(home: Home, call: Call) -> None:
    (home.path / "synctl.toml").write_text(TOML)
    assert "  last  none yet" in call(home, "schedule", "list").out
    err = call(home, "schedule", "run", code=5).err
    assert err == "synctl: prerequisites not met: the database is not set up: synctl up\n"


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_leader_killed_just_before_the_minute_loses_no_slot(stack: Home) -> None:
    """Real processes and the real clock: of two, whoever leads is killed and replaced, three times."""

    def start() -> subprocess.Popen[str]:
        return stack.start("schedule", "run")

    def slots() -> list[dict[str, str]]:
        listed = stack.json("schedule", "list", "--last", "20")["schedules"]
        return next(one["slots"] for one in listed if one["schedule"] == "minutely")

    alive = [start(), start()]
    try:
        until(lambda: stack.json("schedule", "list")["leader"])
        for _ in range(3):
            until(lambda: time.time() % 60 > 57, 70)
            before = len(_settled(slots()))  # one more, if they were started before a full minute
            pid = int(stack.json("schedule", "list")["leader"].rpartition(":")[2])
            (leader,) = (one for one in alive if one.pid == pid)
            leader.kill()
            leader.wait()
            alive[alive.index(leader)] = start()
            until(lambda before=before: len(_settled(slots())) > before, 70)  # type: ignore[misc]
    finally:
        for one in alive:
            one.terminate()
            one.wait(PATIENCE_S)
    found = slots()
    times = [time.mktime(time.strptime(one["slot"], "%Y-%m-%dT%H:%M:%SZ")) for one in found]
    assert {before - after for before, after in pairwise(times)} == {60.0}
    assert {one["state"] for one in found} == {"enqueued"}
    runs = {one["run"] for one in found}
    created = [one for run in runs for one in stack.lines("history", run) if one["kind"] == "created"]
    assert len(created) == len(runs)


def _settled(slots: list[dict[str, str]]) -> list[dict[str, str]]:
    return [one for one in slots if one["state"] != "claimed"]
