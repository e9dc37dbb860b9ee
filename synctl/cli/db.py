"""`synctl db`: the database's schema."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from synctl.cli.options import JsonOption
from synctl.cli.output import emit, say
from synctl.cli.session import open_session


class Action(StrEnum):
    """What to do with the schema."""

    UPGRADE = "upgrade"
    CURRENT = "current"


def db(
    action: Annotated[Action, typer.Argument(help="upgrade: create or migrate; current: show the revision.")],
    json: JsonOption = False,
) -> None:
    """Create or migrate the database, or show its revision.

    \b
    Examples:
      synctl db upgrade
      synctl db current

    Exit codes: 0 done, 2 usage, 10 database unreachable.
    """
    from synctl.engine.stack import prepare_database  # noqa: PLC0415
    from synctl.store import migrate  # noqa: PLC0415

    with open_session() as session:
        if action is Action.UPGRADE:
            prepare_database(session.settings)
        revision = session.revision
        if json:
            emit({"revision": revision, "head": migrate.HEAD})
        else:
            say(f"revision {revision or 'none'}, head {migrate.HEAD}")
