"""Every command for people, once, on a stack without workers; and the ways to run a stack that are not `synctl up`."""

from __future__ import annotations

import re
import signal
import socket
import tempfile
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from rich.console import Console

from synctl.cli import listing
from synctl.engine import queues
from synctl.engine.connect import connect_cli
from synctl.engine.server import EmbeddedServer
from synctl.engine.supervisor import SupervisorLock
from synctl.store import migrate
from tests.e2e.conftest import Call, Home, made_home, until
from tests.upstream.aladhan import serve
from tests.upstream.faults import Faults, parse
from tests.upstream.server import LoopbackServer

NO_WORKERS = {"SYNCTL_WORKERS__PRAYER": "0"}
LONDON = ("prayer", "--city", "London", "--madhab", "shafi", "--from", "2026-03-01", "--to", "2026-03-31")
HALF_WRONG = ("enqueue", *LONDON, "--methods", "3,4", "--source", "aladhan")
RIGHT = ("enqueue", *LONDON, "--methods", "1", "--source", "calculated")


@pytest.fixture(scope="module")
def upstream() -> Iterator[LoopbackServer]:
    with serve(Faults(*parse("wrong-school@method=4"))) as server:
        yield server


@pytest.fixture(scope="module")
def stack(module_home: Home, upstream: LoopbackServer) -> Home:
    """Nothing works here but what a test starts by hand."""
    module_home.use(upstream, **NO_WORKERS)
    module_home.run("up")
    _is_supervised(module_home)
    return module_home


@pytest.fixture(scope="module")
def partial(stack: Home) -> str:
    """A run of two units, one of which failed."""
    run_id: str = stack.json(*HALF_WRONG, "--reason", "the reason")["run"]
    stack.run("worker", "prayer", "--burst")
    return run_id


def test_status_lists_runs_and_shows_one_in_full(stack: Home, partial: str, call: Call) -> None:
    head, _, row = call(stack, "status").out.splitlines()[:3]
    assert head.split() == ["RUN", "STATE", "UNITS", "FAILED", "ROWS", "RATE", "LEFT", "AGE", "WHAT"]
    assert row.split()[:5] == [partial, "partial", "1/2", "1", "31"]
    assert "London, GB × 2 methods" in row
    said = call(stack, "status", partial[-6:]).out
    assert f"     run  {partial}\n" in said
    assert "   state  partial (1 of 2 units failed)\n" in said
    assert "   units  1 done, 1 failed, 0 open\n" in said
    assert "   error  1 × MismatchError: prayer.school" in said
    assert call(stack, "status", "--state", "failed").out == "No such runs. `synctl status` shows all.\n"
    assert "did you mean partial" in call(stack, "status", "--state", "partail", code=2).err


def test_units_lists_the_ledger(stack: Home, partial: str, call: Call) -> None:
    head, _, *rows = call(stack, "units", partial).out.splitlines()
    assert head.split() == ["UNIT", "STATE", "TRIES", "ROWS", "MS", "ERROR"]
    assert {(row.split()[0].split("/")[1], row.split()[1]) for row in rows if "2643743/" in row} == {
        ("3", "done"),
        ("4", "quarantined"),
    }
    assert len(call(stack, "units", partial, "--limit", "1", "--json").lines) == 1
    (failed,) = call(stack, "units", partial, "--state", "quarantined", "--json").lines
    assert (failed["error"], failed["rows"]) == ("MismatchError", 0)


def test_errors_groups_failures_by_cause(stack: Home, partial: str, call: Call) -> None:
    said = call(stack, "errors", partial).out
    assert said.startswith(f"{partial}: 1 unit failed\n")
    assert "MismatchError" in said
    assert "1 attempt: prayer.school" in said
    assert said.endswith(f"`synctl retry {partial}` queues them again.\n")


