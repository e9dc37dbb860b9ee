"""`synctl coverage quran` and `hadith`: which editions are stored, how old they are, and which are missing."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from shlex import join
from typing import Final

import msgspec

from synctl.cli.output import age, console, count, emit_lines, fitted, program, say, table, warn
from synctl.clock import now_ms
from synctl.resource import Holding

PER_COMMAND: Final = 20
"""Editions that one command orders: a line that a terminal can still show."""


class Asked(msgspec.Struct, frozen=True):
    """What was asked of the editions of a resource. `since`: milliseconds; what was synced before counts as missing."""

    resource: str
    since: int = 0
    listed_too: bool = False
    limit: int | None = None


def show(holdings: Sequence[Holding], asked: Asked) -> None:
    """Draw the editions that are wanted; the others are counted, or shown too."""
    shown = _chosen(holdings, asked)
    if not shown:
        say(f"No edition of {asked.resource} is stored or wanted.")
        return
    now = now_ms()
    columns = [
        ("EDITION", "left"), ("LANGUAGE", "left"), ("STATE", "left"), ("TEXTS", "right"), ("EMPTY", "right"),
        ("AGE", "right"),
    ]  # fmt: skip
    rows = [
        (
            one.edition, one.language, one.state(asked.since), _texts(one),
            f"{one.empty_texts:,}" if one.empty_texts else "",
            "" if one.synced_at is None else age(one.synced_at, now),
        )
        for one in shown[: asked.limit]
    ]  # fmt: skip
    terminal = console()
    columns, fitting = fitted(columns, rows, terminal.width, ("LANGUAGE", "EMPTY"))
    terminal.print(table(columns, fitting))
    say(_summary(holdings, asked, len(shown) - len(rows)))


def emit(holdings: Sequence[Holding], asked: Asked) -> None:
    """Write one JSON object for each edition that is wanted; for all that are listed, if that was asked."""
    emit_lines(one.as_json(asked.resource, asked.since) for one in _chosen(holdings, asked)[: asked.limit])


def gaps(holdings: Sequence[Holding], asked: Asked, *, force: bool, json: bool) -> None:
    """Print the commands that fetch what is missing, incomplete or too old."""
    lacking = [one for one in _chosen(holdings, asked) if one.state(asked.since) != "complete"][: asked.limit]
    if json:
        emit_lines(one.as_json(asked.resource, asked.since) for one in lacking)
        return
    for line in _commands(asked.resource, lacking, force=force):
        say(line)
    if not lacking:
        warn(f"no gaps: {count(len(_chosen(holdings, asked)), 'edition')} complete")


def _chosen(holdings: Iterable[Holding], asked: Asked) -> list[Holding]:
    return [one for one in holdings if one.wanted or asked.listed_too]


def _texts(one: Holding) -> str:
    if one.synced_at is None:
        return ""
    return f"{one.rows:,}" if one.expected in (None, one.rows) else f"{one.rows:,} of {one.expected:,}"


def _summary(holdings: Sequence[Holding], asked: Asked, cut: int) -> str:
    wanted = [one for one in holdings if one.wanted]
    complete = sum(one.state(asked.since) == "complete" for one in wanted)
    parts = [f"{complete:,} of {count(len(wanted), 'edition')} complete"]
    if more := len(holdings) - len(wanted):
        parts.append(f"{more:,} more listed upstream" + ("" if asked.listed_too else " (--listed shows them)"))
    if cut:
        parts.append(f"{cut:,} not shown (--limit)")
    return f"{', '.join(parts)}."


def _commands(resource: str, lacking: Sequence[Holding], *, force: bool) -> Iterator[str]:
    for at in range(0, len(lacking), PER_COMMAND):
        named = [word for one in lacking[at : at + PER_COMMAND] for word in ("--edition", one.edition)]
        yield join([program(), "enqueue", resource, *named, *(["--force"] if force else [])])
