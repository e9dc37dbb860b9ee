"""Redis or Valkey: whether it answers, its memory, and whether it keeps what it is given."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Final

from redis.exceptions import NoPermissionError

from synctl.engine.connect import connect_cli
from synctl.engine.doctor.finding import Finding, ok, size, warning, wrong
from synctl.engine.doctor.patient import Patient
from synctl.redact import redacted

FULL: Final = 0.9
"""Of maxmemory. When it is reached Redis refuses writes, and workers end."""


def redis(patient: Patient) -> Iterator[Finding]:
    """See whether it answers, and of what version it is."""
    client = connect_cli(patient.redis_url)
    patient.opened.callback(client.close)
    with suppress(NoPermissionError):  # who may not ask has been answered all the same
        client.ping()
    patient.redis = client
    where = redacted(patient.redis_url)
    try:
        info = client.info()
    except NoPermissionError:
        yield warning("redis", f"{where} answers, but its user may not ask INFO", "give it +info to be told more")
        return
    patient.info = info
    valkey = info.get("valkey_version")
    yield ok("redis", f"{'Valkey' if valkey else 'Redis'} {valkey or info.get('redis_version', '?')} at {where}")


def memory(patient: Patient) -> Iterator[Finding]:
    """See whether it has room, and would rather refuse than forget."""
    info = patient.info or {}
    used, limit, policy = (info.get(name, 0) for name in ("used_memory", "maxmemory", "maxmemory_policy"))
    message = f"{size(used)} used{f' of {size(limit)}' if limit else ', no limit'}, {policy or 'policy not known'}"
    if policy and policy != "noeviction":
        yield warning(
            "memory", f"{message}: it may forget queued jobs", "redis-cli config set maxmemory-policy noeviction"
        )
    elif limit and used >= limit * FULL:
        yield warning("memory", f"{message}: nearly full", "raise maxmemory")
    else:
        yield ok("memory", message)


def persistence(patient: Patient) -> Iterator[Finding]:
    """See whether a restart of it would be noticed. Nothing is lost either way: SQL is the truth."""
    info = patient.info or {}
    if not info.get("aof_enabled"):
        yield warning(
            "persistence",
            "appendonly is off: after a restart of Redis, jobs are queued again from the ledger",
            "redis-cli config set appendonly yes",
        )
    elif info.get("aof_last_write_status", "ok") != "ok":
        yield wrong("persistence", "appendonly is on, but the last write failed", "make room on the disk of Redis")
    else:
        yield ok("persistence", "appendonly is on, the last write went well")