def test_history_says_who_did_what_and_why(
    stack: Home, partial: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, head, _, *rows = call(stack, "history", partial).out.splitlines()
    assert run == partial
    assert head.split() == ["AT", "WHAT", "WHO", "FROM", "WHY"]
    assert [row.split()[1] for row in rows] == ["created", "running", "partial"]
    assert "the reason" in rows[0]
    assert "1 of 2 units failed" in rows[2]
    assert call(stack, "history", partial, "--limit", "1", "--json").lines[0]["state"] == "partial"
    monkeypatch.setattr(listing, "console", lambda: Console(width=80, highlight=False))
    narrow = call(stack, "history").out.splitlines()
    assert narrow[0].split() == ["AT", "RUN", "WHAT", "WHY"]
    assert max(map(len, narrow)) <= 80


def test_the_log_of_a_run_names_its_units_shard_and_host(stack: Home, partial: str, call: Call) -> None:
    lines = call(stack, "logs", partial, "--json").lines
    assert [line["message"] for line in lines if line["logger"] == "synctl.job"] == [
        "taken, epoch 1: 0 of 2 units are settled",
        "ended, drained: partial",
    ]
    (refused,) = [line for line in lines if line["level"] == "warning"]
    assert refused["message"].startswith("refused after 1 attempt: prayer.school")
    assert refused["unit"] in call(stack, "units", partial, "--state", "quarantined").out
    assert {(line["run"], line["shard"], line["host"]) for line in lines} == {(partial, 0, socket.gethostname())}
    assert call(stack, "logs", partial, "--level", "warning").out.count("\n") == 1
    assert " listens on prayer-sync" in call(stack, "logs").out


@pytest.mark.usefixtures("partial")
def test_show_prints_a_day_and_a_range(stack: Home, call: Call, monkeypatch: pytest.MonkeyPatch) -> None:
    said = call(stack, "show", "prayer", "--city", "London", "--date", "2026-03-29").out
    title = "London, GB (Europe/London), method 3: Muslim World League"
    assert said.startswith(f"{title}, Sunday 29 March 2026\n")
    assert "Fajr" in said
    assert "from aladhan, synced " in said
    span = ("--from", "2026-03-28", "--to", "2026-03-30")
    said = call(stack, "show", "prayer", "--city", "London", *span).out
    assert said.startswith(f"{title}\n")
    assert [line.split()[0] for line in said.splitlines() if line.startswith("2026-")] == [
        "2026-03-28", "2026-03-29", "2026-03-30",
    ]  # fmt: skip
    assert said.splitlines()[1].split()[-1] == "LASTTHIRD"
    monkeypatch.setattr(listing, "console", lambda: Console(width=80, highlight=False))
    narrow = call(stack, "show", "prayer", "--city", "London", *span).out.splitlines()[1:-1]
    assert max(map(len, narrow)) <= 80
    assert narrow[0].split() == ["DATE", "MADHAB", "FAJR", "SUNRISE", "DHUHR", "ASR", "SUNSET", "MAGHRIB", "ISHA"]
    assert all(re.fullmatch(r"2026-03-\d\d +shafi( +\d\d:\d\d){7}", line) for line in narrow[2:])


def test_db_shows_and_keeps_the_revision(stack: Home, call: Call) -> None:
    for action in ("current", "upgrade"):
        assert call(stack, "db", action).out == f"revision {migrate.HEAD}, head {migrate.HEAD}\n"
    assert call(stack, "db", "current", "--json").json == {"revision": migrate.HEAD, "head": migrate.HEAD}


def test_a_dry_run_says_what_would_be_queued_and_queues_nothing(stack: Home, call: Call) -> None:
    order = ("enqueue", *LONDON, "--methods", "5", "--dry-run")
    planned = call(stack, *order, "--json").json
    assert (planned["units"], planned["source"]) == (1, "calculated")
    assert (planned["state"], planned["why"], planned["asked"]) == (None, "created", 1)
    assert call(stack, *order).out.startswith(f"{planned['run']}  would be queued\n")
    assert "no run" in call(stack, "status", planned["run"], code=2).err
    assert "nothing to wait for" in call(stack, *order, "--wait", code=2).err


def test_an_order_is_queued_joined_worked_on_by_hand_fresh_and_forced(stack: Home, call: Call) -> None:
    said = call(stack, *RIGHT)
    run_id, _, word = said.out.splitlines()[0].partition("  ")

    def foreseen(*more: str) -> str:
        return call(stack, *RIGHT, "--dry-run", *more).out.splitlines()[0].removeprefix(f"{run_id}  ")

    assert (word, said.err.partition(";")[0]) == ("queued", "synctl: no worker listens on prayer-sync")
    assert call(stack, *RIGHT).out.splitlines()[0] == f"{run_id}  exists already and is queued"
    assert foreseen() == "exists already and is queued: nothing would be queued"
    for more in ((), ("--dry-run",)):
        assert "cannot be forced now" in call(stack, *RIGHT, "--force", *more, code=8).err
    stack.run("worker", "prayer", "--burst")
    assert foreseen() == "is fresh, it succeeded today: nothing would be queued"
    assert foreseen("--force") == "would be queued again in full, as forced"
    assert call(stack, *RIGHT, "--dry-run", "--json").json["asked"] == 0
    assert call(stack, *RIGHT).out.splitlines()[0] == f"{run_id}  is fresh: it succeeded today"
    forced = call(stack, *RIGHT, "--force", "--json").json
    assert (forced["run"], forced["why"], forced["done"]) == (run_id, "forced", 0)
    call(stack, "cancel", run_id)
    assert foreseen() == "only the 1 unit left would be queued again"
    assert call(stack, *RIGHT, "--json").json["why"] == "retried"
    assert call(stack, "cancel", run_id).out == f"{run_id} cancelled, 0 of 1 units done\n"


def test_retry_waits_for_the_failed_unit_alone(stack: Home, upstream: LoopbackServer, call: Call) -> None:
    order = ("enqueue", *LONDON, "--methods", "2,4", "--source", "aladhan")
    run_id = call(stack, *order, "--json").json["run"]
    stack.run("worker", "prayer", "--burst")
    upstream.faults.rules = []
    waiting = stack.start("retry", run_id, "--wait")
    until(lambda: call(stack, "status", run_id, "--json").json["state"] == "queued")
    stack.run("worker", "prayer", "--burst")
    out, err = waiting.communicate(timeout=60)
    assert (waiting.returncode, err) == (0, "")
    first, last = out.splitlines()
    assert first == f"{run_id}  1 unit queued again"
    assert last.startswith(f"{run_id}  succeeded, 2/2 units, 62 rows, ")
    assert call(stack, "retry", run_id).out == f"{run_id}  has nothing to retry: it succeeded\n"
    assert call(stack, "retry", run_id, "--json").json["why"] == "succeeded"


def test_all_runs_are_paused_resumed_cancelled_and_retried_at_once(stack: Home, call: Call) -> None:
    one, other = (
        call(stack, "enqueue", "prayer", "--city", city, "--methods", "3", "--json").json["run"]
        for city in ("Lahore", "Paris")
    )
    assert call(stack, "pause", "--all", "--resource", "quran").out == "No run to pause.\n"
    assert (
        "no resource 'pryer' (did you mean prayer?)" in call(stack, "pause", "--all", "--resource", "pryer", code=2).err
    )
    said = call(stack, "pause", "--all", "--resource", "prayer", "--wait", "--reason", "all of them").out
    assert said == f"{one} paused, 0 of 2 units done\n{other} paused, 0 of 2 units done\n"
    assert call(stack, "pause", "--all", "--json").lines == []
    assert [(run["run"], run["state"]) for run in call(stack, "resume", "--all", "--json").lines] == [
        (one, "queued"),
        (other, "queued"),
    ]
    assert call(stack, "cancel", "--all", code=2).err == (
        "synctl: cancel --all asks first, and this is no terminal; add --yes\n"
    )
    assert call(stack, "status", other, "--json").json["state"] == "queued"
    assert call(stack, "cancel", "--all", "--yes").out.count(" cancelled, 0 of 2 units done\n") == 2
    assert call(stack, "retry", one, other, one).out == f"{one}  2 units queued again\n{other}  2 units queued again\n"
    assert "no run 'nothing'" in call(stack, "cancel", one, "nothing", code=2).err
    assert call(stack, "status", one, "--json").json["state"] == "queued"
    call(stack, "cancel", one)
    refused = call(stack, "pause", other, one, code=2)
    assert (refused.out, "it is cancelled" in refused.err) == (f"{other} paused, 0 of 2 units done\n", True)
    call(stack, "cancel", "--all", "-y")


def test_where_nothing_is_to_be_done_a_command_says_so(stack: Home, call: Call) -> None:
    assert call(stack, "watch").out.startswith("No run is queued or running.")
    assert call(stack, "reap").out == "Nothing to settle.\n"
    assert call(stack, "up").out.startswith("Already up: 0 workers, Redis at unix://")


def test_a_burst_worker_does_not_wait_for_a_redis_that_is_dead(stack: Home) -> None:
    ended = stack.run("worker", "prayer", "--burst", code=10, SYNCTL_REDIS__URL="redis://127.0.0.1:1/0")
    assert "nothing listens there" in ended.stderr


@pytest.mark.slow
def test_two_homes_are_two_stacks(call: Call) -> None:
    with made_home() as one, made_home() as other:
        for home in (one, other):
            home.environment |= NO_WORKERS
            assert call(home, "up", "--json").json["started"]
            _is_supervised(home)
        run_id = call(one, *RIGHT, "--json").json["run"]
        assert call(other, "status", "--json").json == []
        assert call(one, "down").out == "Stopped.\n"
        assert call(other, *RIGHT, "--json").json["why"] == "created"
        assert not call(other, "up", "--json").json["started"]
        assert call(one, "status", run_id, "--json").json["state"] == "queued"


def test_up_in_the_foreground_ends_with_its_workers(home: Home, call: Call) -> None:
    home.environment["SYNCTL_WORKERS__PRAYER"] = "1"
    foreground = home.start("up", "--foreground")
    until(lambda: SupervisorLock(home.path).holder() == foreground.pid)
    brought = call(home, "up", "--json").json  # returns when the workers listen
    assert foreground.poll() is None, foreground.communicate()
    assert (brought["started"], brought["workers"]) == (False, 1)
    assert home.run("up", "--foreground").stdout == "It is up already.\n"
    with closing(connect_cli(EmbeddedServer(home.path / "redis").url)) as client:
        foreground.send_signal(signal.SIGTERM)
        out, err = foreground.communicate(timeout=30)
        assert (foreground.returncode, out, "Traceback" in err) == (0, "", False)
        assert queues.workers(client) == []


def test_a_configured_redis_replaces_the_embedded_one(home: Home, call: Call) -> None:
    with tempfile.TemporaryDirectory(prefix="synctl-", dir="/tmp") as folder:
        server = EmbeddedServer(Path(folder) / "redis")
        server.ensure()
        try:
            home.environment |= {"SYNCTL_REDIS__URL": server.url, "SYNCTL_WORKERS__PRAYER": "1"}
            assert call(home, "up", "--json").json["redis"] == server.url
            call(home, *RIGHT, "--wait")
            assert call(home, "down").out == "Stopped.\n"
            assert server.running  # it is not ours to stop
            assert not (home.path / "redis").exists()
        finally:
            server.stop()


def _is_supervised(home: Home) -> None:
    """Without workers `up` has nothing to wait for, so its supervisor may still be starting."""
    until(lambda: SupervisorLock(home.path).holder())
