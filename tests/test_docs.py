"""The documentation keeps up: commands, exit codes, keys, help texts and links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from synctl.cli.commands import COMMANDS
from synctl.cli.main import run
from synctl.config import all_keys
from synctl.errors import ExitCode
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
