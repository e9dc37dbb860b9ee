"""The documentation keeps up: commands, exit codes, keys, help texts and links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from synctl.cli.commands import COMMANDS
from synctl.cli.main import run
from synctl.cli.schedule import ScheduleGroup
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
    "quarantine": ["list"],
    "show": ["prayer", "--city", "London"],
    "doctor": ["--offline"],
    "worker": ["prayer", "--burst"],
    "db": ["current"],
}
"""Arguments without which a command is nonsense, or takes long."""
SUBCOMMANDS = tuple(ScheduleGroup.table)
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
    assert re.search(rf"^\| {code.value} \| {code.name} \|", page("docs/exit-codes.md"), re.MULTILINE)


def test_every_key_is_documented_with_its_variable_and_no_other_is() -> None:
    rows = re.findall(r"^\| `([a-z_.]+)` \| `(SYNCTL_\w+)` \|", page("docs/configuration.md"), re.MULTILINE)
    assert rows == [(key.name, key.variable) for key in all_keys()]


def test_the_page_of_commands_is_what_they_print(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")
    assert build_commands.page() == page("docs/commands.md"), "make docs"


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


@pytest.mark.parametrize("command", SUBCOMMANDS)
def test_every_help_of_schedule_has_examples_and_exit_codes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["schedule", command, "--help"]) == ExitCode.OK
    text = capsys.readouterr().out
    assert "Example" in text
    assert "Exit codes" in text


@pytest.mark.parametrize("command", COMMANDS)
def test_every_help_has_examples_and_exit_codes(command: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run([command, "--help"]) == ExitCode.OK
    text = capsys.readouterr().out
    assert "Example" in text
    assert "Exit codes" in text


@pytest.mark.parametrize("environment", [FIRST_USE, {"SYNCTL_NONSENSE": "1"}], ids=["first use", "nonsense"])
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
    for name, value in {"SYNCTL_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path), **environment}.items():
        monkeypatch.setenv(name, value)
    code = run([command, *NEEDED.get(command, [])])
    assert str(int(code)) in re.findall(r"\b\d+\b", told)


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_relative_links_lead_to_files(path: Path) -> None:
    links = LINK.findall(FENCE.sub("", path.read_text(encoding="utf-8")))
    relative = [link.partition("#")[0] for link in links if not re.match(r"[a-z]+:|#", link)]
    assert [link for link in relative if not (path.parent / link).exists()] == []
