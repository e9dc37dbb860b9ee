"""The state machine: every legal transition is made once, every other one is refused, whoever asks first."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from synctl.errors import ExitCode
from synctl.states import ACTIVE, TERMINAL, TRANSITIONS, RunState, exit_code, outcome
from synctl.store import migrate, runs
from synctl.store.db import Database, open_database
from synctl.store.runs import Actor, NewRun, Run

ACTOR = Actor("somebody", "a test")


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    folder: Path = tmp_path_factory.mktemp("states")
    url = f"sqlite:///{folder}/synctl.db"
    migrate.upgrade(url)
    with closing(open_database(url)) as opened:
        yield opened


def _run_in(database: Database, state: RunState) -> Run:
    with database.write() as transaction:
        transaction.execute("DELETE FROM run")
        transaction.execute("DELETE FROM run_event")
        runs.create(transaction, NewRun("r", "prayer", "calculated", "2026-01-01", "{}", "", 1, 1), ACTOR, "")
        transaction.execute("UPDATE run SET state = :state", state=str(state))
        return runs.get(transaction, "r")


@pytest.mark.parametrize("origin", list(RunState))
@pytest.mark.parametrize("target", list(RunState))
def test_a_transition_is_made_exactly_where_the_table_allows_it(
    database: Database, origin: RunState, target: RunState
) -> None:
    run = _run_in(database, origin)
    with database.write() as transaction:
        changed = runs.transition(transaction, run, target, ACTOR, reason="why")
        after = runs.get(transaction, "r")
    assert changed == (target in TRANSITIONS[origin])
    assert after.state is (target if changed else origin)
    assert (after.finished_at is not None) == (changed and target in TERMINAL)


@settings(max_examples=60, deadline=None)
@given(origin=st.sampled_from(RunState), asked=st.lists(st.sampled_from(RunState), min_size=2, max_size=6))
def test_requests_that_saw_the_same_state_are_judged_by_the_state_as_it_is(
    database: Database, origin: RunState, asked: list[RunState]
) -> None:
    run = _run_in(database, origin)  # all of them hold this, however old it has become
    state = origin
    for target in asked:
        with database.write() as transaction:
            changed = runs.transition(transaction, run, target, ACTOR)
        assert changed == (target in TRANSITIONS[state])
        state = target if changed else state
    with database.read() as transaction:
        assert runs.get(transaction, "r").state is state


@settings(max_examples=40, deadline=None)
@given(
    origin=st.sampled_from(RunState),
    asked=st.lists(st.lists(st.sampled_from(RunState), min_size=1, max_size=4), min_size=2, max_size=4),
)
def test_requests_made_at_the_same_moment_follow_one_legal_path(
    database: Database, origin: RunState, asked: list[list[RunState]]
) -> None:
    run = _run_in(database, origin)
    start = threading.Barrier(len(asked))

    def request(targets: list[RunState]) -> int:
        start.wait()
        made = 0
        for target in targets:
            with database.write() as transaction:
                made += runs.transition(transaction, run, target, ACTOR)
        return made

    with ThreadPoolExecutor(len(asked)) as pool:
        made = sum(pool.map(request, asked))
    with database.write() as transaction:
        path = [event["state"] for event in runs.events(transaction, run.id) if event["kind"] == "state"]
        assert runs.get(transaction, run.id).state == (path or [origin])[-1]
    assert len(path) == made
    assert all(after in TRANSITIONS[RunState(before)] for before, after in pairwise([origin, *path]))


def test_every_state_is_active_or_terminal_and_no_succeeded_run_is_lost() -> None:
    assert set(RunState) == ACTIVE | TERMINAL
    assert TRANSITIONS.keys() == set(RunState)


@pytest.mark.parametrize(
    ("done", "failed", "expected"),
    [(5, 0, RunState.SUCCEEDED), (4, 1, RunState.PARTIAL), (0, 5, RunState.FAILED), (0, 0, RunState.FAILED)],
)
def test_an_outcome_follows_from_the_counts(done: int, failed: int, expected: RunState) -> None:
    assert outcome(done=done, failed=failed) is expected


def test_exit_codes_follow_from_states() -> None:
    codes = {state: exit_code(state) for state in (RunState.SUCCEEDED, RunState.PARTIAL, RunState.PAUSED)}
    assert list(codes.values()) == [ExitCode.OK, ExitCode.PARTIAL, ExitCode.PAUSED]
