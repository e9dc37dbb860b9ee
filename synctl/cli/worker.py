"""`synctl worker`: one worker in the foreground."""

from __future__ import annotations

import logging
import time
from typing import Annotated

import typer

from synctl.cli.session import Session
from synctl.config import load_settings
from synctl.errors import RedisUnreachable

log = logging.getLogger("synctl.worker")

ASK_AGAIN_S = 1.0
"""Between looks for a Redis that is not there yet."""


def worker(
    resource: Annotated[str, typer.Argument(metavar="RESOURCE", help="prayer, quran or hadith.")],
    burst: Annotated[bool, typer.Option("--burst", help="End when the queue is empty.")] = False,
    supervised: Annotated[int | None, typer.Option("--supervised", metavar="PID", hidden=True)] = None,
) -> None:
    """Run one worker for the queue of a resource in the foreground, for systemd or another machine.

    It waits for a Redis that is not there yet; with --burst it ends. SIGTERM: the running shard is
    checkpointed and queued again, and the worker ends within two seconds. systemd units need
    KillMode=mixed.

    \b
    Examples:
      synctl worker prayer
      synctl worker prayer --burst

    Exit codes: 0 ended, 2 no such resource, 5 the database is not set up, 10 database unreachable, or
    with --burst Redis.
    """
    from synctl.engine import registry  # noqa: PLC0415
    from synctl.engine import worker as engine  # noqa: PLC0415
    from synctl.engine.connect import clear_errors  # noqa: PLC0415
    from synctl.log import log_everywhere, log_to_file  # noqa: PLC0415

    if supervised is not None:
        engine.die_with_supervisor(supervised)
    settings = load_settings()
    if supervised is None:
        log_everywhere(settings)
    else:
        log_to_file(settings)
    registry.require(resource)
    session = Session(settings)
    try:
        _ = session.database  # says what is missing
        _await_redis(session, patient=not burst)
        with clear_errors(session.redis_url):
            engine.SyncWorker(session.settings, session.redis_url, resource).work(burst=burst, logging_level="WARNING")
    finally:
        session.close()


def _await_redis(session: Session, *, patient: bool) -> None:
    from redis.exceptions import RedisError  # noqa: PLC0415

    from synctl.engine import queues  # noqa: PLC0415
    from synctl.engine.connect import clear_errors  # noqa: PLC0415

    said = False
    while True:
        try:
            with clear_errors(session.redis_url):
                queues.require_writable(session.client)
        except (RedisUnreachable, RedisError) as error:
            if not patient:
                raise
            if not said:
                log.warning("waiting: %s", error)
                said = True
            time.sleep(ASK_AGAIN_S)
        else:
            return
