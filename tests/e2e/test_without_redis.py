"""What works without Redis, and what is said of that."""

from __future__ import annotations

from tests.e2e.conftest import made_home


def test_a_run_that_waits_is_paused_and_it_is_said_that_redis_was_not_told() -> None:
    with made_home() as home:
        home.environment = {"SYNCTL_WORKERS__PRAYER": "0"}
        home.run("up")
        run = home.json("enqueue", "prayer", "--cities", "1")["run"]
        home.run("down")
        ended = home.run("pause", run)
        assert ended.stdout == f"{run} paused, 0 of 46 units done\n"
        (told,) = ended.stderr.splitlines()
        assert told.startswith("synctl: Redis: ")
        assert told.endswith("; the database has it, which workers ask once a second")
