"""What a command sees while Redis is away, and for how long it waits."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import pytest
from redis.exceptions import ConnectionError as GoneError

from synctl.cli import outage
from synctl.cli.outage import Outage
from synctl.cli.session import Session
from synctl.config import Settings
from synctl.errors import RedisUnreachable


@pytest.fixture
def session(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Session:
    """Each look at the clock is a second later."""
    seconds = map(float, count())
    monkeypatch.setattr(outage, "monotonic", lambda: next(seconds))
    return Session(Settings(home=tmp_path))


def gone() -> str:
    raise GoneError("Error 111 connecting to a socket. Connection refused.")


def test_where_somebody_looks_on_there_is_no_end_to_patience(session: Session) -> None:
    watched = Outage(session, None)
    assert watched.spanned(lambda: "all", lambda: "less") == "all"
    assert [watched.spanned(gone, lambda: "less") for _ in range(100)] == ["less"] * 100
    assert watched.trouble == f"Redis {session.redis_url}: nothing listens there"
    assert watched.lasted_s > 0
    assert watched.spanned(lambda: "all", lambda: "less") == "all"
    assert (watched.trouble, watched.lasted_s) == ("", 0.0)


def test_patience_is_for_each_outage_and_ends_with_a_line_that_names_the_server(session: Session) -> None:
    followed = Outage(session, 3.0)
    for _ in range(3):
        assert [followed.spanned(gone, lambda: "less") for _ in range(3)] == ["less"] * 3
        assert followed.spanned(lambda: "all", lambda: "less") == "all"
    assert [followed.spanned(gone, lambda: "less") for _ in range(3)] == ["less"] * 3
    with pytest.raises(RedisUnreachable, match="nothing listens there") as raised:
        followed.spanned(gone, lambda: "less")
    assert raised.value.hint == "start the local stack with `synctl up`"
