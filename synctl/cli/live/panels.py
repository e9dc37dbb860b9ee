"""What stands below the runs: failures, workers and upstreams; and the small pictures, bar and sparkline."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from rich.text import Text

from synctl.cli.live.snapshot import Snapshot
from synctl.cli.output import duration
from synctl.engine import keys
from synctl.engine.hosts import HostState
from synctl.states import ACTIVE

LEVELS: Final = "▁▂▃▄▅▆▇█"
MOST: Final = 4
"""Lines of a panel."""


def panels(shown: Snapshot, columns: int, room: int) -> list[Text]:
    """Return the panels that fit, failures first, each with a heading."""
    drawn: list[Text] = []
    for title, rows in (
        ("failures", list(_failures(shown))),
        ("workers and queues", list(_workers(shown))),
        ("upstreams", list(_upstreams(shown))),
    ):
        if not rows or room - len(drawn) < 2:
            continue
        heading = Text(f"── {title} ", style="dim")
        heading.append("─" * max(0, columns - heading.cell_len))
        fitting = min(MOST, room - len(drawn) - 1)
        drawn += [heading, *rows[:fitting]]
        if len(rows) > fitting:
            drawn[-1] = Text(f"  … {len(rows) - fitting + 1} more", style="dim")
    return drawn


def bar(done: int, total: int, width: int, colour: str) -> Text:
    """A bar that reads without colour, too."""
    filled = width if done >= total else width * done // max(total, 1)
    return Text.assemble(("█" * filled, colour), ("░" * (width - filled), "dim"))


def share(done: int, total: int) -> str:
    """`45.2 %`; cut, not rounded: 100 is all of it."""
    return f"{1000 * done // max(total, 1) / 10:.1f} %"


def sparkline(rates: Sequence[float], width: int) -> str:
    """The last rates, the highest of them the full height."""
    some = list(rates)[-width:] if width else []
    most = max(some, default=0.0)
    return "".join(LEVELS[round((len(LEVELS) - 1) * rate / most)] if most else LEVELS[0] for rate in some)


def _failures(shown: Snapshot) -> Iterator[Text]:
    for one in shown.failures:
        cause = one.cause
        status = f" {cause.http_status}" if cause.http_status else ""
        yield Text.assemble(
            f"{cause.count:>6,} × ",
            (f"{cause.error_class}{status} ", "red"),
            cause.message.partition("\n")[0],
            (f"  {one.run_id.rpartition('-')[2]}", "dim"),
        )


def _workers(shown: Snapshot) -> Iterator[Text]:
    alive = Counter(worker.queue for worker in shown.workers)
    busy = Counter(worker.queue for worker in shown.workers if worker.state == "busy")
    for name, jobs in shown.waiting:
        queue = keys.queue(name)
        if not alive[queue] and not jobs:
            continue
        text = Text(f"  {queue:<13} {alive[queue]} worker{'' if alive[queue] == 1 else 's'}, {busy[queue]} busy")
        if jobs:
            text.append(f", {jobs} job{'' if jobs == 1 else 's'} waiting", style="" if alive[queue] else "bold red")
        if not alive[queue]:
            text.append("  `synctl up`", style="bold red")
        yield text


def _upstreams(shown: Snapshot) -> Iterator[Text]:
    sources = {view.run.source for view in shown.views if view.run.state in ACTIVE}
    for host in shown.hosts:
        if host.source in sources or host.closed_s or host.under_way:
            yield _upstream(host)


def _upstream(host: HostState) -> Text:
    rate = f"{host.rate:g} requests/s" if host.rate else "no limit"
    text = Text(f"  {host.host}  {rate}, {host.under_way} under way")
    if host.most:
        text.append(f" of {host.most}")
    if host.ahead_s >= 1:
        text.append(f", turns given away for {duration(host.ahead_s)}")
    if host.closed_s:
        text.append(f"  closed for {duration(host.closed_s)}: {host.why}", style="bold yellow")
    elif host.why:
        text.append(f"  being probed: {host.why}", style="yellow")
    return text
