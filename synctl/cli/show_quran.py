"""`synctl show quran`: stored ayahs, exactly as they are stored."""

from __future__ import annotations

import re
from collections.abc import Iterable
from itertools import groupby
from typing import TYPE_CHECKING, Final

import msgspec

from synctl.cli.output import count, emit_lines, minute, say
from synctl.cli.script import inline, paragraph
from synctl.cli.session import open_session
from synctl.errors import NotFound, UsageError
from synctl.sources.mushaf import SURAHS, mushaf
from synctl.store import quran
from synctl.store.db import Row, Transaction
from synctl.store.quran import Edition, Verse
from synctl.suggest import did_you_mean
from synctl.words import shortened

if TYPE_CHECKING:
    from synctl.cli.show import Asked

_PLACE: Final = re.compile(r"(\d{1,3})(?::(\d{1,3})(?:-(\d{1,3}))?)?", re.ASCII)


class Passage(msgspec.Struct, frozen=True):
    """Ayahs `first` to `last` of a surah."""

    surah: int
    first: int
    last: int


def show(asked: Asked) -> None:
    """Show passages in each edition. Raises NotFound where nothing is stored of them."""
    if not asked.place:
        raise UsageError("show quran needs a place", hint="for example 2:255, 2:255-257 or 112")
    passages = [passage(text) for text in asked.place]
    with open_session() as session, session.database.read() as transaction:
        chosen = chosen_editions(quran.editions(transaction), asked.edition)
        names = quran.surah_names(transaction, chosen[0].edition)
        found = [verse for one in passages for verse in _verses(transaction, chosen, one)]
    if asked.json:
        emit_lines(verse.as_json() for verse in found)
        return
    for number, group in groupby(found, key=lambda verse: verse.surah):
        _surah(names.get(number), list(group), alone=len(chosen) == 1)
    for one in chosen:
        say(paragraph(f"{one.edition}: from {one.source}, synced {minute(one.synced_at)} by {one.run_id}"))


def passage(text: str) -> Passage:
    """Read `2`, `2:255` or `2:255-257`. Raises UsageError for what is none, NotFound for what does not exist."""
    match = _PLACE.fullmatch(text)
    if match is None:
        raise UsageError(f"{shortened(repr(text))} is no place in the Quran", hint="write 2, 2:255 or 2:255-257")
    surah = int(match[1])
    if not 1 <= surah <= SURAHS:
        raise NotFound(f"there is no surah {surah}", hint=f"they are 1 to {SURAHS}")
    length = mushaf().counts[surah - 1]
    first = int(match[2] or 1)
    last = int(match[3] or match[2] or length)
    if not 1 <= first <= last <= length:
        raise NotFound(f"there are no ayahs {text}", hint=f"surah {surah} has {count(length, 'ayah')}")
    return Passage(surah, first, last)


def chosen_editions(stored: list[Edition], wanted: tuple[str, ...]) -> list[Edition]:
    """Return the stored editions of these names, all for none. Raises NotFound with the nearest name."""
    by_name = {one.edition: one for one in stored}
    if not stored:
        raise NotFound("no edition of the Quran is stored", hint="`synctl enqueue quran`")
    for name in wanted:
        if name not in by_name:
            raise NotFound(
                f"edition {shortened(repr(name))} is not stored{did_you_mean(name, by_name)}",
                hint=f"stored: {', '.join(by_name)}; `synctl enqueue quran --edition NAME` syncs another",
            )
    return [by_name[name] for name in dict.fromkeys(wanted)] or stored


def _verses(transaction: Transaction, chosen: list[Edition], asked: Passage) -> Iterable[Verse]:
    return quran.verses(transaction, chosen, asked.surah, asked.first, asked.last)


def _surah(names: Row | None, verses: list[Verse], *, alone: bool) -> None:
    """Write each ayah below its place. A text has lines of its own: terminals order each by its own direction."""
    if names is not None:
        meaning = f" ({inline(names['english_name_translation'])})" if names["english_name_translation"] else ""
        where = f"{names['revelation_type']}, {count(names['ayahs'], 'ayah')}"
        say(paragraph(f"Surah {names['surah']}: {inline(names['english_name'])}{meaning}, {where}"))
        say()
    for _, group in groupby(verses, key=lambda verse: verse.ayah):
        for place, verse in enumerate(group):
            if place == 0:
                say(f"{verse.surah}:{verse.ayah}  {_places(verse)}")
            if not alone:
                say(f"[{verse.edition.edition}]")
            say(paragraph(verse.text))
        say()


def _places(verse: Verse) -> str:
    sajda = f", sajda ({verse.sajda})" if verse.sajda else ""
    return f"juz {verse.juz}, page {verse.page}, ruku {verse.ruku}{sajda}"
