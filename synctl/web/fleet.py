"""Workers, queues, upstream budgets and schedules, by REST."""

from __future__ import annotations

from typing import Final

from msgspec.structs import asdict

from synctl.clock import now_ms
from synctl.engine import hosts, keys, leader, queues, registry, schedules
from synctl.engine.schedule_view import ScheduleView, past, upcoming
from synctl.web import documents
from synctl.web.operations import Answer, Call, Operation

NEXT_SHOWN: Final = 3
SLOTS_SHOWN: Final = 10


def show_workers(call: Call) -> Answer:
    """List the workers that are alive, and the queues."""
    client = call.backend.client
    alive = queues.workers(client)
    shown = [
        {
            "worker": one.name, "queue": one.queue, "state": one.state, "host": one.host, "pid": one.pid,
            "last_heartbeat": one.last_heartbeat,
        }
        for one in alive
    ]  # fmt: skip
    waiting = [
        {
            "queue": keys.queue(name),
            "resource": name,
            "waiting": queues.depth(client, name),
            "workers": sum(one.queue == keys.queue(name) for one in alive),
        }
        for name in registry.names()
    ]
    return Answer({"workers": shown, "queues": waiting})


def show_budgets(call: Call) -> Answer:
    """Show how the upstream hosts stand."""
    return Answer({"budgets": [asdict(one) for one in hosts.hosts(call.backend.client, call.backend.settings)]})


def show_schedules(call: Call) -> Answer:
    """Show every schedule: its next times, and what came of its last slots."""
    settings, now = call.backend.settings, now_ms()
    schedules.require_resources(settings)
    with call.backend.database.read() as transaction:
        views = [
            ScheduleView(name, one, upcoming(one, now, NEXT_SHOWN), past(transaction, name, SLOTS_SHOWN))
            for name, one in settings.schedule.items()
        ]
    leading = leader.holder(call.backend.client, keys.SCHEDULER)
    return Answer({"leader": leading, "schedules": [view.as_json() for view in views]})


OPERATIONS: Final = (
    Operation(
        method="GET", path="/api/workers", summary="List workers and queues", call=show_workers,
        answers={200: documents.Fleet},
    ),
    Operation(
        method="GET", path="/api/budgets", summary="Show the budgets of upstream hosts", call=show_budgets,
        answers={200: documents.Budgets},
    ),
    Operation(
        method="GET", path="/api/schedules", summary="Show the schedules", call=show_schedules,
        answers={200: documents.Schedules},
    ),
)  # fmt: skip
