"""Writes config.example.toml out of the declarations.

`python -m synctl.config.example > config.example.toml`
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from synctl.config.keys import Key, KeyPath, all_keys, entry_keys, groups

if TYPE_CHECKING:
    from collections.abc import Iterator

HEAD: Final = """\
# Every key of synctl's configuration, with its default. Copy what you need into ./synctl.toml or
# ~/.config/synctl/synctl.toml (the first one found is read), or into a file that SYNCTL_CONFIG names.
#
# An environment variable, or the same line in ./.env, wins over the file. Its name is SYNCTL_ and the
# key with its table in capitals, joined by two underscores: SYNCTL_REDIS__URL, SYNCTL_HOME,
# SYNCTL_SOURCES__ALADHAN__RATE. A relative path starts at the folder of the file it is written in.
#
# Made from what synctl/config declares. A `#` without a space stands before what can be uncommented.
"""


SAMPLES: Final = {
    "cron": "15 2 * * *",
    "resource": "prayer",
    "cities": 100,
    "city": "London",
    "country": ["PK", "ID"],
    "own_cities": True,
    "methods": "3,4",
    "madhab": "both",
    "year": 2027,
    "from": "today",
    "to": "2026-12-31",
    "edition": ["quran-uthmani", "en.sahih"],
    "collection": "bukhari",
    "source": "aladhan",
    "if_stale": "7d",
}
"""Values for keys of a schedule that have no default. Those that it must have can be uncommented."""


def example() -> str:
    """Return the text of the file."""
    return HEAD + "".join(f"{line}\n" for line in (*_lines(), *_entry(("schedule", "nightly"))))


def _lines() -> Iterator[str]:
    shown: set[KeyPath] = {()}
    documented: set[str] = set()
    for key in all_keys():
        opened = [key.path[:depth] for depth in range(1, len(key.path)) if key.path[:depth] not in shown]
        for group in opened:
            yield from ("", *_prose(groups()[group]))
        if opened:
            yield f"#[{'.'.join(key.path[:-1])}]"
            documented.add(groups()[key.path[:-1]])
        shown.update(opened)
        if key.doc not in documented:  # the keys of a second upstream are those of the first
            yield from ("", *_prose(key.doc))
        documented.add(key.doc)
        yield f"#{key.path[-1]} = {_toml(key)}"


def _entry(path: KeyPath) -> Iterator[str]:
    yield from ("", *_prose(groups()[path[:1]]), "# Their keys cannot be set in the environment; docs/scheduling.md.")
    yield f"#[{'.'.join(path)}]"
    for key in entry_keys(path):
        sample = SAMPLES.get(key.path[-1])
        yield from ("", *_prose(key.doc))
        usual = key.required or sample is None
        yield f"#{'' if usual else ' '}{key.path[-1]} = {_toml(key) if sample is None else json.dumps(sample)}"


def _prose(text: str) -> list[str]:
    return [f"# {line}" for line in text.splitlines()]


def _toml(key: Key) -> str:
    if key.default is None or isinstance(key.default, Path):
        return '""'
    return json.dumps(key.default)  # for text and numbers the same as in TOML


if __name__ == "__main__":
    sys.stdout.write(example())
