"""The gate to an upstream host: one rate, one number of requests, one closed door for everybody."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from msgspec.structs import replace
from redis import Redis

from synctl.config.sources import Upstream
from synctl.engine import gate as gates
from synctl.engine import keys
from synctl.engine.connect import connect_cli
from synctl.engine.gate import Gate
from synctl.engine.server import EmbeddedServer

HOST = "api.example.org"
LIMITS = Upstream(base_url=f"https://{HOST}", timeout=5, rate=0, breaker=3)


@dataclass
class Note:
    """What a shard is told to wait for."""

    waits: list[tuple[str, str, float]] = field(default_factory=list)
    went_on: int = 0

    def wait_for(self, host: str, why: str, seconds: float) -> None:
        self.waits.append((host, why, seconds))

    def go_on(self) -> None:
        self.went_on += 1


class Patience(threading.Event):
    """A stop that does not come, and waits in no time: what is waited for is noted, and Redis' keys are aged by it."""

    def __init__(self, client: Redis) -> None:
        super().__init__()
        self.client = client
        self.waited: list[float] = []

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waited.append(timeout)
        _age(self.client, timeout)
        return self.is_set()


def _age(client: Redis, seconds: float) -> None:
    """Let time pass for the host."""
    for name in ("closed_until", "probe_until", "since", "last"):
        value = client.hget(keys.host(HOST), name)
        if value is not None:
            client.hset(keys.host(HOST), name, str(float(value) - seconds * 1000))


Make = Callable[..., Gate]


@pytest.fixture
def note() -> Note:
    return Note()


@pytest.fixture
def patience(client: Redis) -> Patience:
    return Patience(client)


@pytest.fixture
def make(client: Redis, note: Note, patience: Patience) -> Make:
    def gate(**limits: object) -> Gate:
        return Gate(client, replace(LIMITS, **limits), patience, note)

    return gate


