"""Quarantine, verify, changes and freshness, with the real command and the stand-in."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import Any

import pytest

from tests.e2e.conftest import Call, Home
from tests.upstream import aladhan
from tests.upstream.server import Asked, LoopbackServer, Reply

LONDON = ("prayer", "--city", "London", "--madhab", "shafi")
MARCH = ("--from", "2026-03-01", "--to", "2026-03-31")
KEY = "2643743/3/0/2026-03-01..2026-03-31"
ALADHAN = ("--source", "aladhan", "--wait")


@dataclass
class Upstream:
    """The stand-in, whose answers a test may bend."""

    bend: Callable[[list[dict[str, Any]]], None] | None = None
    requests: int = 0

    def __call__(self, asked: Asked) -> Reply:
        self.requests += 1
        reply = aladhan.answer(asked)
        if self.bend is None:
            return reply
        body = json.loads(reply.plain)
        self.bend(body["data"])
        return Reply(200, json.dumps(body).encode())


def earlier_isha(days: list[dict[str, Any]]) -> None:
    days[14]["timings"]["Isha"] = "19:20 (GMT)"


@pytest.fixture(scope="module")
def upstream() -> Upstream:
    return Upstream()


@pytest.fixture(scope="module")
def served(module_home: Home, upstream: Upstream) -> Iterator[Home]:
    with LoopbackServer(upstream) as server:
        module_home.use(server)
        module_home.run("up")
        yield module_home


@pytest.fixture
def stack(served: Home, upstream: Upstream) -> Home:
    """Nothing is stored and nothing known."""
    upstream.bend, upstream.requests = None, 0
    for table in ("sync_unit", "unit_change", "run", "quarantine", "waiver", "prayer_time", "stored_unit"):
        write(served, f"DELETE FROM {table}")
    return served


def write(home: Home, statement: str, *parameters: object) -> None:
    with closing(sqlite3.connect(home.path / "synctl.db", timeout=60)) as database, database:
        database.execute(statement, parameters)


def test_a_refused_unit_is_listed_shown_accepted_and_stored(stack: Home, upstream: Upstream, call: Call) -> None:
    assert call(stack, "quarantine", "list").out == "Nothing is in quarantine.\n"
    upstream.bend = earlier_isha
    said = call(stack, "enqueue", *LONDON, "--methods", "3", *MARCH, *ALADHAN, code=4).out
    run = said.split()[0]
    assert "1 failed, of them 1 quarantined" in said

    (listed,) = call(stack, "quarantine", "list", "--rule", "prayer.jump", "--json").lines
    assert (listed["resource"], listed["unit"], listed["run"]) == ("prayer", KEY, run)
    assert not listed["accepted"]
    assert call(stack, "quarantine", "list", "--rule", "prayer.sun", "--json").lines == []
    assert KEY in call(stack, "quarantine", "list").out

    shown = call(stack, "quarantine", "show", f"prayer:{KEY}", "--json").json
    assert (shown["sample"]["date"], shown["sample"]["Isha"]) == ("2026-03-15", "19:20")
    assert "15 minutes" in shown["demands"]
    assert shown["stored"] is None
    assert "Isha: 19:20" in call(stack, "quarantine", "show", KEY).out

    said = call(stack, "quarantine", "accept", KEY, "--reason", "it is so").out
    assert f"retry {run}" in said
    assert call(stack, "quarantine", "list", "--json").lines[0]["accepted"]
    call(stack, "retry", run, "--wait")
    assert call(stack, "quarantine", "list", "--json").lines == []
    assert stack.sql("SELECT isha FROM prayer_time WHERE day = 20527") == [(19 * 60 + 20,)]
    (event,) = [event for event in call(stack, "history", run, "--json").lines if event["kind"] == "accepted"]
    assert event["reason"] == f"{KEY}: prayer.jump; it is so"
    assert call(stack, "verify", "prayer").out.startswith("prayer: all well")  # what was accepted is not found again


def test_a_rejected_finding_is_gone_and_the_unit_stays_as_it_was(stack: Home, upstream: Upstream, call: Call) -> None:
    selection = (*LONDON, "--methods", "3", *MARCH, *ALADHAN)
    call(stack, "enqueue", *selection)
    before = stack.sql("SELECT * FROM prayer_time")
    upstream.bend = earlier_isha
    call(stack, "enqueue", *selection, "--force", code=4)
    assert call(stack, "quarantine", "show", KEY, "--json").json["stored"]["rows"] == 31
    assert call(stack, "quarantine", "reject", "--rule", "prayer.jump", "--json").lines == [
        {"resource": "prayer", "unit": KEY, "rule": "prayer.jump", "action": "rejected"}
    ]
    assert stack.sql("SELECT * FROM prayer_time") == before
    assert stack.sql("SELECT count(*) FROM waiver") == [(0,)]


@pytest.mark.parametrize(
    "arguments",
    [
        ("list", KEY),
        ("show",),
        ("show", "a", "b"),
        ("show", "nothing"),
        ("accept",),
        ("accept", "x"),
        ("reject", "x:y"),
    ],
    ids=" ".join,
)
def test_nonsense_is_a_usage_error(stack: Home, call: Call, arguments: tuple[str, ...]) -> None:
    call(stack, "quarantine", *arguments, code=2)


DAMAGES = {
    "prayer.dates": "DELETE FROM prayer_time WHERE day = 20527",
    "prayer.utc-offset": "UPDATE prayer_time SET utc_offset = 3600 WHERE day = 20527",
    "prayer.order": "UPDATE prayer_time SET fajr = sunrise + 1 WHERE day = 20527",
    "prayer.sun": "UPDATE prayer_time SET sunset = sunset + 30, maghrib = maghrib + 30 WHERE day = 20527",
    "prayer.jump": "UPDATE prayer_time SET fajr = fajr - 20 WHERE day = 20527",
    "prayer.origin": "DELETE FROM stored_unit",
    "prayer.city": "UPDATE prayer_time SET city_id = 999999999",
}


@pytest.mark.parametrize("rule", DAMAGES)
def test_verify_finds_what_was_damaged(stack: Home, call: Call, rule: str) -> None:
    call(stack, "enqueue", *LONDON, "--methods", "3", *MARCH, "--wait")
    assert call(stack, "verify", "--json").lines == []
    write(stack, DAMAGES[rule])
    found = call(stack, "verify", "prayer", "--json", code=3).lines
    assert rule in {finding["rule"] for finding in found}
    assert all(finding["resource"] == "prayer" and finding["subject"] for finding in found)
    assert f"1 × {rule}" in call(stack, "verify", code=3).out


def test_verify_compares_the_madhabs(stack: Home, call: Call) -> None:
    call(stack, "enqueue", "prayer", "--city", "London", "--methods", "3", *MARCH, "--wait")
    write(
        stack,
        "UPDATE prayer_time SET asr ="
        " (SELECT s.asr FROM prayer_time s WHERE s.madhab_id = 0 AND s.day = prayer_time.day)",
    )
    found = call(stack, "verify", "prayer", "--json", code=3).lines
    assert {finding["rule"] for finding in found} == {"prayer.hanafi-asr", "prayer.agreement"}
    assert any("not later than" in finding["message"] for finding in found)


def test_an_unknown_resource_cannot_be_verified(stack: Home, call: Call) -> None:
    assert "did you mean prayer" in call(stack, "verify", "prayr", code=2).err


def test_changes_are_shown_old_beside_new(stack: Home, call: Call) -> None:
    selection = (*LONDON, "--methods", "3", *MARCH, "--wait")
    run = call(stack, "enqueue", *selection).out.split()[0]
    assert call(stack, "changes", run).out == f"{run} changed nothing that was stored before.\n"
    write(stack, "UPDATE prayer_time SET isha = isha + 5 WHERE day = 20527")
    write(stack, "DELETE FROM prayer_time WHERE day = 20530")
    call(stack, "enqueue", *selection, "--force")
    lines = call(stack, "changes", run).out.splitlines()
    assert lines == [
        KEY,
        "  London, GB, 2026-03-15: Isha 19:56 → 19:51",
        "  London, GB, 2026-03-18: new",
    ]
    changed, added = call(stack, "changes", run, "--json").lines
    assert (changed["unit"], changed["table"], changed["key"]["day"]) == (KEY, "prayer_time", 20527)
    assert changed["old"]["isha"] - changed["new"]["isha"] == 5
    assert added["old"] is None
    assert "1 unchanged" not in call(stack, "status", run).out


def test_what_is_new_enough_is_not_asked_for(stack: Home, upstream: Upstream, call: Call) -> None:
    call(stack, "enqueue", *LONDON, "--methods", "3", *MARCH, *ALADHAN)
    assert upstream.requests == 1
    wider = (*LONDON, "--methods", "3,4", *MARCH, *ALADHAN)
    foreseen = call(stack, "enqueue", *wider[:-1], "--if-stale", "7d", "--dry-run", "--json").json
    assert (foreseen["units"], foreseen["fresh"], foreseen["asked"]) == (2, 1, 1)
    said = call(stack, "enqueue", *wider[:-1], "--if-stale", "7d", "--dry-run").out
    assert said.endswith("  1 unit fresh already: nothing would be asked for\n")
    ordered = call(stack, "enqueue", *wider[:-1], "--if-stale", "7d", "--json").json
    assert (ordered["units"], ordered["fresh"]) == (2, 1)
    run = ordered["run"]
    call(stack, "watch", run, "--exit")
    assert upstream.requests == 2
    view = call(stack, "status", run, "--json").json
    assert (view["state"], view["done"], view["unchanged"], view["rows"]) == ("succeeded", 2, 1, 62)
    again = call(stack, "enqueue", *LONDON, "--methods", "4", *MARCH, *ALADHAN, "--if-stale", "7d").out
    assert "1 unit fresh already" in again
    assert "succeeded" in again
    assert "1 unchanged" in again
    assert upstream.requests == 2


@pytest.mark.parametrize(
    ("meanwhile", "options"),
    [
        ("UPDATE stored_unit SET synced_at = synced_at - 8 * 86400000", ("--if-stale", "7d")),
        ("UPDATE stored_unit SET source = 'calculated'", ("--if-stale", "7d")),
        (
            "INSERT INTO quarantine SELECT resource, key, 'r', '', '', source, 'x', 0 FROM stored_unit",
            ("--if-stale", "7d"),
        ),
        ("UPDATE stored_unit SET synced_at = synced_at + 0", ()),
    ],
    ids=["old", "another source", "its newest answer was refused", "not asked for freshness"],
)
def test_what_is_not_new_enough_is_asked_for(
    stack: Home, upstream: Upstream, call: Call, meanwhile: str, options: tuple[str, ...]
) -> None:
    call(stack, "enqueue", *LONDON, "--methods", "3", *MARCH, *ALADHAN)
    write(stack, meanwhile)
    call(stack, "enqueue", *LONDON, "--methods", "3,4", *MARCH, *ALADHAN, *options)
    assert upstream.requests == 3


def test_a_month_of_a_year_that_was_synced_today_is_not_asked_for(stack: Home, upstream: Upstream, call: Call) -> None:
    call(stack, "enqueue", *LONDON, "--methods", "3", "--year", "2026", *ALADHAN)
    said = call(stack, "enqueue", *LONDON, "--methods", "3", "--from", "2026-03-05", "--to", "2026-04-30", *ALADHAN).out
    assert "2 units fresh already" in said
    assert "57 rows" in said
    assert upstream.requests == 1
    call(stack, "enqueue", *LONDON, "--methods", "3", *MARCH, *ALADHAN, "--force")
    assert upstream.requests == 2


def test_force_and_if_stale_exclude_each_other(stack: Home, call: Call) -> None:
    assert "exclude" in call(stack, "enqueue", *LONDON, *MARCH, "--force", "--if-stale", "1d", code=2).err
    assert "--if-stale 'soon' is no age" in call(stack, "enqueue", *LONDON, *MARCH, "--if-stale", "soon", code=2).err
