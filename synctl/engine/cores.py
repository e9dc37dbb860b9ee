"""Where work horses run: Python computes with one thread at a time, so a horse gains nothing by wandering.

Left alone the kernel moves a thread to the other core each time that it waited for an answer or its turn, away from the
half megabyte that is in the cache of the first. Measured on two cores with two workers: CPU a unit 7.6 -> 6.8 ms,
256 -> 315 units/s.
"""

from __future__ import annotations

import os
from contextlib import suppress


def keep(pid: int, number: int, workers: int) -> None:
    """Keep a worker that was just started on a core of its own: the `number`th, from 1, of a resource's `workers`.

    Only where there are as many as cores. Fewer would leave cores unused that are free while theirs is not.
    """
    with suppress(AttributeError, OSError):  # not Linux; it ended already
        cores = sorted(os.sched_getaffinity(0))
        if len(cores) == workers:
            os.sched_setaffinity(pid, {cores[number - 1]})


def work_in_batch() -> None:
    """Tell the kernel that this process computes, and need not interrupt others as soon as it has something to do."""
    with suppress(AttributeError, OSError):  # not Linux; not allowed in this container
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
