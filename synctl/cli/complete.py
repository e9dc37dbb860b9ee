"""Answers a shell that asks what may stand at the cursor. Never fails, never prints an error, creates nothing.

The protocol is the same for all shells: `_SYNCTL_COMPLETE=complete_SHELL`, and in `_SYNCTL_COMPLETE_LINE` the
command line up to the cursor. The answer is a candidate a line: its value, a tab, and what it is; or the one word
`:files` where the shell may offer files.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterable, Mapping
from typing import Any, Final

import msgspec

from synctl.cli.commands import COMMANDS

VARIABLE: Final = "_SYNCTL_COMPLETE"
LINE_VARIABLE: Final = "_SYNCTL_COMPLETE_LINE"
FILES: Final = ":files"
FILE_METAVARS: Final = frozenset({"FILE", "DIR", "PATH"})


class Candidate(msgspec.Struct, frozen=True):
    """What may stand at the cursor, and what it is."""

    value: str
    about: str = ""


def answer(environ: Mapping[str, str]) -> int:
    """Write the candidates for the shell that asks; return the exit code, always 0."""
    shell = environ[VARIABLE].removeprefix("complete_")
    try:
        lines = [_written(one) for one in candidates(environ.get(LINE_VARIABLE, ""), shell)]
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()
    except Exception:  # noqa: BLE001, S110 - whatever is wrong here, the operator is typing something else
        pass
    return 0


def candidates(line: str, shell: str) -> list[Candidate]:
    """Return what may stand at the end of a command line."""
    words, incomplete = split(line)
    if len(words) == 1 and not incomplete.startswith("-"):  # needs nothing but the table
        return [
            Candidate(name, entry.summary)
            for name, entry in COMMANDS.items()
            if name.startswith(incomplete) and not entry.hidden
        ]
    from synctl.cli.app import command_group  # noqa: PLC0415 - typer, and the module of the command

    target, rest = _target(command_group(), words[1:], incomplete)
    found = _candidates(target, rest)
    # Where an option and its value are one word, fish and zsh replace all of it; for bash `=` parts words.
    glued = incomplete[: len(incomplete) - len(rest)] if shell != "bash" else ""
    if shell == "bash" and ":" in rest:  # which parts words, too
        cut = rest.rindex(":") + 1
        found = [Candidate(one.value[cut:], one.about) for one in found]
    return [Candidate(f"{glued}{one.value}", one.about) for one in found]


def split(line: str) -> tuple[list[str], str]:
    """Return the whole words of a command line and the one at its end, unquoted: empty after a space."""
    lexer = shlex.shlex(line, posix=True, punctuation_chars=False)
    lexer.whitespace_split, lexer.commenters = True, ""
    words: list[str] = []
    try:
        for word in lexer:
            words.append(word)  # noqa: PERF402 - what was read before an open quote is kept
    except ValueError:  # a quote that is open yet
        return words, lexer.token or ""
    ends = not line or (line[-1].isspace() and not line.endswith("\\ "))
    return (words, "") if ends or not words else (words[:-1], words[-1])


class _Target(msgspec.Struct, frozen=True):
    """The command or parameter that says what may stand at the cursor."""

    holder: Any
    context: Any


def _target(group: Any, words: list[str], incomplete: str) -> tuple[_Target, str]:
    from typer._click.shell_completion import _resolve_context, _resolve_incomplete  # noqa: PLC0415

    context = _resolve_context(group, {}, "synctl", list(words))
    holder, rest = _resolve_incomplete(context, list(words), incomplete)
    if words and words[-1] in getattr(holder, "opts", ()):  # an option without its value keeps the rest from being read
        context = _resolve_context(group, {}, "synctl", words[:-1])
    return _Target(holder, context), rest


def _candidates(target: _Target, incomplete: str) -> Iterable[Candidate]:
    holder = target.holder
    if not hasattr(holder, "param_type_name"):  # a command: its options, or the commands of a group
        return _own(holder.shell_complete(target.context, incomplete))
    if holder.metavar in FILE_METAVARS:
        return [Candidate(FILES)]
    chosen = _own(holder.shell_complete(target.context, incomplete))
    if chosen:
        return chosen
    from synctl.cli.values import values  # noqa: PLC0415 - opens the database

    command = target.context.command_path.removeprefix("synctl ")
    given = {str(one) for value in target.context.params.values() if isinstance(value, list | tuple) for one in value}
    return [
        Candidate(value, about)
        for value, about in values(command, holder.name, target.context.params, incomplete)
        if value not in given
    ]


def _own(items: Iterable[Any]) -> list[Candidate]:
    return [Candidate(item.value, item.help or "") for item in items]


def _written(candidate: Candidate) -> str:
    about = " ".join(candidate.about.split())
    return f"{candidate.value}\t{about}" if about else candidate.value
