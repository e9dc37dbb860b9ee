"""What a worker's log says where RQ would write a traceback."""

from __future__ import annotations

import io
import logging
from collections.abc import Iterator

import pytest
from redis.exceptions import ConnectionError as RedisGone

from synctl.config import Settings
from synctl.engine.worker import SyncWorker


@pytest.fixture
def told(settings: Settings, valkey_url: str) -> Iterator[io.StringIO]:
    SyncWorker(settings, valkey_url, "prayer")
    SyncWorker(settings, valkey_url, "prayer")  # the second one must not have it told twice
    handler = logging.StreamHandler(said := io.StringIO())
    logging.getLogger("rq.worker").addHandler(handler)
    yield said
    logging.getLogger("rq.worker").removeHandler(handler)


def fail(error: Exception) -> None:
    logging.getLogger("rq.worker").error(
        "Worker %s: found an unhandled exception, quitting...", "w1", exc_info=(type(error), error, None)
    )


def test_a_redis_that_is_gone_is_told_in_a_line(told: io.StringIO) -> None:
    fail(RedisGone("Error 2 connecting to unix socket"))
    assert told.getvalue() == (
        "Worker w1: found an unhandled exception, quitting... Redis: Error 2 connecting to unix socket\n"
    )


def test_what_nobody_expected_keeps_its_traceback(told: io.StringIO) -> None:
    fail(KeyError("surprise"))
    assert told.getvalue().splitlines()[1:] == ["KeyError: 'surprise'"]
