"""Many that start at the same moment: one server, one run, one id, an answer for each."""

from __future__ import annotations

import json
from contextlib import closing

from synctl.engine.connect import connect_cli
from synctl.engine.server import EmbeddedServer
from tests.e2e.conftest import Call, Home, made_home

MANY = 20
ORDERS = 4
"""Of the real command, for the way through it; tests/engine/test_enqueue.py has twenty at once."""


def test_twenty_starters_make_one_server() -> None:
    with made_home() as home:
        code = (
            "import pathlib, sys; from synctl.engine.server import EmbeddedServer;"
            "print(EmbeddedServer(pathlib.Path(sys.argv[1])).ensure())"
        )
        started = [home.python(code, str(home.path / "redis")) for _ in range(MANY)]
        answers = [process.communicate(timeout=60)[0].strip() for process in started]
        assert sorted(answers) == ["False"] * (MANY - 1) + ["True"]
        server = EmbeddedServer(home.path / "redis")
        assert (home.path / "redis").stat().st_mode & 0o777 == 0o700
        client = connect_cli(server.url)
        assert client.config_get("appendonly") == {"appendonly": "yes"}
        client.close()
        assert server.stop()
        assert not server.running


def test_orders_at_once_make_one_run() -> None:
    with made_home() as home:
        home.run("up", SYNCTL_WORKERS__PRAYER="0")
        order = ("enqueue", "prayer", "--city", "London", "--city", "Lahore", "--from", "today", "--json")
        swapped = ("enqueue", "prayer", "--city", "Lahore", "--city", "London", "--from", "today", "--json")
        started = [home.start(*(order if number % 2 else swapped)) for number in range(ORDERS)]
        answers = [json.loads(process.communicate(timeout=60)[0]) for process in started]
        assert len({answer["run"] for answer in answers}) == 1
        assert sorted(answer["why"] for answer in answers) == ["active"] * (ORDERS - 1) + ["created"]
        assert _count(home, "run") == 1
        assert _count(home, "sync_unit") == 2 * 23 * 2
        client = connect_cli(EmbeddedServer(home.path / "redis").url)
        assert client.llen("rq:queue:prayer-sync") == _count(home, "run_shard")
        client.close()


def test_a_queued_run_is_paused_resumed_cancelled_and_deleted_without_a_worker(home: Home, call: Call) -> None:
    call(home, "up", SYNCTL_WORKERS__PRAYER="0")
    run_id = call(home, "enqueue", "prayer", "--city", "London", "--from", "today", "--json").json["run"]
    with closing(connect_cli(EmbeddedServer(home.path / "redis").url)) as client:
        assert call(home, "pause", run_id, "--json").json["state"] == "paused"
        assert client.llen("rq:queue:prayer-sync") == 0
        assert call(home, "resume", run_id, "--json").json["state"] == "queued"
        assert client.llen("rq:queue:prayer-sync") == _count(home, "run_shard") > 0
        client.flushall()  # what comes next would settle it, were it not queued a moment ago
        found = call(home, "reap", "--dry-run", "--json").json
        assert {one["action"] for one in found} <= {"queue it again"}
        assert client.dbsize() == 0  # an observer changed nothing
        assert call(home, "cancel", run_id, "--json").json["state"] == "cancelled"
        call(home, "pause", run_id, code=2)
        assert call(home, "delete", run_id, "--json").json["deleted"]
    assert _count(home, "sync_unit") == _count(home, "run") == 0
    assert [event["kind"] for event in call(home, "history", "--json").lines][-1] == "deleted"
    kept = call(home, "history", run_id[-6:], "--json").lines
    assert (kept[0]["run"], kept[0]["kind"], kept[-1]["kind"]) == (run_id, "created", "deleted")
    assert call(home, "history", run_id).out.startswith(f"{run_id}\n")
    assert call(home, "history", "prayer-20000101-0000000000", code=2).err.startswith("synctl: no run 'prayer-2000")


def _count(home: Home, table: str) -> int:
    ((number,),) = home.sql(f"SELECT COUNT(*) FROM {table}")
    return int(number)
