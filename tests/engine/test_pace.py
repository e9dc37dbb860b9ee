"""How soon threads take turns follows from how long the host is waited for."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import closing

import pytest

from synctl.engine.pace import FAR_S, RECENT, SOON_S, Pace

USUAL_S = 0.005


@pytest.fixture(autouse=True)
def _restored() -> Iterator[None]:
    before = sys.getswitchinterval()
    sys.setswitchinterval(USUAL_S)
    yield
    sys.setswitchinterval(before)


def test_threads_take_turns_sooner_while_a_host_is_far_away() -> None:
    with closing(Pace()) as pace:
        assert sys.getswitchinterval() == pytest.approx(SOON_S)  # nobody knows yet
        pace.took(2 * FAR_S)
        assert sys.getswitchinterval() == pytest.approx(SOON_S)
        pace.took(FAR_S / 10)
        assert sys.getswitchinterval() == pytest.approx(USUAL_S)
        for _ in range(RECENT):
            pace.took(2 * FAR_S)
        assert sys.getswitchinterval() == pytest.approx(SOON_S)


def test_requests_that_wait_for_their_own_thread_make_no_host_a_far_one() -> None:
    with closing(Pace()) as pace:
        for _ in range(RECENT):
            for seconds in (*[3 * FAR_S] * (RECENT // 2), 30.0, FAR_S / 10):
                pace.took(seconds)
            assert sys.getswitchinterval() == pytest.approx(USUAL_S)


def test_the_interval_is_left_as_it_was_found() -> None:
    with closing(Pace()) as pace:
        pace.took(1.0)
    assert sys.getswitchinterval() == pytest.approx(USUAL_S)
    pace.took(1.0)  # a thread that nobody joins
    assert sys.getswitchinterval() == pytest.approx(USUAL_S)
