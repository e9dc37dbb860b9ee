"""`synctl up` and `synctl down`."""

from __future__ import annotations

from typing import Annotated

import typer

from synctl.cli.options import JsonOption
from synctl.cli.output import count, emit, say, warn
from synctl.config import load_settings
from synctl.redact import redacted


def up(
    foreground: Annotated[
        bool, typer.Option("--foreground", help="Supervise in this process, for containers and systemd.")
    ] = False,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Say nothing on success.")] = False,
    detached: Annotated[bool, typer.Option("--detached", hidden=True)] = False,
    json: JsonOption = False,
) -> None:
    """Start the local stack in the background: Valkey, database, reference data, supervised workers.

    A configured Redis or database URL replaces the embedded ones. What runs already is left alone, so
    repeat it freely. Workers that die are started again, and go on where they stopped.

    \b
    Examples:
      synctl up
      SYNCTL_HOME=/srv/synctl synctl up --foreground

    Exit codes: 0 it is up, 1 the workers did not start in time, or one ended, 2 wrong configuration,
    10 Redis or database unreachable.
    """
    from synctl.engine.stack import Stack  # noqa: PLC0415

    settings = load_settings()
    stack = Stack(settings)
    if foreground:
        from synctl.log import log_everywhere, log_to_file  # noqa: PLC0415

        if detached:
            log_to_file(settings)
        else:
            log_everywhere(settings)
        if not stack.up_foreground() and not quiet:
            say("It is up already.")
        return
    brought = stack.up()
    if json:
        emit(
            {
                "redis": redacted(brought.redis_url),
                "database": brought.database,
                "home": str(settings.home),
                "started": brought.started_workers,
                "seeded": brought.seeded,
                "workers": brought.workers,
                "elsewhere": brought.elsewhere.database if brought.elsewhere else None,
            }
        )
    elif not quiet:
        word = "Started" if brought.started_workers else "Already up"
        say(f"{word}: {count(brought.workers, 'worker')}, Redis at {redacted(brought.redis_url)}.")
        say(f"Database: {brought.database}")
    if brought.elsewhere is not None:
        mend = "give both stacks one database.url, or each a Redis database of its own"
        if not brought.started_workers:
            mend = f"if it is this home's: `synctl down`, `synctl up`; else {mend}"
        warn(f"{brought.elsewhere.looks_elsewhere()}; {mend}")


def down(json: JsonOption = False) -> None:
    """Stop workers and the embedded Valkey. Running syncs are checkpointed and go on after the next `up`.

    \b
    Example:
      synctl down

    Exit codes: 0 it is down, 1 the supervisor did not stop in time, or may be another user's,
    2 wrong configuration, 10 Valkey did not stop in time.
    """
    from synctl.engine.stack import Stack  # noqa: PLC0415

    workers, server = Stack(load_settings()).down()
    if json:
        emit({"stopped": workers or server})
    else:
        say("Stopped." if workers or server else "Nothing was up.")