def test_two_gates_share_one_rate(client: Redis, note: Note) -> None:
    stop = threading.Event()
    both = [Gate(client, replace(LIMITS, rate=50, burst=1), stop, note) for _ in range(2)]
    began = time.monotonic()
    threads = [threading.Thread(target=lambda gate=gate: [gate.turn(HOST) for _ in range(10)]) for gate in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert time.monotonic() - began >= 19 / 50


def test_no_more_requests_under_way_than_allowed_whoever_makes_them(make: Make, patience: Patience) -> None:
    one, other = make(in_flight=2), make(in_flight=2)
    with one.turn(HOST), one.turn(HOST):
        patience.set()
        waiting = other.turn(HOST)  # the work must end: no turn was taken
        assert len(patience.waited) == 0
        patience.clear()
        with pytest.raises(TimeoutError):
            _within(lambda: other.turn(HOST), looks=5, patience=patience)
        del waiting
    with other.turn(HOST), one.turn(HOST):
        pass
    assert one._client.zcard(keys.slots(HOST)) == 0


def _within(act: Callable[[], object], looks: int, patience: Patience) -> None:
    def wait(timeout: float | None = None) -> bool:
        patience.waited.append(timeout or 0)
        if len(patience.waited) > looks:
            raise TimeoutError
        return False

    patience.wait = wait  # type: ignore[method-assign]
    try:
        act()
    finally:
        del patience.wait


def test_the_slot_of_a_dead_process_ends_and_that_of_a_living_one_is_renewed(client: Redis, make: Make) -> None:
    def later() -> None:
        """Two thirds of what a slot lasts have passed, for all that there are."""
        for token in client.zrange(keys.slots(HOST), 0, -1):
            client.zincrby(keys.slots(HOST), -gates.SLOT_MS * 2 / 3, str(token))

    dead, alive = make(in_flight=3), make(in_flight=3)
    dead.turn(HOST)
    kept = alive.turn(HOST)
    later()
    alive.renew()
    later()
    with make(in_flight=2).turn(HOST):  # one of two is free
        assert client.zcard(keys.slots(HOST)) == 2
    with kept:
        pass
    assert client.zcard(keys.slots(HOST)) == 0


def test_a_limit_closes_the_host_to_everybody_and_one_probes_it_first(
    client: Redis, make: Make, note: Note, patience: Patience
) -> None:
    one, other = make(), make()
    with one.turn(HOST) as turn:
        assert turn.limited(12) == 0  # a first limit: it counts against the unit
    assert note.waits == [(HOST, "rate limited", 12)]
    probe = other.turn(HOST)
    assert patience.waited == [pytest.approx(12, abs=0.1)]
    with pytest.raises(TimeoutError):
        _within(lambda: one.turn(HOST), looks=3, patience=patience)  # somebody probes already
    assert note.waits[-1][1] == "rate limited"
    assert probe.limited(5) > 10  # nobody is served for this long
    with other.turn(HOST) as probe:
        probe.answered()
    assert not client.exists(keys.host(HOST))
    with one.turn(HOST), other.turn(HOST):
        pass


@pytest.mark.parametrize("how", ["failed", "unreachable"])
def test_failures_in_a_row_open_the_circuit_for_longer_each_time(
    client: Redis, make: Make, note: Note, patience: Patience, how: str
) -> None:
    gate = make(breaker=3)

    def fail() -> float:
        with gate.turn(HOST) as turn:
            return turn.unreachable() if how == "unreachable" else turn.failed(fresh=True)

    outages = [fail() for _ in range(3)]
    assert [bool(outage) for outage in outages] == ([False, False, True] if how == "failed" else [True] * 3)
    assert patience.waited == []
    for _ in range(7):
        assert fail() > 0  # each after a wait, as the one that probes
    assert patience.waited == [pytest.approx(wait, abs=0.1) for wait in (2, 4, 8, 16, 32, 60, 60)]
    assert {(host, why) for host, why, _ in note.waits} == {(HOST, {"failed": "failing"}.get(how, how))}
    with gate.turn(HOST) as turn:
        turn.answered()
    assert not client.exists(keys.host(HOST))
    assert not fail() or how == "unreachable"


def test_what_was_under_way_when_the_host_closed_neither_probes_nor_prolongs(
    client: Redis, make: Make, patience: Patience
) -> None:
    gate = make(breaker=2)
    early = [gate.turn(HOST) for _ in range(4)]
    assert [bool(turn.failed(fresh=True)) for turn in early[:2]] == [False, True]  # opens, for 2 s
    with gate.turn(HOST) as probe:
        assert patience.waited == [pytest.approx(2, abs=0.1)]
        assert early[2].failed(fresh=True) > 0
        with early[3]:
            pass
        with pytest.raises(TimeoutError):
            _within(lambda: gate.turn(HOST), looks=2, patience=patience)  # still only one probes
        patience.waited.clear()
        assert probe.failed(fresh=False) > 0
    with gate.turn(HOST) as probe:
        probe.answered()
    assert patience.waited == [pytest.approx(4, abs=0.1)]  # doubled once, for the one probe
    assert not client.exists(keys.host(HOST))


def test_silence_is_no_outage(client: Redis, make: Make) -> None:
    gate = make(breaker=0, timeout=1)
    with gate.turn(HOST) as turn:
        assert 0 < turn.unreachable() < 1
    _age(client, 3600)  # the run was paused meanwhile
    with gate.turn(HOST) as turn:
        assert 0 < turn.unreachable() < 1


def test_slots_are_kept_although_nobody_asks_for_one(
    client: Redis, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "SLOT_MS", 150)
    monkeypatch.setattr(gates, "KEEP_MS", 50)
    gate = make(in_flight=1)
    with gate.turn(HOST):
        for _ in range(6):
            time.sleep(0.05)
            gate.renew()
        assert client.zcard(keys.slots(HOST)) == 1
        client.flushall()
        gate.renew()
        assert client.zcard(keys.slots(HOST)) == 1


def test_an_answer_of_redis_that_was_lost_is_asked_for_again(make: Make, note: Note) -> None:
    gate = make(in_flight=1)
    assert gate._take(HOST, "token", 0.0)
    assert gate._take(HOST, "token", 0.0)  # it does not wait for itself


def test_units_that_fail_for_good_are_no_outage(make: Make, patience: Patience) -> None:
    """The last of a run: each was tried before, while the host served others."""
    gate = make(breaker=3)
    for _ in range(10):
        with gate.turn(HOST) as turn:
            assert turn.failed(fresh=False) == 0
    assert patience.waited == []


def test_a_good_answer_between_starts_the_count_anew(make: Make, patience: Patience) -> None:
    gate = make(breaker=2)
    for _ in range(5):
        with gate.turn(HOST) as turn:
            turn.failed(fresh=True)
        with gate.turn(HOST) as turn:
            turn.answered()
    assert patience.waited == []


@pytest.mark.parametrize(
    ("in_flight", "failed_before", "calls"),
    [(0, False, 1), (4, False, 2), (0, True, 2)],
    ids=["calm", "slots", "failed"],
)
def test_success_is_told_only_where_it_is_news(
    in_flight: int, failed_before: bool, calls: int, client: Redis, make: Make
) -> None:
    gate = make(in_flight=in_flight)
    if failed_before:
        with gate.turn(HOST) as turn:
            turn.failed(fresh=True)
    before = _evaluated(client)
    with gate.turn(HOST) as turn:
        turn.answered()
    assert _evaluated(client) - before == calls
    assert not client.exists(keys.host(HOST))


def test_a_calm_host_without_limits_is_looked_at_now_and_then(
    client: Redis, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gates, "CALM_S", 60)
    gate = make()
    before = _evaluated(client)
    for _ in range(10):
        with gate.turn(HOST) as turn:
            turn.answered()
    assert _evaluated(client) - before == 1
    with gate.turn(HOST) as turn:
        turn.failed(fresh=True)  # now it is no longer calm, and each is told
    with gate.turn(HOST) as turn:
        turn.answered()
    assert not client.exists(keys.host(HOST))


def test_a_closure_by_another_process_is_known_after_the_next_look(make: Make, patience: Patience) -> None:
    gate, other = make(), make()
    with gate.turn(HOST), other.turn(HOST) as turn:
        turn.limited(30)
    soon = time.monotonic() + 10 * gates.CALM_S
    while not patience.waited and time.monotonic() < soon:
        with gate.turn(HOST):
            pass
    assert patience.waited == [pytest.approx(30, abs=0.1)]


def _evaluated(client: Redis) -> int:
    said = client.info("commandstats")
    assert isinstance(said, dict)
    return int(said.get("cmdstat_evalsha", {}).get("calls", 0))


def test_an_answer_that_was_under_way_does_not_open_a_closed_host(
    client: Redis, make: Make, patience: Patience
) -> None:
    gate = make()
    with gate.turn(HOST) as early:
        with gate.turn(HOST) as limited:
            limited.limited(30)
        early.answered()
    with gate.turn(HOST) as probe:
        assert patience.waited == [pytest.approx(30, abs=0.1)]
        probe.answered()
    assert not client.exists(keys.host(HOST))


def test_an_interrupted_probe_lets_the_next_one_probe(make: Make, patience: Patience) -> None:
    gate = make()
    with gate.turn(HOST) as turn:
        turn.limited(1)
    with gate.turn(HOST):
        pass  # interrupted: no verdict
    with gate.turn(HOST) as turn:
        turn.answered()
    assert patience.waited == [pytest.approx(1, abs=0.1)]


def test_a_turn_that_was_slept_for_is_not_used_when_the_host_was_closed_meanwhile(client: Redis, note: Note) -> None:
    class Closing(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            if not waited:
                with other.turn(HOST) as turn:
                    turn.limited(0.5)
            waited.append(timeout)
            return super().wait(timeout)

    waited: list[float | None] = []
    limits = replace(LIMITS, rate=5, burst=1)
    other = Gate(client, replace(limits, rate=0), threading.Event(), note)
    gate = Gate(client, limits, Closing(), note)
    gate.turn(HOST)
    gate.turn(HOST)
    assert len(waited) >= 2
    assert note.waits[-1][1] == "rate limited"


def test_without_redis_nothing_is_asked_and_the_wait_ends_with_the_work(own_server: EmbeddedServer, note: Note) -> None:
    client = connect_cli(own_server.url)
    stop = threading.Event()
    gate = Gate(client, LIMITS, stop, note)
    own_server.stop()
    thread = threading.Thread(target=gate.turn, args=(HOST,))
    thread.start()
    thread.join(0.3)
    assert thread.is_alive()
    stop.set()
    thread.join(10)
    assert not thread.is_alive()
    assert note.went_on == 0
