"""A command line that cannot be is told in one line: what is wrong, and what to type."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from synctl import __version__
from synctl.cli.main import run
from synctl.errors import ExitCode

LINES = {
    "enqueu prayer": "no command 'enqueu' (did you mean enqueue?); `synctl --help` lists the commands",
    "--versoin": "no option --versoin (did you mean --version?); see `synctl --help`",
    "--json": "no option --json; see `synctl --help`",
    "-x": "no option -x; see `synctl --help`",
    "status --sate failed": "status: no option --sate (did you mean --state?); see `synctl status --help`",
    "enqueue prayer --citys London": "enqueue: no option --citys (did you mean --city?); see `synctl enqueue --help`",
    "enqueue": "enqueue: RESOURCE is missing: prayer, quran or hadith; see `synctl enqueue --help`",
    "pause": "pause: RUN is missing: run ids, or --all; see `synctl pause --help`",
    "pause abcd --all": "pause: --all and RUN exclude each other",
    "resume abcd --resource prayer": "resume: --resource selects of --all",
    "delete": "delete: RUN is missing: run ids, or unambiguous parts of them; see `synctl delete --help`",
    "db": "db: action is missing: one of upgrade, current; see `synctl db --help`",
    "db upgrad": "db: action 'upgrad' is none of upgrade, current (did you mean upgrade?); see `synctl db --help`",
    "quarantine lst": (
        "quarantine: action 'lst' is none of list, show, accept, reject (did you mean list?);"
        " see `synctl quarantine --help`"
    ),
    "status --limit x": "status: --limit 'x' is not a valid integer; see `synctl status --help`",
    "status --limit 0": "status: --limit 0 is not at least 1; see `synctl status --help`",
    f"status --limit {2**63}": f"status: --limit {2**63} is too large; see `synctl status --help`",
    f"watch --json --after {'9' * 5000}": (
        f"watch: --after '{'9' * 58}… is not a valid integer; see `synctl watch --help`"
    ),
    "logs \udcff": "logs: RUN '\\udcff' is no UTF-8 text; see `synctl logs --help`",
    "cancel abcd --reason \udcff": "cancel: --reason '\\udcff' is no UTF-8 text; see `synctl cancel --help`",
    "status --limit": "status: --limit needs a value; see `synctl status --help`",
    "status --json=1": "status: --json takes no value; see `synctl status --help`",
    "locks extra": "locks: got unexpected extra argument(s) (extra); see `synctl locks --help`",
    "help statu": "no command or topic 'statu' (did you mean status?); `synctl help` lists the commands",
    "help exit-code": "no command or topic 'exit-code' (did you mean exit-codes?); `synctl help` lists the commands",
    "help exit-codes extra": "exit-codes is a topic, with nothing behind it; `synctl help exit-codes` shows it",
    "schedule export --systemd --crontab": (
        "export writes for systemd or for cron; give one of --systemd and --crontab"
    ),
    "schedule next": (
        "schedule next: NAME is missing: NAME of a table [schedule.NAME]; see `synctl schedule next --help`"
    ),
    "help enqueue --json": "--json is for topics; one of: exit-codes, environment",
}


@pytest.mark.parametrize("line", LINES)
def test_what_cannot_be_is_told_in_one_line(
    line: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCTL_HOME", str(tmp_path / "none"))
    assert run(line.split()) == ExitCode.USAGE
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", f"synctl: {LINES[line]}\n")
    assert not (tmp_path / "none").exists()


@pytest.mark.parametrize("line", ["--version", "--version enqueue"])
def test_the_version_needs_no_command(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(line.split()) == ExitCode.OK
    said = capsys.readouterr()
    assert (said.out, said.err) == (f"synctl {__version__}\n", "")


def test_no_command_at_all_shows_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    assert run([]) == ExitCode.USAGE
    assert "Commands:" in capsys.readouterr().err


def test_exit_codes_are_listed_with_their_meaning(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["help", "exit-codes"]) == ExitCode.OK
    text = " ".join(capsys.readouterr().out.split())
    assert all(f"{code.value} {code.name} {code.meaning}" in text for code in ExitCode)
    assert run(["help", "exit-codes", "--json"]) == ExitCode.OK
    assert {one["code"]: one["name"] for one in json.loads(capsys.readouterr().out)} == {
        c.value: c.name for c in ExitCode
    }


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_environment_variables_are_listed_as_wide_as_the_terminal_is(
    columns: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.get_terminal_size", lambda: os.terminal_size((columns, 24)))
    assert run(["help", "environment"]) == ExitCode.OK
    text = capsys.readouterr().out
    assert "SYNCTL_REDIS__URL" in text
    assert "NO_COLOR" in text
    assert max(map(len, text.splitlines()[2:])) <= max(columns, 47)  # the longest name is not cut


@pytest.mark.parametrize("secret", ["redis://:hush@127.0.0.1:1/0", "redis://127.0.0.1:1/0?password=hush"])
def test_a_password_in_a_url_is_not_repeated(
    secret: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCTL_HOME", str(tmp_path))
    monkeypatch.setenv("SYNCTL_REDIS__URL", secret)
    assert run(["up"]) == ExitCode.UNREACHABLE
    said = capsys.readouterr()
    assert "hush" not in said.out + said.err
    assert "***" in said.err


@pytest.mark.parametrize(
    ("url", "says"),
    [
        ("postgresql://me:hush@127.0.0.1:1/x?nonsense=1", 'invalid URI query parameter: "nonsense"'),
        ("postgresql://me:hush@127.0.0.1:1/x?connect_timeout=soon", "connect_timeout"),
        ("postgresql://me:hush@127.0.0.1:1/x?sslmode=perhaps", "sslmode"),
        ("postgresql://me:hush@127.0.0.1:1/x", "refused"),
    ],
)
def test_a_database_url_that_cannot_be_used_is_told_in_one_line(
    url: str, says: str, capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCTL_HOME", str(tmp_path))
    monkeypatch.setenv("SYNCTL_DATABASE__URL", url)
    assert run(["units", "abcd"]) == ExitCode.UNREACHABLE
    said = capsys.readouterr()
    assert says in said.err
    assert len(said.err.splitlines()) == 1
    assert "hush" not in said.out + said.err


@pytest.mark.parametrize(
    ("command", "usage"),
    [
        ("pause", "pause [OPTIONS] [RUN]..."),
        ("retry", "retry [OPTIONS] RUN..."),
        ("watch", "watch [OPTIONS] [RUN]..."),
        ("status", "status [OPTIONS] [RUN]"),
        ("quarantine", "quarantine [OPTIONS] list|show|accept|reject [UNIT]..."),
    ],
)
def test_the_usage_line_names_no_types_of_python(command: str, usage: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == 0
    help_text = capsys.readouterr().out
    assert help_text.startswith(f"Usage: synctl {usage}\n")
    assert "list[" not in help_text
    assert "<str>" not in help_text


@pytest.mark.parametrize(("stdout", "code"), [(">/dev/full", 1), (">&-", 0), ("<&- >&- 2>&-", 0)])
def test_a_full_disk_is_told_in_one_line_and_closed_streams_do_no_harm(stdout: str, code: int, tmp_path: Path) -> None:
    ended = subprocess.run(
        ["/bin/sh", "-c", f'"{sys.executable}" -m synctl help exit-codes {stdout}'],
        env={**os.environ, "SYNCTL_HOME": str(tmp_path)}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert ended.returncode == code
    said = "synctl: output cannot be written: No space left on device; make room, or write somewhere else\n"
    assert ended.stderr == (said if code else "")
