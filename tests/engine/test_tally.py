"""What upstreams were asked is counted once, for the whole fleet, and costs nothing where nothing was asked."""

from __future__ import annotations

import threading
from contextlib import closing

import pytest
from redis import Redis
from redis.exceptions import RedisError

from synctl.config.sources import Upstream
from synctl.engine import keys, tally
from synctl.engine.connect import connect_cli
from synctl.engine.gate import Gate
from synctl.engine.tally import BUCKETS, Tally
from tests.engine.test_gate import HOST, LIMITS, Note


def counted(client: Redis, host: str = HOST) -> tally.Requests:
    raw = client.hgetall(keys.requests(host))
    return tally.requests({str(name): str(value) for name, value in raw.items()})


def test_the_processes_of_a_fleet_add_up(client: Redis) -> None:
    for again in (False, True):
        one = Tally()
        one.request(HOST, 200, 0.04, again=again)
        one.request(HOST, 204, 31.0, again=False)
        one.request(HOST, 429, 0.05, again=False)
        one.request("elsewhere", None, 1.5, again=again)
        one.limited(HOST)
        one.flush(client)
        one.flush(client)  # there is nothing more to say
    found = counted(client)
    assert found.buckets == {"2xx": [2, *[0] * (len(BUCKETS) - 1), 2], "4xx": [2, *[0] * len(BUCKETS)]}
    assert found.seconds == pytest.approx({"2xx": 62.08, "4xx": 0.1})
    assert (found.limited, found.retries) == (2, 1)
    assert counted(client, "elsewhere").buckets["none"][BUCKETS.index(2.5)] == 2
    assert client.ttl(keys.requests(HOST)) > 86_400
    assert tally.requests({}) == tally.Requests()


@pytest.mark.parametrize(("seconds", "place"), [(0.0, 0), (0.05, 0), (0.050001, 1), (30.0, 8), (30.1, 9)])
def test_a_bucket_holds_its_own_bound(client: Redis, seconds: float, place: int) -> None:
    one = Tally()
    one.request(HOST, 200, seconds, again=False)
    one.flush(client)
    assert counted(client).buckets["2xx"].index(1) == place


def test_what_redis_was_not_told_is_told_later(client: Redis) -> None:
    one = Tally()
    one.request(HOST, 200, 0.5, again=False)
    with closing(connect_cli("redis://127.0.0.1:1/0")) as dead, pytest.raises(RedisError):
        one.flush(dead)
    one.request(HOST, 200, 0.5, again=True)
    one.flush(client)
    assert sum(counted(client).buckets["2xx"]) == 2
    assert counted(client).seconds["2xx"] == pytest.approx(1.0)


def test_a_gate_tells_once_a_second_and_at_its_end(client: Redis) -> None:
    gate = Gate(client, LIMITS, threading.Event(), Note())
    with gate.turn(HOST) as turn:
        turn.measured(200, 0.1, again=False)
        turn.answered()
    assert not client.exists(keys.requests(HOST))
    gate.renew()
    assert sum(counted(client).buckets["2xx"]) == 1
    with gate.turn(HOST) as turn:
        turn.measured(429, 0.1, again=True)
        turn.limited(0.01)
    gate.close()
    found = counted(client)
    assert (sum(found.buckets["4xx"]), found.limited, found.retries) == (1, 1, 1)
    with closing(connect_cli("redis://127.0.0.1:1/0")) as dead:
        lost = Gate(dead, LIMITS, threading.Event(), Note())
        lost.measured(HOST, 200, 0.1, again=False)
        lost.close()  # no error


@pytest.mark.parametrize(
    "base_url",
    [
        "https://api.aladhan.com/v1",
        "https://API.aladhan.com:443/v1",
        "http://127.0.0.1:8080",
        "http://host:80/x",
        "https://user:secret@host:8443/x",
        "http://[::1]:8080/v1",
        "https://host:80",
    ],
)
def test_a_host_is_called_in_the_settings_as_its_client_calls_it(base_url: str) -> None:
    import httpx  # noqa: PLC0415 - as in the sources

    assert Upstream(base_url=base_url).host == httpx.URL(base_url).netloc.decode()
