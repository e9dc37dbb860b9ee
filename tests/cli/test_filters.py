"""`status`, `units`, `errors` and `history` show what is asked for, and say so where there is nothing of it."""

from __future__ import annotations

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from synctl.cli.main import run
from synctl.cli.options import parse_since
from synctl.clock import now_ms
from synctl.errors import UsageError
from synctl.store import migrate, runs
from synctl.store.db import open_database
from synctl.store.runs import Actor, NewRun

HOUR = 3_600_000
ENDED = {  # name: state, hours since it was created, hours since it ended
    "prayer-20261124-0000000001": ("failed", 50, 30),
    "prayer-20261124-0000000002": ("succeeded", 3, 2),
    "quran-20261124-0000000003": ("paused", 90, None),
    "quran-20261124-0000000004": ("partial", 100, 99),
}
NAMES = sorted(ENDED)


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    migrate.upgrade(f"sqlite:///{home}/synctl.db")
    now = now_ms()
    with closing(open_database(f"sqlite:///{home}/synctl.db")) as database, database.write() as transaction:
        for name, (state, created, ended) in ENDED.items():
            new = NewRun(name, name.partition("-")[0], "calculated", "2026-11-24", "{}", "label", 1, 2)
            seq = runs.create(transaction, new, Actor("root", "vm:1"), "")
            transaction.execute(
                "UPDATE run SET state = :state, created_at = :created, finished_at = :ended, failed = 1, done = 1"
                " WHERE seq = :seq",
                state=state, created=now - created * HOUR, ended=None if ended is None else now - ended * HOUR, seq=seq,
            )  # fmt: skip
            transaction.execute(
                "UPDATE run_event SET at = :at WHERE run_id = :name", at=now - created * HOUR, name=name
            )
            for ordinal, unit in enumerate(("done", "failed")):
                transaction.execute(
                    "INSERT INTO sync_unit (run_seq, ordinal, key, spec, state, attempts, error_class, message, rows,"
                    " changed, epoch) VALUES (:seq, :ordinal, :key, '[]', :state, 1, :error, :message, 0, 0, 1)",
                    seq=seq, ordinal=ordinal, key=f"unit/{ordinal}", state=unit,
                    error="RejectedError" if unit == "failed" else None, message="404" if unit == "failed" else None,
                )  # fmt: skip
    return home


@pytest.fixture
def home(stored: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("SYNCTL_HOME", str(stored))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(stored / "none"))
    monkeypatch.chdir(stored)
    return stored


def said(capsys: pytest.CaptureFixture[str], *arguments: str, code: int = 0) -> str:
    capsys.readouterr()
    ended = run(list(arguments))
    out, err = capsys.readouterr()
    assert ended == code, out + err
    return out + err


def documents(capsys: pytest.CaptureFixture[str], *arguments: str) -> list[Any]:
    return [json.loads(line) for line in said(capsys, *arguments, "--json").splitlines()]


STATUS: dict[str, list[int]] = {
    "": [0, 1, 2, 3],
    "--since 1h": [2],
    "--since 2d": [0, 1, 2],
    "--since 2d --state failed": [0],
    "--since 2d --state failed --state partial": [0],
    "--state active": [2],
    "--resource quran": [2, 3],
    "--resource quran --since 2d": [2],
    "--resource hadith": [],
    "--state running": [],
}


@pytest.mark.parametrize("options", STATUS)
def test_status_shows_the_runs_that_are_asked_for(options: str, home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (found,) = documents(capsys, "status", *options.split())
    assert sorted(one["run"] for one in found) == [NAMES[place] for place in STATUS[options]]
    text = said(capsys, "status", *options.split())
    assert all((name in text) == (place in STATUS[options]) for place, name in enumerate(NAMES))
    assert STATUS[options] or text == "No such runs. `synctl status` shows all.\n"


def test_status_says_where_there_is_more(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "The first 2; --limit shows more." in said(capsys, "status", "--limit", "2")
    assert "--limit" not in said(capsys, "status", "--limit", "4")
    assert len(documents(capsys, "status", "--limit", "2")[0]) == 2


def test_units_show_the_states_that_are_asked_for(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    states = [one["state"] for one in documents(capsys, "units", NAMES[0], "--state", "failed", "--state", "leased")]
    assert states == ["failed"]
    assert len(documents(capsys, "units", NAMES[0])) == 2
    assert "is leased or pending" in said(capsys, "units", NAMES[0], "--state", "pending", "--state", "leased")


def test_errors_are_grouped_by_cause_with_a_sample(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text = said(capsys, "errors", NAMES[0])
    assert "RejectedError" in text
    assert "unit/1" in text
    assert f"synctl retry {NAMES[0]}" in text


HISTORY: dict[str, list[int]] = {
    "": [0, 1, 2, 3],
    "--since 4h": [1],
    "--since 4d": [0, 1, 2],
    "--kind created --since 4h": [1],
    f"{NAMES[2]}": [2],
    f"{NAMES[2]} --since 4h": [],
    "--limit 1": [3],
    "--kind taken-over --kind stalled": [],
}


@pytest.mark.parametrize("options", HISTORY)
def test_history_shows_the_events_that_are_asked_for(
    options: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = documents(capsys, "history", *options.split())
    assert sorted(one["run"] for one in found) == [NAMES[place] for place in HISTORY[options]]
    text = said(capsys, "history", *options.split())
    assert HISTORY[options] or text == "Nothing of that happened. `synctl history` shows all.\n"


MISTYPED = {
    "status --state fialed": "did you mean failed?",
    "status --resource qurna": "did you mean quran?",
    "status --since soon": "--since 'soon' is no age and no date; write 90m, 12h, 2d, 1w, YYYY-MM-DD or `today`",
    "history --kind creatd": "did you mean created?",
    f"units {NAMES[0]} --state failde": "did you mean failed?",
    "units prayer-20261124-0000000009": "did you mean prayer-20261124-000000000",
}


@pytest.mark.parametrize("line", MISTYPED)
def test_what_is_mistyped_is_told_with_what_was_meant(
    line: str, home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text = said(capsys, *line.split(), code=2)
    assert MISTYPED[line] in text
    assert len(text.splitlines()) == 1


def test_a_moment_is_an_age_or_a_date() -> None:
    assert parse_since(None) is None
    assert abs((parse_since("2d") or 0) - (now_ms() - 48 * HOUR)) < 60_000
    assert parse_since("2026-11-20") == 1_795_132_800_000
    with pytest.raises(UsageError):
        parse_since("2d ago")
