"""What the operator does to the view: which run is selected, which page is open, what a key means there."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Final

import msgspec
from msgspec.structs import replace

from synctl.engine.view import RunView


class Page(StrEnum):
    """What fills the screen."""

    RUNS = "runs"
    DETAILS = "details"
    ERRORS = "errors"
    HELP = "help"


class Act(StrEnum):
    """What is done to a run. Each is a request, as the command of that name makes it."""

    PAUSE = "pause"
    RESUME = "resume"
    CANCEL = "cancel"


class State(msgspec.Struct, frozen=True):
    """`selected` is a run's id, empty: none was shown yet. `asks`: the act that waits for a yes about that run.

    `top` is the first line of a page.
    """

    page: Page = Page.RUNS
    selected: str = ""
    top: int = 0
    asks: Act | None = None
    message: str = ""
    quits: bool = False


class Step(msgspec.Struct, frozen=True):
    """What a key leads to: another state, and perhaps an act on a run."""

    state: State
    act: Act | None = None
    run_id: str = ""


_ACTS: Final = {"p": Act.PAUSE, "r": Act.RESUME}
_PAGES: Final = {"e": Page.ERRORS, "enter": Page.DETAILS, "?": Page.HELP, "h": Page.HELP}
_MOVES: Final = {"up": -1, "k": -1, "down": 1, "j": 1, "page-up": -10, "page-down": 10, "home": -10_000, "end": 10_000}
_BACK: Final = frozenset({"esc", "left", "backspace"})


def press(key: str, state: State, views: Sequence[RunView]) -> Step:
    """Return what a key does. A key that means nothing does nothing."""
    state = replace(state, message="")
    run = chosen(state, views)
    for meaning in (_answer, _leave, _act, _open):
        if (step := meaning(key, state, run)) is not None:
            return step
    return Step(_moved(state, views, _MOVES[key]) if key in _MOVES else state)


def _answer(key: str, state: State, run: RunView | None) -> Step | None:
    if state.asks is None:
        return None
    asked, state = state.asks, replace(state, asks=None)
    if key == "y" and run is not None:
        return Step(state, asked, run.run.id)
    return Step(replace(state, message=f"{asked}: no"))


def _leave(key: str, state: State, _run: RunView | None) -> Step | None:
    if key in ("q", "ctrl-d"):
        return Step(replace(state, quits=True))
    if key in _BACK or _PAGES.get(key) is state.page:
        return Step(replace(state, page=Page.RUNS, top=0))
    return None


def _act(key: str, state: State, run: RunView | None) -> Step | None:
    if key not in (*_ACTS, "c"):
        return None
    if run is None:
        return Step(replace(state, message="there is no run"))
    return Step(replace(state, asks=Act.CANCEL)) if key == "c" else Step(state, _ACTS[key], run.run.id)


def _open(key: str, state: State, run: RunView | None) -> Step | None:
    page = _PAGES.get(key)
    if page is None:
        return None
    if run is None and page is not Page.HELP:
        return Step(replace(state, message="there is no run"))
    return Step(replace(state, page=page, top=0))


def chosen(state: State, views: Sequence[RunView]) -> RunView | None:
    """Return the selected run, or the first where that is gone."""
    return next((view for view in views if view.run.id == state.selected), views[0] if views else None)


def anchored(state: State, views: Sequence[RunView]) -> State:
    """Return the state with a run selected that is shown, so that one which comes does not take the place of another.

    Where the selected one is gone, nothing is asked of the next, and it is said.
    """
    run = chosen(state, views)
    if run is None or run.run.id == state.selected:
        return state
    gone = f"{state.selected} is no longer there" if state.selected else ""
    page = Page.HELP if state.page is Page.HELP else Page.RUNS
    return replace(state, selected=run.run.id, page=page, top=0, asks=None, message=gone)


def place(state: State, views: Sequence[RunView]) -> int:
    """Return the place of the selected run."""
    run = chosen(state, views)
    return 0 if run is None else views.index(run)


def _moved(state: State, views: Sequence[RunView], by: int) -> State:
    if state.page is not Page.RUNS:
        return replace(state, top=max(0, state.top + by))  # the page itself knows its last line
    if not views:
        return state
    at = min(max(place(state, views) + by, 0), len(views) - 1)
    return replace(state, selected=views[at].run.id)
