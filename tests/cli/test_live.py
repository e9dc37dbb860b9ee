"""The full-screen view: what is drawn at which size, and what keys mean. Without a terminal, Redis or a database."""

from __future__ import annotations

import pytest
from msgspec.structs import replace
from rich.console import Console

from synctl.cli.live import loop, panels
from synctl.cli.live.page import HELP, frame
from synctl.cli.live.snapshot import Failure, Snapshot
from synctl.cli.live.state import Act, Page, State, anchored, press
from synctl.cli.live.terminal import parsed
from synctl.clock import now_ms
from synctl.engine.hosts import HostState
from synctl.engine.progress import Progress, ShardProgress
from synctl.engine.queues import WorkerInfo
from synctl.engine.view import RunView
from synctl.states import RunState
from synctl.store.runs import Run
from synctl.store.units import Cause

SIZES = [(20, 5), (40, 12), (80, 24), (200, 50)]


def view(number: int = 1, state: RunState = RunState.RUNNING, done: int = 2080, **changed: object) -> RunView:
    values: dict[str, object] = dict.fromkeys(Run.__struct_fields__, 0) | {
        "id": f"prayer-20261124-{number:010x}", "resource": "prayer", "source": "aladhan", "label": "100 cities",
        "state": state, "reason": "", "waits_for": "", "error_class": "", "total": 4600, "done": done, "failed": 12,
        "started_at": now_ms() - 60_000, "finished_at": None, "created_at": now_ms() - 61_000,
    }  # fmt: skip
    shard = ShardProgress(holder="host:12", at=now_ms(), unit_rate=50.0, row_rate=18_250.0, current="a unit")
    return RunView(Run(**(values | changed)), Progress(done=done, failed=12, total=4600, shards=(shard,)))  # type: ignore[arg-type]


def snapshot(*views: RunView, **changed: object) -> Snapshot:
    made = Snapshot(
        at=now_ms(),
        views=views,
        failures=(Failure("prayer-20261124-0000000001", Cause("RejectedError", 404, "Not Found", 12, "1/2/3")),),
        workers=(WorkerInfo("w", "prayer-sync", "busy", "host", 1, ""),),
        waiting=(("prayer", 2), ("quran", 1), ("hadith", 0)),
        hosts=(HostState("api.example", "aladhan", 4.0, 16, 3, 0.0, 12.0, "rate limited"),),
        rates=(1.0, 2.0, 4.0),
    )
    return replace(made, **changed)


def drawn(shown: Snapshot, state: State, columns: int, lines: int) -> list[str]:
    return [row.plain.rstrip() for row in frame(shown, state, columns, lines)]


@pytest.mark.parametrize(("columns", "lines"), SIZES)
@pytest.mark.parametrize("page", Page)
@pytest.mark.parametrize("runs", [0, 1, 5, 100])
def test_a_frame_is_never_larger_than_the_screen(columns: int, lines: int, page: Page, runs: int) -> None:
    shown = snapshot(*map(view, range(runs)), trouble="Redis does not answer" * 9)
    rows = frame(shown, State(page=page), columns, lines)
    assert len(rows) <= lines
    assert max(row.cell_len for row in rows) <= columns


def test_a_screen_of_80_columns_shows_everything_at_a_glance() -> None:
    text = "\n".join(drawn(snapshot(view(1), view(2, RunState.QUEUED, 0)), State(), 80, 24))
    for said in (
        "synctl 1 running · 1 queued", "4 rows/s ▃▅█", "▸ prayer-20261124-0000000001   running", "45.4 %",
        "2,080/4,600 · 12 failed · 18,250 rows/s", "left · lease 0.0 s · 100", "── failures",
        "12 × RejectedError 404 Not Found", "prayer-sync   1 worker, 1 busy, 2 jobs waiting",
        "quran-sync    0 workers, 0 busy, 1 job waiting  `synctl up`",
        "api.example  4 requests/s, 3 under way of 16  closed for 12 s: rate limited", "↑↓ select", "q quit",
    ):  # fmt: skip
        assert said in text, text


def test_only_what_fits_is_drawn_and_the_selected_run_is_in_it() -> None:
    shown = snapshot(*map(view, range(100)))
    for at in (0, 50, 99):
        selected = shown.views[at].run.id
        rows = drawn(shown, State(selected=selected), 80, 24)
        (shown_at,) = [number for number, row in enumerate(rows) if row.startswith(f"▸ {selected}")]
        assert "rows/s" in rows[shown_at + 1]
        assert sum("rows/s" in row for row in rows[1:]) == 1
        assert sum(row.startswith(("▸ prayer", "  prayer-2026")) for row in rows) >= 3


def test_a_narrow_screen_keeps_name_state_and_share() -> None:
    rows = drawn(snapshot(view(1)), State(), 40, 12)
    assert rows[1].split() == ["▸", "prayer…0000000001", "running", "45.4", "%"]


def test_what_cannot_be_read_is_told_with_the_age_of_what_is_shown() -> None:
    rows = drawn(snapshot(view(1), at=now_ms() - 12_000, trouble="Redis does not answer"), State(), 80, 24)
    assert rows[1] == "! Redis does not answer (12 s old)"


def test_pages_tell_all_about_a_run_its_errors_and_the_keys() -> None:
    shown = snapshot(view(1))
    assert any("sign of life" in row for row in drawn(shown, State(page=Page.DETAILS), 80, 24))
    assert any("for example 1/2/3" in row for row in drawn(shown, State(page=Page.ERRORS), 80, 24))
    assert any("cancel it, after a y" in row for row in drawn(shown, State(page=Page.HELP), 80, 24))
    assert drawn(shown, State(page=Page.HELP, top=10_000), 80, 12)[-2].endswith("`synctl history` tells who did it.")


