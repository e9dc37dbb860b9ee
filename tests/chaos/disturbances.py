"""What is done to the stack, by weight and by chance."""

from __future__ import annotations

import json
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress

from redis.exceptions import RedisError

from tests.chaos.processes import Process, Role
from tests.chaos.stage import LEASE_S, Stage
from tests.upstream.faults import Faults

LAST_COMMIT_S = 0.8
"""After a lease has ended without renewal: for a transaction under way, on a machine that is busy."""
SLOW_S = 0.5
"""How much later than its lease's end a horse is answered whose Valkey is frozen."""
LONGEST_FREEZE_S = 7.0
"""A takeover needs the end of the lease, the reaper's grace of 4 s and its turn; a frozen writer holds up everyone."""
TARGET_S = 1.5
"""How long a kind waits for something to disturb, before another is tried."""
HOLDING = ("running", "queued")


class Disturber:
    """Chooses and does. Each kind returns whether it found something to disturb."""

    def __init__(self, stage: Stage, rng: random.Random, faults: Faults) -> None:
        self._stage = stage
        self._rng = rng
        self._faults = faults
        self._frozen: list[Process] = []
        self._pausing = threading.Lock()
        self.done: Counter[str] = Counter()
        self.zombies = 0  # horses that woke up after another had taken their shard
        self._kinds: dict[str, tuple[int, Callable[[], bool]]] = {
            "kill horse": (24, lambda: self._signal(Role.HORSE, signal.SIGKILL)),
            "kill all horses": (2, self._kill_all_horses),
            "kill worker": (5, lambda: self._signal(Role.WORKER, signal.SIGKILL)),
            "kill supervisor": (2, lambda: self._supervisor(signal.SIGKILL)),
            "kill valkey": (4, lambda: self._signal(Role.VALKEY, signal.SIGKILL)),
            "freeze horse": (9, lambda: self._freeze(self._thaw_soon)),
            "freeze horse until taken over": (12, lambda: self._freeze(self._thaw_when_taken_over)),
            "freeze valkey beyond the lease": (2, self._freeze_valkey),
            "flushall": (4, self._flush),
            "terminate worker": (4, lambda: self._signal(Role.WORKER, signal.SIGTERM)),
            "terminate supervisor": (2, lambda: self._supervisor(signal.SIGTERM)),
            "pause and resume": (6, self._pause),
            "duplicate job": (12, self._duplicate),
            "reap": (5, self._reap),
        }

    def strike(self, most: int) -> int:
        """Disturb, now and then several times at once; return how often, `most` at most."""
        many = self._rng.randint(2, 4) if self._rng.random() < 0.06 else 1
        return sum(self._one() for _ in range(min(many, most)))

    def calm(self) -> None:
        """Let everything go on that is stopped."""
        for process in list(self._frozen):
            self._thaw(process)

    def _one(self) -> int:
        names = list(self._kinds)
        for _ in range(10):
            name = self._rng.choices(names, [self._kinds[one][0] for one in names])[0]
            if self._tried(name):
                self.done[name] += 1
                return 1
        return 0

    def _tried(self, name: str) -> bool:
        deadline = time.monotonic() + TARGET_S
        while True:
            with suppress(RedisError, OSError):
                if self._kinds[name][1]():
                    return True
            if time.monotonic() > deadline:
                return False
            self._stage.keep_up()
            time.sleep(0.05)

    def _signal(self, role: Role, number: signal.Signals) -> bool:
        found = self._stage.processes(role)
        if self._rng.random() < 0.8:  # most that are frozen should live to wake up, and a horse dies with its worker
            frozen = {pid for horse in self._frozen for pid in (horse.pid, horse.parent)}
            found = [one for one in found if one.pid not in frozen]
        return bool(found) and self._rng.choice(found).send(number)

    def _supervisor(self, number: signal.Signals) -> bool:
        after = self._rng.choice((0.0, 0.5, 1.5))
        struck = self._signal(Role.SUPERVISOR, number)
        if struck:
            self._stage.need_up(after)
        return struck

    def _kill_all_horses(self) -> bool:
        horses = self._stage.processes(Role.HORSE)
        return len(horses) > 1 and sum(horse.send(signal.SIGKILL) for horse in horses) > 1

    def _freeze(self, thaw: Callable[[Process, float], None]) -> bool:
        alive = self._stage.processes(Role.HORSE)
        self._frozen = [one for one in self._frozen if one in alive]
        horses = [one for one in alive if one not in self._frozen]
        if not horses or len(self._frozen) > 1:
            return False
        horse = self._rng.choice(horses)
        if not horse.send(signal.SIGSTOP):
            return False
        self._frozen.append(horse)
        chance = self._rng.random()
        # In a thread: the loop itself may wait for a command that waits for the very lock the horse holds.
        self._stage.apart(lambda: thaw(horse, chance))
        return True

    def _thaw_soon(self, horse: Process, chance: float) -> None:
        time.sleep(0.05 + 2 * LEASE_S * chance)
        self._thaw(horse)

    def _thaw_when_taken_over(self, horse: Process, chance: float) -> None:
        """Wake it up when another holds its shard and has begun, or just before, as chance will have it."""
        before, deadline = self._stage.witness.takeovers(), time.monotonic() + LONGEST_FREEZE_S
        while time.monotonic() < deadline and self._stage.witness.takeovers() == before:
            time.sleep(0.05)
        time.sleep(chance)
        if self._stage.witness.takeovers() != before and horse in self._stage.processes(Role.HORSE):
            self.zombies += 1
        self._thaw(horse)

    def _thaw(self, horse: Process) -> None:
        horse.send(signal.SIGCONT)
        with suppress(ValueError):
            self._frozen.remove(horse)

    def _freeze_valkey(self) -> bool:
        """No horse can renew: once the lease is over, nobody may commit until Valkey answers.

        The upstream is slow just before, so that answers come in after that.
        """
        servers = self._stage.processes(Role.VALKEY)
        # A stopped horse may hold up another's commit, which then comes late though it began in time.
        if not servers or self._frozen or not self._stage.processes(Role.HORSE):
            return False
        usual, self._faults.latency = self._faults.latency, LEASE_S + LAST_COMMIT_S + SLOW_S
        try:
            time.sleep(SLOW_S)
            began = time.time()
            if not servers[0].send(signal.SIGSTOP):
                return False
            time.sleep(LEASE_S + LAST_COMMIT_S + 2 * SLOW_S)
        finally:
            ended = time.time()
            servers[0].send(signal.SIGCONT)
            self._faults.latency = usual
        late = self._stage.witness.done_between(began + LEASE_S + LAST_COMMIT_S, ended)
        if late:
            self._stage.wrong.append(
                f"lease: {late} units committed by a horse that could not renew its lease, more than"
                f" {LEASE_S + LAST_COMMIT_S:.1f} s after Valkey was stopped at {began:.3f}"
            )
        return True

    def _flush(self) -> bool:
        with self._stage.redis() as client:
            return bool(client.flushall())

    def _duplicate(self) -> bool:
        """Queue a job once more that was queued before: of an old attempt, of one that runs, whatever is found."""
        with self._stage.redis() as client:
            jobs = sorted(str(key).removeprefix("rq:job:") for key in client.scan_iter("rq:job:*", count=1000))
            jobs = [job for job in jobs if ":" not in job]
            if not jobs:
                return False
            push = client.lpush if self._rng.random() < 0.5 else client.rpush
            return bool(push("rq:queue:prayer-sync", self._rng.choice(jobs)))

    def _reap(self) -> bool:
        self._stage.behind("reap")
        return True

    def _pause(self) -> bool:
        runs = [run for _, run, state in self._stage.witness.runs() if state in HOLDING]
        if not runs or not self._pausing.acquire(blocking=False):
            return False
        run, rest = self._rng.choice(runs), self._rng.choice((0.0, self._rng.uniform(0.2, 2.5)))
        self._stage.apart(lambda: self._pause_and_resume(run, rest))
        return True

    def _pause_and_resume(self, run: str, rest: float) -> None:
        stage = self._stage
        try:
            code, out = stage.command("pause", run, "--wait", "--json", "--reason", "chaos")
            paused = code == 0 and json.loads(out)["state"] == "paused"
            if paused:
                before = stage.witness.done_lines(run)
                time.sleep(rest)
                after = stage.witness.done_lines(run)
                if after != before:
                    stage.wrong.append(f"paused: {after - before} units of {run} committed after `pause --wait`")
            for _ in range(20):
                if all(state not in {"pausing", "paused"} for _, one, state in stage.witness.runs() if one == run):
                    return
                stage.command("resume", run, "--reason", "chaos")
                time.sleep(0.2)
            stage.notes[f"{run} could not be resumed in 20 attempts"] += 1
        finally:
            self._pausing.release()
