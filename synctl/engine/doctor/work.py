"""Who works: the supervisor, the workers of each resource, what waits for them, and what got stuck."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from typing import Final

from synctl.engine import keys, queues, registry
from synctl.engine.doctor.finding import Finding, ok, some, warning, wrong
from synctl.engine.doctor.patient import Patient
from synctl.engine.queues import STALE_S, WorkerInfo
from synctl.engine.reaper import Reaper
from synctl.engine.supervisor import SupervisorLock
from synctl.engine.view import views
from synctl.states import LIVE, RunState
from synctl.store import runs
from synctl.store.identity import identity_of
from synctl.store.runs import Actor

LOGS: Final = "synctl logs"


def supervisor(patient: Patient) -> Iterator[Finding]:
    """See whether somebody starts dead workers of this home again."""
    lock = patient.settings.home / "supervisor.lock"
    pid = _supervisor(patient)
    if pid is not None:
        yield ok("supervisor", f"up, pid {pid}")
    elif lock.exists() and not os.access(lock, os.R_OK):
        yield warning("supervisor", f"{lock} cannot be opened, so nobody knows", "run doctor as the user of the stack")
    elif patient.redis is not None and any(one.silent_s <= STALE_S for one in queues.workers(patient.redis)):
        yield ok("supervisor", "none here; there are workers without it")
    else:
        yield warning("supervisor", "not up", "synctl up")


def workers(patient: Patient) -> Iterator[Finding]:
    """See for each resource who listens, and whether anything waits in vain."""
    assert patient.redis is not None  # noqa: S101 - for the type checker
    found = queues.workers(patient.redis)
    supervised = _supervisor(patient) is not None
    queued = _queued_runs(patient)
    for resource in _resources(patient):
        mine = [one for one in found if keys.queue(resource) in one.queue.split(",")]
        jobs = queues.depth(patient.redis, resource)
        waiting = _waiting(queued[resource], "run") or _waiting(jobs, "job")
        wanted = patient.settings.workers.get(resource, 0) if supervised else 0
        yield _staffed(resource, mine, waiting, wanted)
        yield from _strange(patient, resource, mine, supervised=supervised)


def depths(patient: Patient) -> Iterator[Finding]:
    """Say how many jobs wait."""
    assert patient.redis is not None  # noqa: S101 - for the type checker
    client = patient.redis
    each = (f"{keys.queue(resource)} {queues.depth(client, resource):,}" for resource in _resources(patient))
    yield ok("queues", f"jobs that wait: {', '.join(each)}")


def stuck(patient: Patient) -> Iterator[Finding]:
    """Say what the reaper would settle, and which runs live but get nowhere."""
    assert patient.redis is not None  # noqa: S101 - for the type checker
    assert patient.migrated is not None  # noqa: S101 - for the type checker
    # Its second client, for RQ, is used by `reap` only.
    dead = Reaper(patient.migrated, patient.redis, patient.redis, Actor.this_process()).look()
    for one in dead:
        yield wrong("stuck runs", f"{one.run_id}: {one.what}", "synctl reap")
    with patient.migrated.read() as transaction:
        live = runs.listing(transaction, states=LIVE, limit=runs.ALL)
    stalled = [view for view in views(live, patient.redis) if view.live.stalled_s]
    for view in stalled:
        message = f"{view.run.id}: it lives, but has done no unit for {view.live.stalled_s:.0f} s"
        yield warning("stuck runs", message, f"synctl status {view.run.id}")
    if not dead and not stalled:
        yield ok("stuck runs", "none")


def _staffed(resource: str, mine: list[WorkerInfo], waiting: str, wanted: int) -> Finding:
    check = f"workers {resource}"
    ages = {one.name: one.silent_s for one in mine}
    stale = [one for one in mine if ages[one.name] > STALE_S]
    fresh = len(mine) - len(stale)
    silent = ""
    if stale:
        one = max(stale, key=lambda worker: ages[worker.name])
        silent = f"; {one.host}:{one.pid} has said nothing for {ages[one.name]:.0f} s"
    if waiting and not fresh:
        start = LOGS if wanted else f"synctl up, or synctl worker {resource}"
        return wrong(check, f"{waiting}, but no worker listens{silent}", start)
    if silent:
        message = f"{_listening(fresh)}{silent}"
        return warning(check, message, "is that process alive? Redis forgets the dead after a minute")
    if fresh < wanted:
        return warning(check, f"{fresh} of {wanted} listen", LOGS)
    if not fresh:
        return ok(check, f"{_listening(0)}, nothing waits")
    return ok(check, f"{_listening(fresh)}, oldest heartbeat {max(ages.values()):.1f} s ago")


def _strange(patient: Patient, resource: str, mine: list[WorkerInfo], *, supervised: bool) -> Iterator[Finding]:
    """Tell of workers that take jobs off the queue and find no run for them."""
    if patient.migrated is None:
        return
    ledger = identity_of(patient.migrated)
    strange = [one for one in mine if one.strange(ledger)]
    if strange:
        more = f"; {some(len(strange) - 1, 'more worker')} likewise" if strange[1:] else ""
        hint = "give all one database.url" + ("; then synctl down, synctl up" if supervised else "")
        yield wrong(f"workers {resource}", f"{strange[0].looks_elsewhere()}{more}", hint)


def _resources(patient: Patient) -> list[str]:
    return list(dict.fromkeys([*patient.settings.workers, *registry.names()]))


def _queued_runs(patient: Patient) -> Counter[str]:
    """Count the runs that only need a worker."""
    if patient.migrated is None:
        return Counter()
    with patient.migrated.read() as transaction:
        queued = runs.listing(transaction, states={RunState.QUEUED}, limit=runs.ALL)
    return Counter(run.resource for run in queued if not run.waits_for)


def _listening(number: int) -> str:
    return f"{number or 'none'} listen{'' if number > 1 else 's'}"


def _waiting(number: int, noun: str) -> str:
    return f"{some(number, noun)} wait{'s' if number == 1 else ''}" if number else ""


def _supervisor(patient: Patient) -> int | None:
    return SupervisorLock(patient.settings.home).holder()
