"""`--dry-run` of an order says what the order itself then says."""

from __future__ import annotations

import pytest

from tests.e2e.conftest import Call, Home

YEAR = ("enqueue", "prayer", "--city", "London", "--methods", "3", "--year", "2027")
MARCH = (*YEAR[:-2], "--from", "2027-03-01", "--to", "2027-03-31")


@pytest.fixture
def stack(home: Home) -> Home:
    """A stack whose runs wait until a test works on them."""
    home.environment["SYNCTL_WORKERS__PRAYER"] = "0"
    home.run("up")
    return home


def test_a_dry_run_foresees_who_is_ahead_and_what_is_fresh(stack: Home, call: Call) -> None:
    ahead = call(stack, *YEAR, "--json").json["run"]
    foreseen = call(stack, *MARCH, "--dry-run", "--json").json
    assert (foreseen["state"], foreseen["why"], foreseen["waits_for"]) == (None, "created", ahead)
    assert (foreseen["units"], foreseen["fresh"], foreseen["asked"]) == (2, 0, 2)
    said = call(stack, *MARCH, "--dry-run").out
    assert said.startswith(f"{foreseen['run']}  would be queued (waiting for {ahead})\n")
    refused = [call(stack, *MARCH, "--no-wait", *more, code=8).err for more in (("--dry-run",), ())]
    assert refused[0] == refused[1]
    assert refused[0].startswith(f"synctl: {ahead} is ahead and stores some of the same rows: queued, ")

    stack.run("worker", "prayer", "--burst")
    foreseen = call(stack, *MARCH, "--dry-run", "--json").json
    assert (foreseen["waits_for"], foreseen["fresh"], foreseen["asked"]) == (None, 2, 0)
    said = call(stack, *MARCH, "--dry-run").out
    assert said.endswith("  2 units fresh already: nothing would be asked for\n")
    assert call(stack, *MARCH, "--force", "--dry-run", "--json").json["asked"] == 2
    ordered = call(stack, *MARCH, "--json").json
    assert (ordered["run"], ordered["why"], ordered["fresh"]) == (foreseen["run"], foreseen["why"], 2)


def test_a_dry_run_of_what_waits_already_says_so(stack: Home, call: Call) -> None:
    ahead = call(stack, *YEAR, "--json").json["run"]
    run = call(stack, *MARCH, "--json").json["run"]
    said = call(stack, *MARCH, "--dry-run").out
    assert said.startswith(f"{run}  exists already and is queued: nothing would be queued (waiting for {ahead})\n")
    assert call(stack, *MARCH, "--dry-run", "--no-wait", code=8).err == call(stack, *MARCH, "--no-wait", code=8).err
