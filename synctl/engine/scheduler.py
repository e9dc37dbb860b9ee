"""Queues what is scheduled, each slot once, however many processes do so and whenever they die.

A slot is claimed in SQL, its run is queued under the id that claim fixes, and the slot is settled. Whoever dies
in between leaves a claim, which the next leader finishes: the id makes that the same run.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, date, datetime
from typing import Final

import msgspec
from redis import Redis
from redis.exceptions import RedisError

from synctl.clock import iso, now_ms
from synctl.config import Settings
from synctl.config.schedules import Overlap, Schedule
from synctl.engine import keys, registry, schedules
from synctl.engine.connect import clear_errors
from synctl.engine.control import Control
from synctl.engine.enqueue import Enqueued, Enqueuer, Order, Why
from synctl.engine.leader import TTL_MS, Leadership
from synctl.errors import DatabaseUnreachable, IllegalTransition, NotFound, RedisUnreachable, SynctlError
from synctl.resource import Resource
from synctl.states import TERMINAL
from synctl.store import runs, slots
from synctl.store.db import Database
from synctl.store.runs import Actor
from synctl.store.slots import Slot, SlotState

TICK_S: Final = 1.0
PUNCTUAL_MS: Final = 90_000
"""A slot is on time that long: a leader may have died at its moment, and the next one needs a while."""
RECORDED: Final = 100
"""Missed slots that are recorded after a downtime, the newest: those of a year would tell no more."""
LOOK_MS: Final = 5000
"""How often the claims of the dead are looked for."""
CANCEL_S: Final = 0.5
"""A run that is to be replaced stops in a quarter of a second; else the next tick looks again."""
NEVER: Final = 2**62

log = logging.getLogger("synctl.schedule")


class _Outcome(msgspec.Struct, frozen=True):
    state: SlotState
    why: str
    run_id: str | None = None


class Scheduler:
    """One of any number of processes. `client` decodes responses, `connection` (for RQ) does not.

    `clock` gives milliseconds since the epoch; `load` finds a resource by its name.
    """

    def __init__(
        self,
        database: Database,
        client: Redis,
        connection: Redis,
        settings: Settings,
        actor: Actor,
        *,
        clock: Callable[[], int] = now_ms,
        load: Callable[[str], Resource] = registry.load,
        ttl_ms: int = TTL_MS,
    ) -> None:
        self._database = database
        self._actor = actor
        self._clock = clock
        self._load = load
        self._schedules = {name: one for name, one in settings.schedule.items() if one.enabled}
        self._leadership = Leadership(client, keys.SCHEDULER, ttl_ms)
        self._enqueuer = Enqueuer(database, client, connection, settings, actor)
        self._control = Control(database, client, connection, actor)
        self._leads: bool | None = None
        """None until anything is known."""
        self._since: dict[str, int] = {}
        self._next: dict[str, int] = {}
        self._look_at = 0
        self._trouble = ""

    def run(self, stop: threading.Event, redis_url: str) -> None:
        """Tick until told to stop. An unreachable Redis or database is waited for; the URL is for messages."""
        while not stop.is_set():
            try:
                with clear_errors(redis_url):
                    self.tick()
                self._trouble = ""
            except (RedisError, RedisUnreachable, DatabaseUnreachable) as error:
                self._stand_down(str(error))
            stop.wait(TICK_S)
        with suppress(RedisError):
            self._leadership.release()

    def tick(self) -> bool:
        """Queue what is due, if this process leads; return whether it does. Raises what Redis and SQL raise."""
        if not self._leadership.hold():
            self._stand_by()
            return False
        now = self._clock()
        if not self._leads:
            self._take_over(now)
        if now >= self._look_at:
            self._finish(now)
        for name, schedule in self._schedules.items():
            if now >= self._next[name]:
                self._begin(name, schedule, now)
        return True

    def _stand_by(self) -> None:
        if self._leads is not False:
            log.info("standing by: another process queues what is scheduled")
        self._leads = False

    def _stand_down(self, why: str) -> None:
        """Let another process try, which may reach what this one cannot."""
        self._leads = None
        if why != self._trouble:
            log.warning("waiting: %s", why)
        self._trouble = why
        with suppress(RedisError):
            self._leadership.release()

    def _take_over(self, now: int) -> None:
        with self._database.write() as transaction:
            transaction.serialise("schedules")
            slots.retire(transaction, self._schedules, now)
            for name, one in self._schedules.items():
                self._since[name] = slots.know(transaction, name, f"{one.cron} {one.timezone}", now)
            slots.forget_old(transaction, now)
        self._next = dict.fromkeys(self._schedules, 0)
        self._look_at = 0
        self._leads = True
        log.info("this process queues what is scheduled: %s", ", ".join(self._schedules) or "nothing")

    def _begin(self, name: str, schedule: Schedule, now: int) -> None:
        """Claim the latest slot that is due, record those before it as missed, and queue."""
        with self._database.write() as transaction:
            last = slots.last(transaction, name)
            due = schedule.when.between(max(self._since[name], last.slot if last else 0), now, newest=RECORDED)
            in_time = now - max(schedule.catch_up_s * 1000, PUNCTUAL_MS)
            taken = due[-1] if due and due[-1] >= in_time else None
            stands = f"that of {iso(taken)} stands for it" if taken else ""
            missed = [(slot, stands if slot >= in_time else "nothing ran at its time") for slot in due if slot != taken]
            slots.miss(transaction, name, missed, self._actor, now)
            day = datetime.fromtimestamp(now / 1000, UTC).date().isoformat()
            claimed = slots.claim(transaction, name, taken, day, self._actor, now) if taken else None
        if missed:
            log.warning("%s: %d missed, the last of %s", name, len(missed), iso(missed[-1][0]))
        self._next[name] = next(schedule.when.after(now), NEVER)
        if claimed is not None:
            self._queue(claimed, schedule)

    def _finish(self, now: int) -> None:
        """Go on with slots that are claimed: by this process, which had to wait, or by one that died."""
        self._look_at = now + LOOK_MS
        with self._database.read() as transaction:
            found = slots.claimed(transaction)
        for slot in found:
            if slot.origin != self._actor.origin and now - slot.claimed_at <= self._leadership.ttl_ms:
                self._look_at = min(self._look_at, slot.claimed_at + self._leadership.ttl_ms + 1)
                continue
            with self._database.write() as transaction:
                mine = slots.claim_again(transaction, slot, self._actor, now)
                queued = slots.queued(transaction, _reason(slot))
            if mine is None:
                continue
            schedule = self._schedules.get(slot.schedule)
            if queued is not None:  # whoever claimed it came that far
                self._settle(mine, _Outcome(SlotState.ENQUEUED, *queued))
            elif schedule is None:
                self._settle(mine, _Outcome(SlotState.MISSED, "its schedule is not in force any more"))
            else:
                self._queue(mine, schedule)

    def _queue(self, slot: Slot, schedule: Schedule) -> None:
        """Queue a claimed slot and settle it; left claimed where that has to wait."""
        try:
            outcome = self._outcome(slot, schedule)
        except (RedisError, RedisUnreachable, DatabaseUnreachable):
            raise
        except SynctlError as error:
            outcome = _Outcome(SlotState.FAILED, f"{error}; {error.hint}" if error.hint else str(error))
        except Exception as error:
            # A bug, perhaps of a plug-in: the other schedules go on, and the log has all of it.
            log.exception("%s, slot %s", slot.schedule, iso(slot.slot))
            outcome = _Outcome(SlotState.FAILED, f"{type(error).__name__}: {error}")
        if outcome is None:
            self._look_at = 0
        else:
            self._settle(slot, outcome)

    def _settle(self, slot: Slot, outcome: _Outcome) -> None:
        with self._database.write() as transaction:
            settled = slots.settle(
                transaction, slot, outcome.state, outcome.why, outcome.run_id, max(self._clock(), slot.claimed_at)
            )
        if settled:
            level = logging.ERROR if outcome.state is SlotState.FAILED else logging.INFO
            said = f"{outcome.run_id or ''} {outcome.state}: {outcome.why}".lstrip()
            log.log(level, "%s, slot %s: %s", slot.schedule, iso(slot.slot), said)

    def _outcome(self, slot: Slot, schedule: Schedule) -> _Outcome | None:
        """Queue the run of a slot, as the overlap policy says; None where an active one has yet to stop."""
        if schedule.overlap is not Overlap.QUEUE:
            with self._database.read() as transaction:
                active = [runs.get(transaction, one) for one in slots.active_runs(transaction, slot.schedule)]
            if active and schedule.overlap is Overlap.SKIP:
                return _Outcome(SlotState.SKIPPED, f"{active[0].id} is {active[0].state}", active[0].id)
            if not all(self._stopped(run.id, slot) for run in active):
                return None
        found = self._enqueue(slot, schedule)
        return _Outcome(SlotState.ENQUEUED, str(found.why), found.run.id)

    def _enqueue(self, slot: Slot, schedule: Schedule) -> Enqueued:
        day = date.fromisoformat(slot.sync_date)
        resource, chosen = self._load(schedule.resource), schedules.selectors(schedule, day)
        reason = _reason(slot)
        found = self._enqueuer.enqueue(resource, chosen, Order(reason=reason, if_stale=schedule.if_stale_s, day=day))
        ended, age = found.run.finished_at, schedule.if_stale_s
        if found.why is Why.FRESH and ended and age is not None and slot.slot - ended > age * 1000:
            # A run has one id a day, and by itself is not done twice: here its age says that it is time.
            # At the moment of the slot, so that whoever finishes it after a death does not count otherwise.
            return self._enqueuer.enqueue(resource, chosen, Order(reason=reason, force=True, day=day))
        return found

    def _stopped(self, run_id: str, slot: Slot) -> bool:
        with suppress(IllegalTransition, NotFound):  # it has just ended, or was deleted
            self._control.cancel(run_id, f"replaced by {_reason(slot)}")
            return self._control.wait(run_id, lambda run: run.state in TERMINAL, CANCEL_S).state in TERMINAL
        return True


def _reason(slot: Slot) -> str:
    return f"schedule {slot.schedule}, slot {iso(slot.slot)}"
