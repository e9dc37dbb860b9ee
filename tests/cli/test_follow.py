"""What a command that only waits says meanwhile."""

from __future__ import annotations

from itertools import chain, repeat

import pytest
from msgspec import structs
from msgspec.structs import replace
from rich.console import Console

from synctl.cli import follow
from synctl.cli.bars import frame
from synctl.engine.view import RunView
from synctl.states import RunState
from tests.cli.test_live import view


def waiting(note: str) -> RunView:
    """A run whose shard says why it does not go on."""
    made = view(done=1)
    (shard,) = made.live.shards
    return RunView(made.run, replace(made.live, shards=(structs.replace(shard, note=note, waits=bool(note)),)))


@pytest.mark.parametrize("hindrances", [False, True])
def test_what_keeps_a_run_waiting_is_said_once(
    hindrances: bool, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(follow, "FRAME_S", 0)
    monkeypatch.setattr(follow, "LINE_EVERY_S", 0)
    failing = (waiting(f"waiting for api.example (failing, {left})") for left in ("62 s", "9 s"))
    views = chain([waiting("")], failing, [waiting("")], repeat(view(state=RunState.SUCCEEDED)))
    assert follow._awaited(lambda: [next(views)], hindrances=hindrances)[0].run.state is RunState.SUCCEEDED
    said = capsys.readouterr().out
    assert said.count("\n") == hindrances
    assert not said or said.endswith(", waiting for api.example (failing, 62 s)\n")


def test_a_short_wait_is_not_worth_a_line(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follow, "FRAME_S", 0)
    views = chain([waiting("waiting for api.example (rate limited, 1 s)")], repeat(view(state=RunState.SUCCEEDED)))
    follow._awaited(lambda: [next(views)], hindrances=True)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("state", [RunState.RUNNING, RunState.QUEUED])
def test_bars_and_lines_say_that_redis_is_away(state: RunState) -> None:
    """Also of a run that has gone back to the queue because of that."""
    away = "waiting for Redis (does not answer, 3 s)"
    shown = replace(view(state=state, reason="Redis did not answer"), unseen=away)
    assert follow.line(shown).endswith(f", {away}")
    assert shown.as_json()["reason"] == away
    console = Console(width=80)
    with console.capture() as captured:
        console.print(frame([shown], 80))
    assert away in captured.get()


def test_how_a_run_ended_is_said_although_redis_is_away() -> None:
    assert "Redis" not in follow.line(replace(view(state=RunState.SUCCEEDED), unseen="waiting for Redis"))
