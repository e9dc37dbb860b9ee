"""`synctl serve`: a page, REST, live events and metrics."""

from __future__ import annotations

from typing import Annotated

import typer

from synctl.cli.options import JsonOption
from synctl.cli.output import emit, say
from synctl.cli.session import open_session
from synctl.errors import PrerequisitesNotMet

PORT = 8327


def serve(
    host: Annotated[str, typer.Option("--host", metavar="ADDRESS", help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option("--port", metavar="N", min=0, max=65535, help="0: one that is free.")] = PORT,
    origin: Annotated[
        list[str] | None,
        typer.Option("--origin", metavar="URL", help="How browsers reach it behind a proxy: https://HOST. Repeatable."),
    ] = None,
    allow_remote: Annotated[
        bool, typer.Option("--allow-remote", help="Listen beyond this machine although that is no TLS.")
    ] = False,
    json: JsonOption = False,
) -> None:
    """Serve runs to browsers and programs until it is ended: a page, REST, live events, metrics.

    It needs `pip install '.[web]'` in the checkout. Everything but /healthz and /readyz needs a token: the first
    start writes two, for reading and for operating, into web-tokens in the home, which only you may read.
    docs/web.md tells how to use it and how to put TLS in front.

    \b
    Examples:
      synctl serve
      synctl serve --port 9000 --origin https://sync.example.org      (behind a proxy that speaks TLS)
      curl -H "Authorization: Bearer $TOKEN" http://127.0.0.1:8327/api/runs

    Exit codes: 0 ended by SIGTERM or Ctrl-C, 2 usage, 5 the database is not set up or the extra is not installed,
    10 database unreachable.
    """
    from synctl.log import log_everywhere  # noqa: PLC0415 - only here

    with open_session() as session:
        try:
            from synctl.web.backend import Backend  # noqa: PLC0415 - an optional extra
            from synctl.web.server import Where, serve_until_ended  # noqa: PLC0415
        except ModuleNotFoundError as error:
            raise PrerequisitesNotMet(
                ((f"{error.name} is not installed", "pip install '.[web]' in the checkout"),)
            ) from error
        where = Where(host, port, tuple(origin or ()), allow_remote)
        backend = Backend(
            session.settings, session.database, session.client, session.connection, session.redis_url, session.server
        )
        log_everywhere(session.settings)
        tokens = session.settings.home / "web-tokens"

        def ready(url: str) -> None:
            if json:
                emit({"url": url, "tokens": str(tokens)})
            else:
                say(f"Serving on {url} until Ctrl-C. Log in with a token of {tokens}")

        serve_until_ended(backend, where, ready)
