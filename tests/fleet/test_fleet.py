"""Hosts drain one run; one is cut off in its middle, is replaced, comes back, and changes nothing it may not."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.stage import Fleet, Member, made_fleet
from tests.helpers import until

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

CITIES = 40
UNITS = CITIES * 23 * 2
ROWS = UNITS * 365
HOSTS = ("alpha", "beta", "gamma", "delta")
SHARDS = 3

LATE_COMMIT = """
import sys
from synctl.config import load_settings
from synctl.errors import DatabaseUnreachable, Fenced
from synctl.store import ledger
from synctl.store.db import open_database
run, seq, shard, epoch, ordinal, key = sys.argv[1:]
lease = ledger.Lease(run, int(seq), int(shard), int(epoch), "", "")
unit = ledger.Claimed(int(ordinal), key, ())
try:
    with open_database(load_settings().database_url).write() as transaction:
        ledger.commit(transaction, lease, [ledger.Settled(unit, 1)], "prayer", "calculated")
except Fenced as fenced:
    print(fenced)
except DatabaseUnreachable:
    pass  # the link has just come back: to be tried again
else:
    print("committed")
"""


@pytest.fixture
def fleet(tmp_path: Path) -> Iterator[Fleet]:
    with made_fleet(tmp_path, *HOSTS) as made:
        yield made


def test_a_host_that_is_cut_off_is_replaced_and_comes_back_without_writing_late(fleet: Fleet) -> None:
    for member in fleet.members.values():
        member.work()
    until(lambda: all("listens on" in member.log for member in fleet.members.values()))
    asking = fleet[HOSTS[0]]
    run = asking.json("enqueue", "prayer", "--cities", str(CITIES), "--year", "2026", "--shards", str(SHARDS))["run"]
    until(lambda: len(_holders(fleet)) == SHARDS and _done(fleet) > 20)
    lost = fleet[next(name for name in sorted(_holders(fleet)) if name != HOSTS[0])]
    assert lost.host is not None
    lost.host.cut()
    held = fleet.sql("SELECT run_seq, shard, epoch FROM run_shard WHERE holder LIKE %s", f"{lost.host.name}:%")[0]
    leased = until(lambda: fleet.sql("SELECT ordinal, key FROM sync_unit WHERE shard = %s LIMIT 1", held[1]))[0]

    # The host in reserve takes its shard over, in the middle of the run unless the others are very fast, and what the
    # lost one had begun holds nobody up.
    until(lambda: _events(fleet, "taken-over"))
    done = _done(fleet)
    until(lambda: _done(fleet) > done or done == UNITS)
    lost.host.mend()
    command = [sys.executable, "-c", LATE_COMMIT, run, *map(str, (*held, *leased))]
    late = until(lambda: lost.host and lost.host.space.run("env", *_settings(lost), *command))
    assert "no longer holds it; nothing was committed" in late

    asking.patience_s = 300
    assert asking.run("watch", run, "--exit").returncode == 0
    view = asking.json("status", run)
    assert (view["state"], view["done"], view["rows"]) == ("succeeded", UNITS, ROWS)
    stored = "SELECT COUNT(*), COUNT(DISTINCT (city_id, method_id, madhab_id, day)) FROM prayer_time"
    assert fleet.sql(stored) == [(ROWS, ROWS)]
    settled = "SELECT COUNT(*), SUM(rows), SUM(changed), MAX(attempts) FROM sync_unit WHERE state = 'done'"
    assert fleet.sql(settled) == [(UNITS, ROWS, ROWS, 1)]
    assert [reason.partition(":")[0] for reason in _events(fleet, "taken-over")] == [lost.host.name]

    # It works again, with the worker it had.
    until(lambda: "ended, suspended" in lost.log or "ended, lost" in lost.log)
    others = [member for member in fleet.members.values() if member is not lost]
    for member in others:
        member.stop_work()
    second = asking.json("enqueue", "prayer", "--cities", "2", "--year", "2027")["run"]
    assert asking.run("watch", second, "--exit").returncode == 0
    assert fleet.sql("SELECT COUNT(*) FROM prayer_time") == [(ROWS + 2 * 46 * 365,)]
    assert lost.works
    assert len({member.pid for member in fleet.members.values()}) < len(HOSTS)  # only the names tell them apart


def _settings(member: Member) -> list[str]:
    return [f"{name}={value}" for name, value in member.environ().items() if name.startswith("SYNCTL_")]


def _holders(fleet: Fleet) -> set[str]:
    rows = fleet.sql("SELECT holder FROM run_shard WHERE epoch > 0")
    return {holder.partition(":")[0] for (holder,) in rows}


def _done(fleet: Fleet) -> int:
    return int(fleet.sql("SELECT done FROM run ORDER BY seq DESC LIMIT 1")[0][0])


def _events(fleet: Fleet, kind: str) -> list[str]:
    return [reason for (reason,) in fleet.sql("SELECT reason FROM run_event WHERE kind = %s", kind)]
