"""A line says when, where and what is worked on; no secret gets into it, and no control character to a terminal."""

from __future__ import annotations

import json
import logging
import os
import threading
from typing import Any

import pytest

from synctl.log import bound, in_context
from synctl.log.line import HOST, LONGEST, Line, decode, encode, line_of


def record(message: str, *arguments: object, level: int = logging.INFO, **extra: object) -> logging.LogRecord:
    return logging.getLogger("synctl.test").makeRecord(
        "synctl.test", level, __file__, 1, message, arguments, None, extra=extra
    )


def fields(of: logging.LogRecord) -> dict[str, Any]:
    made: dict[str, Any] = json.loads(encode(line_of(of)))
    return made


def test_a_line_names_run_shard_unit_host_and_process() -> None:
    with bound(run="prayer-1", shard=2), bound(unit="a/b"):
        made = fields(record("%d of %d", 1, 2, level=logging.WARNING))
    assert made.pop("at").endswith("Z")
    assert made == {
        "level": "warning", "host": HOST, "pid": os.getpid(), "logger": "synctl.test", "run": "prayer-1", "shard": 2,
        "unit": "a/b", "message": "1 of 2",
    }  # fmt: skip


def test_what_is_not_known_is_left_out() -> None:
    assert {"run", "shard", "unit", "traceback"}.isdisjoint(fields(record("x")))


def test_the_call_wins_over_what_is_bound() -> None:
    with bound(run="prayer-1"):
        assert fields(record("x", run="quran-2"))["run"] == "quran-2"


def test_what_is_bound_ends_with_its_block() -> None:
    with bound(run="prayer-1"), bound(unit="a"):
        pass
    assert "run" not in fields(record("x"))


def test_a_thread_begins_with_what_was_bound_where_it_was_made() -> None:
    seen: list[dict[str, Any]] = []

    def work() -> None:
        seen.append(fields(record("x")))

    with bound(run="prayer-1"):
        threads = [threading.Thread(target=work), threading.Thread(target=in_context(work))]
    for thread in threads:
        thread.start()
        thread.join()
    assert ["run" in one for one in seen] == [False, True]


@pytest.mark.parametrize(
    ("number", "name"),
    [(5, "debug"), (10, "debug"), (20, "info"), (25, "info"), (30, "warning"), (40, "error"), (50, "error")],
)
def test_levels_have_four_names(number: int, name: str) -> None:
    assert fields(record("x", level=number))["level"] == name


def test_no_secret_is_written_in_a_message_or_a_traceback() -> None:
    url = "redis://me:hush@h:1/0"
    error = ConnectionError(f"cannot reach {url}, headers {{'Authorization': 'Bearer hush'}}")
    failed = record("Redis %s?password=hush", url)
    failed.exc_info = (ConnectionError, error, None)
    line = line_of(failed)
    assert "hush" not in encode(line).decode() + line.text()
    assert line.message == "Redis redis://me:***@h:1/0?password=***"
    assert "ConnectionError: cannot reach redis://me:***@h:1/0" in (line.traceback or "")


def test_a_secret_that_would_be_cut_in_two_is_hidden_whole() -> None:
    before = "x" * (LONGEST // 2 - len(" redis://me:hush"))
    line = line_of(record("%s", f"{before} redis://me:hushhush@h:1/0 {'y' * LONGEST}"))
    assert "hush" not in line.message


def test_a_line_is_one_line_whatever_is_in_it() -> None:
    nasty = 'a\nb "run":"x" \x1b[31m \udcff ' + "y" * 2 * LONGEST
    written = encode(line_of(record("%s", nasty)))
    assert written.count(b"\n") == 1
    assert b'"run":"x"' not in written
    line = decode(written)
    assert line is not None
    assert len(line.message) < LONGEST + 100
    assert "\x1b" not in line.text()


def test_text_is_for_people() -> None:
    line = Line(
        at="2026-11-24T16:00:00.123Z", level="error", host="vm", pid=7, logger="synctl.job", run="prayer-1", shard=0,
        message="failed", traceback="Traceback",
    )  # fmt: skip
    assert line.text() == "2026-11-24T16:00:00.123Z ERROR   vm:7 synctl.job run=prayer-1 shard=0: failed\nTraceback"
    assert " run=" not in line.text(without="prayer-1")


@pytest.mark.parametrize("raw", [b"", b"{", b'{"at":1}', b"\xff", b"[]"])
def test_what_is_no_line_is_none(raw: bytes) -> None:
    assert decode(raw) is None
