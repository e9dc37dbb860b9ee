"""Calculation methods and madhabs: what is stored, and what `--methods` and `--madhab` mean."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Final

import msgspec

from synctl.errors import PrerequisitesNotMet, UsageError
from synctl.suggest import did_you_mean
from synctl.words import shortened

if TYPE_CHECKING:
    from collections.abc import Mapping

    from synctl.store.db import Transaction


class Method(msgspec.Struct, frozen=True):
    """A calculation method as AlAdhan numbers it. `params` mixes numbers (degrees) and text such as `90 min`."""

    id: int
    code: str
    name: str
    params: Mapping[str, object]
    named: bool


class Madhab(msgspec.Struct, frozen=True):
    """A school of law. It changes only Asr: the shadow is `asr_factor` times the object."""

    id: int
    code: str
    name: str
    asr_factor: int


MADHABS: Final = (
    Madhab(0, "shafi", "Shafi, Maliki, Hanbali", 1),
    Madhab(1, "hanafi", "Hanafi", 2),
)


def methods(transaction: Transaction) -> list[Method]:
    """Return every stored method by id, CUSTOM included."""
    rows = transaction.all("SELECT id, code, name, params, named FROM method ORDER BY id")
    return [Method(row["id"], row["code"], row["name"], json.loads(row["params"]), bool(row["named"])) for row in rows]


def parse_methods(transaction: Transaction, text: str) -> list[Method]:
    """Return what `all`, `3,4` or `MWL,makkah` selects, by id and without doubles.

    Raises UsageError for what is no method or has no name, PrerequisitesNotMet where none is stored.
    """
    stored = methods(transaction)
    named = [method for method in stored if method.named]
    if not named:
        raise PrerequisitesNotMet((("no calculation methods are stored", "synctl seed"),))
    by_word = {str(method.id): method for method in stored} | {method.code: method for method in stored}
    chosen: dict[int, Method] = {}
    for word in _words(text, "a method"):
        found = named if word.casefold() == "all" else [_method(word, by_word)]
        chosen.update((method.id, method) for method in found)
    return sorted(chosen.values(), key=lambda method: method.id)


def parse_madhabs(text: str) -> tuple[int, ...]:
    """Return the ids that `both`, `shafi`, `hanafi`, `0` or `1` selects. Raises UsageError."""
    by_word = {word: {madhab.id} for madhab in MADHABS for word in (madhab.code, str(madhab.id))}
    by_word["both"] = {madhab.id for madhab in MADHABS}
    chosen: set[int] = set()
    for word in _words(text, "a madhab"):
        if word.casefold() not in by_word:
            near = did_you_mean(word.casefold(), by_word)
            raise UsageError(f"madhab {shortened(repr(word))}: none of both, shafi (0), hanafi (1){near}")
        chosen.update(by_word[word.casefold()])
    return tuple(sorted(chosen))


def _words(text: str, what: str) -> list[str]:
    words = [word.strip() for word in text.split(",")]
    if not all(words):
        raise UsageError(f"{shortened(repr(text))}: {what} is missing")
    return words


def _method(word: str, by_word: Mapping[str, Method]) -> Method:
    wanted = word.upper() if not word.isdigit() else word.lstrip("0") or "0"
    method = by_word.get(wanted)
    valid = [method for method in by_word.values() if method.named]
    if method is None:
        ids = _ranges(sorted({method.id for method in valid}))
        near = did_you_mean(wanted, [method.code for method in valid])
        raise UsageError(f"method {shortened(repr(word))}: there is none{near}; valid are all, {ids} and their codes")
    if not method.named:
        raise UsageError(
            f"method {shortened(repr(word))}: {method.code} has no parameters, so there is nothing to calculate with"
        )
    return method


def _ranges(numbers: list[int]) -> str:
    """Return `0-5, 7-23`, which shows what is missing."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}-{run[-1]}" for run in runs)
