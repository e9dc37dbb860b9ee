"""Live progress and the lease: what one tick writes and what it tells."""

from __future__ import annotations

import pytest
from redis import Redis

from synctl.clock import now_ms
from synctl.engine import keys, lease, progress
from synctl.engine.progress import Progress, ProgressWriter, ShardProgress
from synctl.store.ledger import Lease

MINE = Lease("fake-20260101-0", 1, 0, epoch=1, token="here:1:abc", holder="here:1")
KEY = keys.lease(MINE.run_id, MINE.shard)
ME = ShardProgress(holder=MINE.holder, at=0)


@pytest.fixture
def writer(client: Redis) -> ProgressWriter:
    return ProgressWriter(client, MINE, 60_000)


def _read(client: Redis) -> Progress:
    return progress.read(client, [MINE.run_id])[MINE.run_id]


def test_counters_only_rise(client: Redis, writer: ProgressWriter) -> None:
    for value, shown in [(0, 0), (5, 5), (3, 5), (10, 10), (9, 10)]:
        assert writer.tick([("done", value)], ME) == (True, "")
        assert _read(client).done == shown


@pytest.mark.parametrize(("held", "ours"), [(None, True), (MINE.token, True), ("there:2:def", False)])
def test_a_tick_renews_what_is_ours_or_gone(
    client: Redis, writer: ProgressWriter, held: str | None, ours: bool
) -> None:
    if held:
        client.set(KEY, held, px=50_000)
    assert writer.tick([("done", 1)], ME)[0] is ours
    assert (client.pttl(KEY) > 50_000) is ours
    assert _read(client).done == (1 if ours else None)
    writer.release()
    assert client.get(KEY) == (None if ours else held)


def test_a_tick_tells_the_flag_until_it_is_taken_back(client: Redis, writer: ProgressWriter) -> None:
    progress.flag(client, MINE.run_id, "pause")
    seen = [writer.tick([], ME)[1]]
    progress.flag(client, MINE.run_id, "cancel")
    seen.append(writer.tick([], ME)[1])
    progress.unflag(client, MINE.run_id)
    seen.append(writer.tick([], ME)[1])
    assert seen == ["pause", "cancel", ""]
    assert 0 < client.ttl(keys.progress(MINE.run_id)) <= progress.KEEP_S


def test_rates_are_of_the_shards_that_live(client: Redis) -> None:
    for shard, at in ((0, now_ms()), (1, now_ms()), (2, 0)):
        mine = Lease(MINE.run_id, 1, shard, 1, f"t{shard}", f"h{shard}")
        said = ShardProgress(holder=mine.holder, at=at, unit_rate=2.0, row_rate=10.0)
        ProgressWriter(client, mine, 60_000).tick([("done", 2), ("failed", 1), ("total", 11)], said)
    read = _read(client)
    assert (read.unit_rate, read.row_rate, read.eta_s) == (4.0, 20.0, 2.0)


def test_nothing_written_reads_as_nothing(client: Redis) -> None:
    assert _read(client) == Progress()
    assert progress.leases(client, []) == []
    assert client.dbsize() == 0


@pytest.mark.parametrize(("holder", "broken"), [("here:1", True), ("here:11", False), ("here", False)])
def test_only_the_lease_of_the_dead_is_broken(client: Redis, holder: str, broken: bool) -> None:
    client.set(KEY, MINE.token)
    lease.break_lease(client, MINE.run_id, MINE.shard, holder)
    assert progress.leases(client, [(MINE.run_id, MINE.shard)]) == [not broken]
