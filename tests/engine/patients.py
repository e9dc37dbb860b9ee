"""What the doctor is shown in tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from msgspec.structs import replace
from redis import Redis

from synctl.config import Settings
from synctl.engine.doctor import Finding, examine

NOBODY = "redis://127.0.0.1:1/0"


def looked(settings: Settings) -> list[Finding]:
    return list(examine(lambda: settings, offline=True))


def of(findings: list[Finding], check: str) -> list[Finding]:
    return [one for one in findings if one.check == check]


def register(client: Redis, resource: str, silent_s: float = 0, pid: int = 7) -> None:
    """Say what a worker of RQ says of itself."""
    key = f"rq:worker:{resource}-{pid}"
    said = datetime.now(UTC) - timedelta(seconds=silent_s)
    client.sadd("rq:workers", key)
    client.hset(
        key,
        mapping={
            "queues": f"{resource}-sync",
            "state": "idle",
            "hostname": "here",
            "pid": pid,
            "last_heartbeat": said.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        },
    )


def no_home(settings: Settings) -> Settings:
    return replace(settings, home=settings.home / "none")
