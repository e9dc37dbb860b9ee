"""What `--from`, `--to` and `--date` mean, for every command."""

from __future__ import annotations

from datetime import date

import pytest
import time_machine

from synctl.cli.options import parse_date
from synctl.clock import today, today_in
from synctl.dates import span
from synctl.errors import UsageError

BEFORE, TODAY, AFTER = (date(2026, 11, day) for day in (23, 24, 25))

SPANS: dict[tuple[date | None, date | None], tuple[date, date] | str] = {
    (None, None): (TODAY, TODAY),
    (BEFORE, None): (BEFORE, BEFORE),
    (AFTER, None): (AFTER, AFTER),
    (None, AFTER): (TODAY, AFTER),
    (None, TODAY): (TODAY, TODAY),
    (None, BEFORE): "--to 2026-11-23 lies in the past",
    (BEFORE, AFTER): (BEFORE, AFTER),
    (AFTER, BEFORE): "--from 2026-11-25 lies after --to 2026-11-23",
}


@pytest.mark.parametrize("given", SPANS)
def test_what_from_and_to_mean(given: tuple[date | None, date | None]) -> None:
    try:
        found: object = span(*given, TODAY)
    except UsageError as error:
        found = str(error)
    assert found == SPANS[given]


def test_a_date_is_written_in_one_way_or_in_a_word() -> None:
    assert parse_date(None, "--to", TODAY) is None
    assert [parse_date(text, "--to", TODAY) for text in ("yesterday", "today", "tomorrow", "2026-11-25")] == [
        BEFORE, TODAY, AFTER, AFTER,
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "2026-W01-1", "20260101", "2026-1-1", "2026-02-30", "٢٠٢٦-٠١-٠١", "now"])
def test_what_is_no_date_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match=f"--from '{text}' is no date"):
        parse_date(text, "--from", TODAY)


@time_machine.travel("2026-11-24T12:00:00Z")
def test_today_depends_on_the_place() -> None:
    assert [today(), today_in("Pacific/Kiritimati"), today_in("Pacific/Midway")] == [TODAY, AFTER, TODAY]
