"""The documentation keeps up: commands, exit codes, keys, help texts and links."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from synctl.cli.app import command_group
from synctl.cli.commands import COMMANDS
from synctl.cli.main import run
from synctl.config import all_keys
from synctl.config.keys import entry_keys
from synctl.errors import ExitCode
from synctl.store.slots import SlotState
from tools import build_commands

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
LINK = re.compile(r"\[[^\]\n]+\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
NEEDED = {
    "run": ["prayer"],
    "seed": ["--cities", "1"],
    "enqueue": ["prayer"],
    **{name: ["1f0c7e2ab4"] for name in ("pause", "resume", "cancel", "delete", "retry", "units", "errors", "changes")},
    "cities": ["list"],
    "quarantine": ["list"],
    "show": ["prayer", "--city", "London"],
    "export": ["quran"],
    "doctor": ["--offline"],
    "worker": ["prayer", "--burst"],
    "db": ["current"],
}
"""Arguments without which a command is nonsense, or takes long."""
FIRST_USE = {"SYNCTL_REDIS__URL": "redis://127.0.0.1:1/0"}
"""Nothing there, and nothing that could be started."""


def page(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_documented(command: str) -> None:
    assert re.search(
        rf"`(synctl )?{command}\b|\bsynctl {command}\b", "\n".join(path.read_text(encoding="utf-8") for path in PAGES)
    )


@pytest.mark.parametrize("code", ExitCode)
def test_every_exit_code_is_documented(code: ExitCode) -> None:
    assert f"\n| {code.value} | {code.name} | {code.meaning} |" in page("docs/exit-codes.md")


def test_every_key_is_documented_with_its_variable_and_no_other_is() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| `(SYNCTL_\w+)` \|", page("docs/configuration.md"), re.MULTILINE)
    assert rows == [(key.name, key.variable) for key in all_keys()]


def test_the_page_of_commands_is_what_they_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert build_commands.page() == page("docs/commands.md"), "make docs"


def every_command() -> list[str]:
    """Return the words of each command, those of groups of commands included."""

    def below(words: list[str], command: Any) -> Iterator[str]:
        for name in command.list_commands(None) if hasattr(command, "list_commands") else ():
            yield from below([*words, name], command.get_command(None, name))
        if words:
            yield " ".join(words)

    return list(below([], command_group()))


def test_every_key_of_a_schedule_is_documented_as_it_is_declared() -> None:
    rows = re.findall(r"^\| `([a-z_]+)` \| .* \| (.*) \|$", page("docs/scheduling.md"), re.MULTILINE)
    keys = entry_keys(("schedule", "nightly"))
    assert [row for row in rows if row[0] in {key.path[-1] for key in keys}] == [
        (key.path[-1], key.doc) for key in keys
    ]


def test_every_state_of_a_slot_is_documented() -> None:
    rows = re.findall(
        r"^\| `(\w+)` \|", page("docs/scheduling.md").partition("## What comes of a slot")[2], re.MULTILINE
    )
    assert set(rows) == {str(state) for state in SlotState}


@pytest.mark.parametrize("command", every_command())
def test_every_help_has_examples_and_exit_codes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([*command.split(), "--help"]) == ExitCode.OK
    text = capsys.readouterr().out
    assert re.search(rf"^  Examples?:\n    (\w+=\S+ )?synctl {command}\b", text, re.MULTILINE)
    told = text.partition("Exit codes: ")[2].partition("\n\n")[0]
    assert told.startswith("0 ")
    assert {int(number) for number in re.findall(r"(?<![-\d])(\d+) [a-z-]", told)} <= set(ExitCode)
    examples = text.partition("Example")[2].partition("Exit codes:")[0]
    assert set(re.findall(r"(?<!/)\bsynctl ([a-z]+)", examples)) <= set(COMMANDS)


@pytest.mark.parametrize("command", every_command())
def test_the_options_of_every_example_exist(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    run([*command.split(), "--help"])
    text = capsys.readouterr().out
    examples = text.partition("Example")[2].partition("Exit codes:")[0]
    options = text.partition("\nOptions:\n")[2]
    deeper = tuple(f"{other} " for other in every_command() if other.startswith(f"{command} "))
    parts = [f"{part.strip()} " for part in re.findall(r"\bsynctl ([^|#(\n]*)", examples)]
    own = [part for part in parts if part.startswith(f"{command} ") and not (deeper and part.startswith(deeper))]
    assert [word for part in own for word in re.findall(r"(?<!\S)--[a-z-]+", part) if word not in options] == []


def test_help_of_a_command_is_the_commands_help(capsys: pytest.CaptureFixture[str]) -> None:
    for words, same in ((["help"], ["--help"]), (["help", "enqueue"], ["enqueue", "--help"])):
        assert run(words) == run(same) == ExitCode.OK
        out = capsys.readouterr().out
        assert out[: len(out) // 2] == out[len(out) // 2 :]


NEWER = "newer database"


@pytest.mark.parametrize(
    "environment", [FIRST_USE, {"SYNCTL_NONSENSE": "1"}, {NEWER: ""}], ids=["first use", "nonsense", NEWER]
)
@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_tells_the_exit_code_that_the_command_ends_with(
    command: str,
    environment: dict[str, str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    run([command, "--help"])
    told = capsys.readouterr().out.partition("Exit codes:")[2].partition("\n\n")[0]
    monkeypatch.chdir(tmp_path)
    if NEWER in environment:
        environment = FIRST_USE
        with closing(sqlite3.connect(tmp_path / "synctl.db")) as raw, raw:
            raw.execute("CREATE TABLE alembic_version (version_num TEXT)")
            raw.execute("INSERT INTO alembic_version VALUES ('r9999')")
    for name, value in {"SYNCTL_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), **environment}.items():
        monkeypatch.setenv(name, value)
    code = run([command, *NEEDED.get(command, [])])
    assert str(int(code)) in re.findall(r"\b\d+\b", told)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_relative_links_lead_to_files(path: Path) -> None:
    links = LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8")))
    relative = [link.partition("#")[0] for link in links if not re.match(r"[a-z]+:|#", link)]
    assert [link for link in relative if not (path.parent / link).exists()] == []
