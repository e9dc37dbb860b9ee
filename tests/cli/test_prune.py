"""`prune`, and what is said of a run that was pruned."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from synctl.store.db import open_database
from tests.e2e.conftest import Call, Home
from tests.store.databases import migrated
from tests.store.test_retention import Made, make

LAST = Made("succeeded", 1)


@pytest.fixture
def home() -> Iterator[Home]:
    """Runs that ended 100, 100, 40 days ago and yesterday; the second can be retried. No stack."""
    with (
        TemporaryDirectory(prefix="synctl-") as folder,
        migrated("sqlite", Path(folder)) as url,
        closing(open_database(url)) as database,
    ):
        make(
            database,
            Made("succeeded", 100, units=("done",) * 3),
            Made("partial", 100, "other"),
            Made("succeeded", 40),
            LAST,
        )
        with database.write() as transaction:
            transaction.execute("UPDATE run SET changed = 9, id = 'fake-20260101-' || seq")
        yield Home(Path(folder))


def test_a_dry_run_says_what_would_go_and_removes_nothing(home: Home, call: Call) -> None:
    before = home.sql("SELECT * FROM sync_unit")
    said = call(home, "prune", "--dry-run").out
    assert [line.split()[:2] for line in said.splitlines()[2:4]] == [
        ["fake-20260101-1", "succeeded"], ["fake-20260101-2", "partial"],
    ]  # fmt: skip
    assert "3 units, 1 change" in said
    assert "2 units, 1 change; those not done stay" in said
    assert home.sql("SELECT * FROM sync_unit") == before
    assert {one["done"] for one in call(home, "prune", "--dry-run", "--json").json} == {False}


def test_what_it_removed_is_told_once(home: Home, call: Call) -> None:
    removed = call(home, "prune", "--older-than", "30d", "--json").json
    assert [(one["run"], one["scope"], one["units"], one["changes"], one["done"]) for one in removed] == [
        ("fake-20260101-1", "units", 3, 1, True),
        ("fake-20260101-2", "done", 2, 1, True),
        ("fake-20260101-3", "units", 3, 1, True),
    ]
    assert call(home, "prune", "--older-than", "30d").out.startswith("Nothing to prune")
    assert {line["kind"] for line in call(home, "history", "--kind", "pruned", "--json").lines} == {"pruned"}


@pytest.mark.parametrize("json", [(), ("--json",)])
@pytest.mark.parametrize("command", ["units", "changes"])
def test_of_a_pruned_run_one_line_says_so(home: Home, call: Call, command: str, json: tuple[str, ...]) -> None:
    call(home, "prune")
    said = call(home, command, "fake-20260101-1", *json, code=2)
    assert said.out == ""
    assert re.search(r"of fake-20260101-1 were pruned 2\S+Z|what fake-20260101-1 changed was pruned 2\S+Z", said.err)
    assert "`synctl status fake-20260101-1` still counts" in said.err


def test_what_is_left_of_a_run_that_can_be_retried_is_shown(home: Home, call: Call) -> None:
    call(home, "prune")
    assert [unit["state"] for unit in call(home, "units", "fake-20260101-2", "--json").lines] == ["failed"]
    assert "were pruned 2" in call(home, "units", "fake-20260101-2").out
    assert "1 unit failed" in call(home, "errors", "fake-20260101-2").out


def test_errors_are_gone_only_where_there_were_any(home: Home, call: Call) -> None:
    call(home, "prune", "--older-than", "1h")
    assert "No unit of fake-20260101-1 failed" in call(home, "errors", "fake-20260101-1").out
    assert "were pruned" in call(home, "errors", "fake-20260101-3", code=2).err
    shown = call(home, "status", "fake-20260101-3", "--json").json
    assert (shown["done"], shown["failed"], shown["pruned_at"][:1]) == (2, 1, "2")
    assert "  pruned  2" in call(home, "status", "fake-20260101-3").out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--older-than", "soon"], "--older-than 'soon' is no age"),
        (["--runs-older-than", "1d"], "--runs-older-than must be at least 2d"),
    ],
)
def test_an_age_that_cannot_be_is_refused(home: Home, call: Call, arguments: list[str], said: str) -> None:
    assert said in call(home, "prune", *arguments, code=2).err


def test_what_is_kept_is_a_setting(home: Home, call: Call) -> None:
    assert call(home, "prune", "--json", SYNCTL_RETENTION__UNITS="off").json == []
    wrong = call(home, "prune", code=2, SYNCTL_RETENTION__RUNS="1d", SYNCTL_RETENTION__UNITS="never").err
    assert "retention.runs = 1d: must be at least 2d, or off" in wrong or "RETENTION__RUNS" in wrong
