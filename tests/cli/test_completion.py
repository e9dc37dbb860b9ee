"""What a shell is told may stand at the cursor: by the protocol, and in the shells themselves."""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import time
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pexpect
import pyte
import pytest

from synctl.cli import values
from synctl.cli.app import command_group
from synctl.cli.commands import COMMANDS
from synctl.cli.complete import answer, candidates, split
from synctl.cli.completion import Shell, script_of
from synctl.cli.main import run
from synctl.config import Sources
from synctl.processors import prayer, quran
from synctl.states import RunState
from synctl.store import migrate, reference, runs
from synctl.store.db import open_database
from synctl.store.runs import Actor, NewRun
from tests.helpers import unmeasured, until

RUNS = {"prayer-20261124-0000000001": RunState.RUNNING, "prayer-20261123-0000000002": RunState.FAILED}


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with reference data and two runs."""
    home = tmp_path_factory.mktemp("home")
    url = f"sqlite:///{home}/synctl.db"
    migrate.upgrade(url)
    with closing(open_database(url)) as database:
        reference.seed_reference(database, 300, None)
        with database.write() as transaction:
            transaction.execute(
                "INSERT INTO city (id, name, folded, country, latitude, longitude, timezone, population, origin)"
                " VALUES (2000000000000, 'Our Vilage', 'our vilage', 'GB', 53.1, -1.5, 'Europe/London', 0, 'file')"
            )
            transaction.execute("INSERT INTO hadith_collection (name, title) VALUES ('bukhari', 'Sahih al-Bukhari')")
            actor = Actor.this_process()
            for name, state in RUNS.items():
                new = NewRun(name, "prayer", "calculated", "2026-11-24", "{}", "label", 1, 1)
                runs.create(transaction, new, actor, "")
                transaction.execute("UPDATE run SET state = :state WHERE id = :id", state=str(state), id=name)
    return home


@pytest.fixture
def home(stored: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in [name for name in os.environ if name.startswith("SYNCTL_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("SYNCTL_HOME", str(stored))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(stored / "none"))
    monkeypatch.chdir(stored)
    return stored


def offered(line: str, shell: str = "zsh") -> list[str]:
    return [one.value for one in candidates(line, shell)]


def test_the_words_of_a_command_line_are_those_of_a_shell() -> None:
    assert split("synctl ") == (["synctl"], "")
    assert split("synctl en") == (["synctl"], "en")
    assert split("synctl show --city 'New Y") == (["synctl", "show", "--city"], "New Y")
    assert split('synctl show --city "New York City" --m') == (["synctl", "show", "--city", "New York City"], "--m")
    assert split("synctl show --city New\\ ") == (["synctl", "show", "--city"], "New ")
    assert split("synctl show --city 'St. John’s' ") == (["synctl", "show", "--city", "St. John’s"], "")


def test_commands_are_offered_without_loading_anything(home: Path) -> None:
    assert offered("synctl ") == [name for name, entry in COMMANDS.items() if not entry.hidden]
    assert offered("synctl un") == ["units"]
    code = (
        "import sys; from synctl.cli.complete import candidates; assert candidates('synctl st', 'bash');"
        " print(sorted({'typer', 'rich', 'redis', 'rq', 'sqlite3'} & set(sys.modules)))"
    )
    ended = subprocess.run([sys.executable, "-c", code], env=unmeasured(), capture_output=True, text=True, check=True)
    assert ended.stdout == "[]\n"


@pytest.mark.parametrize("command", COMMANDS)
def test_the_options_of_every_command_are_offered(command: str, home: Path) -> None:
    assert "--help" in offered(f"synctl {command} -")
    assert "--supervised" not in offered(f"synctl {command} --")


OFFERED: dict[str, list[str]] = {
    "synctl enqueue prayer --citi": ["--cities"],
    "synctl enqueue ": ["hadith", "prayer", "quran"],
    "synctl worker q": ["quran"],
    "synctl db ": ["upgrade", "current"],
    "synctl quarantine ac": ["accept"],
    "synctl units x --state f": ["failed"],
    "synctl status --state pau": ["pausing", "paused"],
    "synctl status --state ac": ["active"],
    "synctl enqueue prayer --city Lon": ["London"],
    "synctl enqueue prayer --city lon": ["london"],
    "synctl enqueue prayer --city 'New Y": ["New York City"],
    "synctl enqueue prayer --city New\\ Y": ["New York City"],
    "synctl enqueue prayer --city London,": ["London,GB"],
    "synctl enqueue prayer --city=Lond": ["--city=London"],
    "synctl enqueue prayer --country gb": ["gb"],
    "synctl enqueue prayer --methods mw": ["mwl"],
    "synctl enqueue prayer --methods 3,MAK": ["3,MAKKAH"],
    "synctl show prayer --method 23": ["23"],
    "synctl enqueue prayer --madhab ": ["both", "shafi", "hanafi"],
    "synctl cities re": ["remove"],
    "synctl cities list Lon": ["London"],
    "synctl cities remove ": ["Our Vilage,GB"],
    "synctl enqueue quran --edition quran-u": ["quran-uthmani"],
    "synctl enqueue hadith --collection b": ["bukhari"],
    "synctl enqueue prayer --source ": ["calculated", "aladhan"],
    "synctl enqueue prayer --from to": ["today", "tomorrow"],
    "synctl status prayer-2026112": list(RUNS),
    "synctl pause ": ["prayer-20261124-0000000001"],
    "synctl retry ": ["prayer-20261123-0000000002"],
    "synctl watch prayer-20261124-0000000001 ": ["prayer-20261123-0000000002"],
    "synctl resume ": [],
    "synctl config show database.": ["database.url", "database.password", "database.password_file"],
    "synctl help exi": ["exit-codes"],
    "synctl completion ": ["bash", "zsh", "fish"],
    "synctl seed --cities-file ": [":files"],
    "synctl nosuch ": [],
    "synctl status --nosuch ": list(RUNS),
}


@pytest.mark.parametrize("line", OFFERED)
def test_what_may_stand_at_the_cursor_is_offered(
    line: str, home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert answer({"_SYNCTL_COMPLETE": "complete_zsh", "_SYNCTL_COMPLETE_LINE": line}) == 0
    said = capsys.readouterr()
    found = [one.partition("\t")[0] for one in said.out.splitlines()]
    assert (sorted(found), said.err) == (sorted(OFFERED[line]), "")


def test_a_candidate_says_what_it_is(home: Path) -> None:
    about = {one.value: one.about for one in candidates("synctl status ", "fish")}
    assert about["prayer-20261124-0000000001"] == "running: label"
    (london,) = candidates("synctl show prayer --city London", "fish")
    assert london.about.startswith("GB, ")


def test_bash_parts_words_at_a_colon_and_an_equals_sign(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered("synctl show prayer --city=Lond", "bash") == ["London"]
    monkeypatch.setattr(values, "values", lambda *_: [("prayer:1/2", "")])
    assert offered("synctl quarantine show prayer:1", "bash") == ["1/2"]
    assert offered("synctl quarantine show prayer:1", "fish") == ["prayer:1/2"]


BROKEN: dict[str, dict[str, str]] = {
    "no home": {"SYNCTL_HOME": "{tmp}/none"},
    "wrong configuration": {"SYNCTL_NONSENSE": "1"},
    "no server": {"SYNCTL_DATABASE__URL": "postgresql://127.0.0.1:1/x"},
    "wrong URL": {"SYNCTL_DATABASE__URL": "postgresql://127.0.0.1:1/x?nonsense=1"},
    "no database": {"SYNCTL_HOME": "{tmp}"},
}


@pytest.mark.parametrize("case", BROKEN)
def test_where_nothing_can_be_read_nothing_is_offered_and_nothing_made(
    case: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SYNCTL_HOME", str(tmp_path / "none"))
    for name, value in BROKEN[case].items():
        monkeypatch.setenv(name, value.format(tmp=tmp_path))
    for line in ("synctl status ", "synctl enqueue prayer --city L", "synctl quarantine accept "):
        assert answer({"_SYNCTL_COMPLETE": "complete_bash", "_SYNCTL_COMPLETE_LINE": line}) == 0
    said = capsys.readouterr()
    assert (said.out, said.err) == ("", "")
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_where_there_is_a_database(home: Path) -> None:
    before = {path.name: path.stat().st_mtime_ns for path in home.iterdir()}
    assert offered("synctl enqueue prayer --city Lond") == ["London"]
    assert {path.name: path.stat().st_mtime_ns for path in home.iterdir()} == before


def test_a_database_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("SYNCTL_HOME", str(tmp_path))
    monkeypatch.setattr(values, "PATIENCE_S", 0.2)
    import_module("synctl.store.postgres")  # loading the driver is not what is measured
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("SYNCTL_DATABASE__URL", f"postgresql://127.0.0.1:{port}/x")
        began = time.monotonic()
        assert answer({"_SYNCTL_COMPLETE": "complete_bash", "_SYNCTL_COMPLETE_LINE": "synctl status "}) == 0
        assert time.monotonic() - began < 4  # it would be 5 s
    assert capsys.readouterr() == ("", "")


def test_every_source_of_values_is_of_a_parameter(home: Path) -> None:
    group = command_group()
    parameters = {param.name for name in COMMANDS for param in group.get_command(None, name).params}
    assert set(values._SOURCES) <= parameters


def test_the_sources_that_are_offered_are_those_there_are(home: Path) -> None:
    assert offered("synctl enqueue prayer --source ") == list(prayer.SOURCES)
    assert offered("synctl enqueue quran --source ") == list(quran.SOURCES)
    assert set(offered("synctl enqueue --source ")) <= set(Sources().names())


@pytest.mark.parametrize("shell", [shell.value for shell in Shell])
def test_a_script_is_printed_that_the_shell_can_read(shell: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["completion", shell]) == 0
    script = capsys.readouterr().out
    assert "_SYNCTL_COMPLETE=complete_" + shell in script
    assert not re.search("@[A-Z]", script)
    if shutil.which(shell):
        option = "--no-execute" if shell == "fish" else "-n"
        ended = subprocess.run([shell, option], input=script, text=True, capture_output=True, check=False)
        assert (ended.returncode, ended.stderr) == (0, "")


@pytest.fixture
def command(home: Path, tmp_path: Path) -> Path:
    """A folder for PATH with `synctl` in it."""
    program = tmp_path / "bin" / "synctl"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\nexec {sys.executable} -m synctl "$@"\n')
    program.chmod(0o755)
    return program.parent


class Terminal:
    """A shell on a screen, that has read its script."""

    def __init__(self, shell: str, arguments: list[str], environment: dict[str, str]) -> None:
        self._screen = pyte.Screen(160, 40)
        self._stream = pyte.Stream(self._screen)
        self._child = pexpect.spawn(
            shell, arguments, env=environment, dimensions=(40, 160), timeout=0, encoding="utf-8"
        )

    def type(self, text: str) -> None:
        self._child.send(text)

    def shows(self, text: str) -> bool:
        """Whether a line of the screen ends with a text."""
        with contextlib.suppress(pexpect.TIMEOUT):
            self._stream.feed(self._child.read_nonblocking(100_000, 0.05))
        return any(line.rstrip().endswith(text) for line in self._screen.display)

    def close(self) -> None:
        self._child.close(force=True)


START = {
    "bash": (["--norc", "--noprofile"], "source {script}"),
    "zsh": (["-f"], "autoload -Uz compinit; compinit -D; source {script}"),
    "fish": (["--no-config"], "source {script}"),
}
TYPED = {
    "synctl compl\tb\t": "synctl completion bash",
    "synctl units x --sta\tqua\t": "synctl units x --state quarantined",
    "synctl show prayer --city 'New Y\t": "synctl show prayer --city 'New York City'",
    "synctl show prayer --city New\\ Y\t": "synctl show prayer --city New\\ York\\ City",
    "synctl enqueue prayer --city=Lahor\t": "synctl enqueue prayer --city=Lahore",
    "synctl seed --cities-file mosq\t": "synctl seed --cities-file mosques.csv",
}


@pytest.mark.parametrize("shell", [shell.value for shell in Shell])
def test_a_tab_completes_in_the_shell_itself(
    shell: str, home: Path, command: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mosques.csv").write_text("")
    script = tmp_path / f"script.{shell}"
    script.write_text(script_of(Shell(shell)))
    arguments, setup = START[shell]
    environment = {
        **os.environ, "PATH": f"{command}:{os.environ['PATH']}", "TERM": "xterm", "LC_ALL": "C.UTF-8",
        "HOME": str(tmp_path), "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
    }  # fmt: skip
    terminal = Terminal(shell, arguments, environment)
    try:
        terminal.type(f"{setup.format(script=script)}; echo se''t\n")
        until(lambda: terminal.shows("set"))
        for typed, expected in TYPED.items():
            terminal.type("\x15" + typed)  # ^U: whatever stands there goes
            until(lambda expected=expected: terminal.shows(expected))  # type: ignore[misc]
            terminal.type("\x03")
    finally:
        terminal.close()