@pytest.mark.parametrize("columns", [40, 80, 200])
def test_pages_of_text_are_folded_not_cut(columns: int) -> None:
    long = "a cause that takes many words " * 12
    failure = Failure("prayer-20261124-0000000001", Cause("RejectedError", 404, long, 12, "1/2/3"))
    for page, words in ((Page.HELP, HELP), (Page.ERRORS, long)):
        body = drawn(snapshot(view(1), failures=(failure,)), State(page=page), columns, 60)[1:-1]
        assert not any("…" in row for row in body)
        assert " ".join(words.split()) in " ".join(" ".join(body).split())


def test_a_full_bar_does_not_touch_its_share() -> None:
    assert "█ 100.0 %" in drawn(snapshot(view(1, RunState.SUCCEEDED, 4588)), State(), 80, 24)[1]


def test_a_terminal_without_colours_or_unicode_gets_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    console = Console(highlight=False, force_terminal=True)
    rows = frame(snapshot(view(1)), State(), 80, 24)
    assert not any("[3" in line for line in loop.paint(console, rows, 80, "utf-8"))  # bold and dim are no colours
    assert all(line.isascii() for line in loop.paint(console, rows, 80, "ascii"))


@pytest.mark.parametrize("page", Page)
def test_what_others_wrote_is_on_one_line_and_moves_no_cursor(page: Page) -> None:
    nasty = "a\x1b[2J\nb\t\x07\x9b31m"
    shown = snapshot(
        view(label=nasty), trouble=nasty,
        failures=(Failure("prayer-20261124-0000000001", Cause("RejectedError", 404, nasty, 12, nasty)),),
    )  # fmt: skip
    for row in frame(shown, State(page=page, message=nasty), 80, 24):
        assert row.plain.isprintable()


def test_the_sparkline_is_as_high_as_its_highest() -> None:
    assert panels.sparkline([0, 1, 2, 4, 8], 10) == "▁▂▃▅█"
    assert panels.sparkline([1, 2, 3], 2) == "▆█"
    assert (panels.sparkline([], 5), panels.sparkline([0.0], 5), panels.sparkline([1.0], 0)) == ("", "▁", "")


VIEWS = tuple(map(view, range(3)))
ONE, TWO, THREE = (one.run.id for one in VIEWS)


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        (["down"], State(selected=TWO)),
        (["j", "j", "j", "j"], State(selected=THREE)),
        (["end", "up"], State(selected=TWO)),
        (["home"], State(selected=ONE)),
        (["enter"], State(page=Page.DETAILS)),
        (["enter", "down", "down"], State(page=Page.DETAILS, top=2)),
        (["e", "esc"], State()),
        (["?", "?"], State()),
        (["c"], State(asks=Act.CANCEL)),
        (["c", "n"], State(message="cancel: no")),
        (["c", "q"], State(message="cancel: no")),
        (["x", "é"], State()),
        (["q"], State(quits=True)),
    ],
    ids=str,
)
def test_keys_lead_from_state_to_state(keys: list[str], expected: State) -> None:
    state = State()
    for key in keys:
        step = press(key, state, VIEWS)
        assert step.act is None
        state = step.state
    assert state == expected


@pytest.mark.parametrize(("keys", "act"), [(["p"], Act.PAUSE), (["r"], Act.RESUME), (["c", "y"], Act.CANCEL)], ids=str)
def test_acts_are_of_the_selected_run(keys: list[str], act: Act) -> None:
    state = press("down", State(), VIEWS).state
    for key in keys[:-1]:
        state = press(key, state, VIEWS).state
    step = press(keys[-1], state, VIEWS)
    assert (step.act, step.run_id) == (act, TWO)


def test_a_run_that_comes_does_not_take_the_place_of_the_selected_one() -> None:
    state = anchored(State(), VIEWS[1:])
    assert state.selected == TWO
    assert anchored(state, VIEWS) == state
    assert press("p", anchored(state, VIEWS), VIEWS).run_id == TWO


def test_where_the_selected_run_is_gone_the_yes_is_not_for_the_next_one() -> None:
    asked = press("c", State(selected=TWO, page=Page.DETAILS, top=3), VIEWS).state
    state = anchored(asked, VIEWS[:1])
    assert state == State(selected=ONE, message=f"{TWO} is no longer there")
    assert press("y", state, VIEWS[:1]).act is None
    assert anchored(State(), ()) == State()


@pytest.mark.parametrize("key", ["p", "r", "c", "e", "enter"])
def test_without_a_run_there_is_nothing_to_act_on(key: str) -> None:
    step = press(key, State(), ())
    assert (step.act, step.state) == (None, State(message="there is no run"))


@pytest.mark.parametrize(
    ("pressed", "keys"),
    [
        (b"\x1b[A\x1bOBj", ["up", "down", "j"]),
        (b"\x1b", ["esc"]),
        (b"\x1b[1;5Cq", ["q"]),
        ("é?".encode(), ["é", "?"]),
        (b"\xff\r", ["enter"]),
        (b"\x1b[5~\x1b[6~", ["page-up", "page-down"]),
    ],
)
def test_what_a_terminal_sends_is_read_as_keys(pressed: bytes, keys: list[str]) -> None:
    assert parsed(pressed) == keys
