"""No room: a Redis out of memory, a full disk. The state is clear, nothing is lost, it goes on when there is room."""

from __future__ import annotations

import sqlite3
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest

from synctl.engine.connect import connect_cli
from synctl.engine.server import EmbeddedServer
from tests.e2e.conftest import Home, made_home, until
from tests.upstream.aladhan import serve
from tests.upstream.faults import Faults
from tests.upstream.server import LoopbackServer

pytestmark = pytest.mark.slow
UNITS = 4 * 23 * 2
ORDER = ("prayer", "--cities", "4", "--from", "2026-02-01", "--to", "2026-02-28", "--source", "aladhan")
DISK_MB = 24


@pytest.fixture
def upstream() -> Iterator[LoopbackServer]:
    """Slow enough for a run to be caught in its middle."""
    with serve(Faults(latency=1.0)) as server:
        yield server


def _use(home: Home, upstream: LoopbackServer) -> None:
    chosen = {"sources__aladhan__base_url": f"{upstream.url}/v1", "sources__aladhan__rate": 0, "redis__lease_ttl": 2}
    home.environment |= {f"SYNCTL_{name.upper()}": str(value) for name, value in chosen.items()}
    home.environment |= {"SYNCTL_WORKERS__QURAN": "0", "SYNCTL_WORKERS__HADITH": "0"}


def _middle(home: Home) -> str:
    run_id: str = home.json("enqueue", *ORDER)["run"]
    until(lambda: home.json("status", run_id)["done"] > 5)
    return run_id


def _ends_exactly(home: Home, run_id: str) -> None:
    home.run("watch", run_id, "--exit")
    view = home.json("status", run_id)
    assert (view["state"], view["done"], view["rows"]) == ("succeeded", UNITS, UNITS * 28)
    with closing(sqlite3.connect(home.path / "synctl.db")) as database:
        assert database.execute("SELECT COUNT(*) FROM prayer_time").fetchone() == (UNITS * 28,)


def test_a_redis_out_of_memory_stops_the_run_clearly_and_it_goes_on_with_room(
    home: Home, upstream: LoopbackServer
) -> None:
    _use(home, upstream)
    home.run("up")
    run_id = _middle(home)
    with closing(connect_cli(EmbeddedServer(home.path / "redis").url)) as client:
        client.config_set("maxmemory", 1)
        view = until(lambda: (found := home.json("status", run_id))["state"] == "queued" and found)
        assert view["reason"].startswith("Redis refuses to write: ")
        assert 5 < view["done"] < UNITS
        refused = home.run("enqueue", "prayer", "--city", "London", "--year", "2026", code=10)
        assert "maxmemory" in refused.stderr
        assert refused.stderr.count("\n") == 1
        assert [run["run"] for run in home.json("status")] == [run_id]
        client.config_set("maxmemory", 0)
    _ends_exactly(home, run_id)


@pytest.fixture
def small_disk() -> Iterator[Home]:
    """A home on a disk of its own."""
    with made_home() as home:
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m,mode=0700", "tmpfs", str(home.path)],
            capture_output=True,
            text=True,
            check=False,
        )
        if mounted.returncode:
            pytest.skip(f"a small disk needs the right to mount one: {mounted.stderr.strip()}")
        try:
            yield home
            home.start("down").communicate(timeout=60)
        finally:
            subprocess.run(["umount", "--lazy", str(home.path)], check=True)


def test_a_full_disk_loses_nothing_and_the_run_goes_on_with_room(small_disk: Home, upstream: LoopbackServer) -> None:
    home = small_disk
    _use(home, upstream)
    home.run("up")
    run_id = _middle(home)
    ballast = home.path / "ballast"
    _fill(ballast)
    until(lambda: _stands_still(home))
    said = home.start("status").communicate(timeout=60)
    assert "Traceback" not in "".join(said)
    refused = home.start("enqueue", "prayer", "--city", "London", "--year", "2026")
    _, err = refused.communicate(timeout=60)
    assert (refused.returncode, err.count("\n")) == (10, 1)
    for file in home.path.glob("ballast*"):
        file.unlink()
    _ends_exactly(home, run_id)
    check = sqlite3.connect(home.path / "synctl.db").execute("PRAGMA integrity_check").fetchone()
    assert check == ("ok",)


def _fill(path: Path) -> None:
    with suppress(OSError), path.open("wb", buffering=0) as file:
        while True:
            file.write(b"\0" * 4096)


def _stands_still(home: Home) -> bool:
    """Whether no unit is committed for two seconds, although the disk may still give a page here and there."""
    _fill(home.path / f"ballast{time.monotonic_ns()}")
    before = _done(home)
    time.sleep(2)
    return bool(before == _done(home) < UNITS)


def _done(home: Home) -> Any:
    with closing(sqlite3.connect(home.path / "synctl.db")) as database:
        return database.execute("SELECT done FROM run").fetchone()[0]
