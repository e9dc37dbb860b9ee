"""`synctl metrics`: what Prometheus scrapes, or the node exporter reads from a file."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated

import typer

from synctl.cli.destination import replaced
from synctl.cli.options import JsonOption
from synctl.cli.output import emit_lines
from synctl.config import load_settings
from synctl.errors import UsageError
from synctl.words import LONGEST_PATH, shortened

SUFFIX = ".prom"


def metrics(
    textfile: Annotated[
        Path | None,
        typer.Option(
            "--textfile", metavar="PATH", help="Write to this file, whole or not at all, for the node exporter: *.prom."
        ),
    ] = None,
    json: JsonOption = False,
) -> None:
    """Print metrics in Prometheus' text format. Changes nothing.

    Where the database or Redis does not answer, synctl_database_up or synctl_redis_up is 0, and what would be read
    there is left out. docs/metrics.md tells what each metric means; contrib/prometheus/ has alerts for them.

    \b
    Examples:
      synctl metrics
      synctl metrics --textfile /var/lib/node_exporter/synctl.prom      (cron, each minute)
      synctl metrics --json | jq 'select(.name == "synctl_stalled_runs")'

    Exit codes: 0 written, whatever is down; 1 the disk is full, 2 wrong configuration, or the file cannot be written.
    """
    from synctl.engine.metrics import exposition  # noqa: PLC0415 - redis is 80 ms of import
    from synctl.engine.metrics.reading import read  # noqa: PLC0415

    if textfile is not None and json:
        raise UsageError("--textfile and --json exclude each other", hint="the node exporter reads no JSON")
    if textfile is not None and textfile.suffix != SUFFIX:
        raise UsageError(
            f"{shortened(str(textfile), LONGEST_PATH)}: the node exporter reads files that end in {SUFFIX}",
            hint=f"name it NAME{SUFFIX}",
        )
    samples = read(load_settings())
    if json:
        emit_lines(exposition.objects(samples))
    elif textfile is None:
        sys.stdout.write(exposition.text(samples).decode())
    else:
        with replaced(textfile) as file:
            file.write(exposition.text(samples))
