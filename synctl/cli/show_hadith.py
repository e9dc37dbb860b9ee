"""`synctl show hadith`: stored hadiths, exactly as they are stored; their sections, and the editions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from synctl.cli.listing import draw
from synctl.cli.output import count, emit_lines, minute, say
from synctl.cli.script import inline, paragraph
from synctl.cli.session import open_session
from synctl.clock import iso
from synctl.errors import NotFound, UsageError
from synctl.store import hadith as store
from synctl.store.db import Row, Transaction
from synctl.store.hadith import StoredEdition, StoredHadith
from synctl.suggest import did_you_mean
from synctl.words import shortened

if TYPE_CHECKING:
    from synctl.cli.show import Asked


def show(asked: Asked) -> None:
    """Show hadiths by number or section; an edition alone is its sections, nothing at all the editions."""
    if len(asked.edition) > 1:
        raise UsageError("one edition at a time", hint="for example eng-nawawi 1")
    name, *numbers = (*asked.edition, *asked.place) or (None,)
    if numbers and asked.section is not None:
        raise UsageError("numbers and --section exclude each other")
    with open_session() as session, session.database.read() as transaction:
        stored = store.editions(transaction)
        if not stored:
            raise NotFound("no hadith edition is stored", hint="`synctl enqueue hadith`")
        if name is None:
            if asked.section is not None:
                raise UsageError("--section needs an edition", hint=f"for example {stored[0].name} --section 1")
            _editions(stored, json=asked.json)
            return
        edition = named_edition(stored, name)
        if numbers or asked.section is not None:
            found = _found(transaction, edition, numbers, asked.section)
            if asked.json:
                emit_lines(one.as_json(edition) for one in found)
            else:
                _hadiths(edition, found)
        else:
            _sections(edition, store.sections(transaction, edition.name), json=asked.json)


def named_edition(stored: Sequence[StoredEdition], name: str) -> StoredEdition:
    """Return the stored edition of a name. Raises NotFound with the nearest one."""
    by_name = {one.name: one for one in stored}
    if name.lower() not in by_name:
        raise NotFound(
            f"hadith edition {shortened(repr(name))} is not stored{did_you_mean(name, by_name)}",
            hint=f"stored: {', '.join(by_name)}; `synctl enqueue hadith --edition NAME` syncs another",
        )
    return by_name[name.lower()]


def _found(
    transaction: Transaction, edition: StoredEdition, numbers: list[str], section: int | None
) -> list[StoredHadith]:
    if section is not None:
        found = list(store.hadiths(transaction, edition.name, section=section))
        if not found:
            listed = [str(row["number"]) for row in store.sections(transaction, edition.name)]
            raise NotFound(f"{edition.name} has no hadith in section {section}", hint=f"sections: {', '.join(listed)}")
        return found
    found = []
    for number in numbers:
        one = list(store.hadiths(transaction, edition.name, number=number))
        if not one:
            known = [literal for literal, _ in store.outline(transaction, edition.name)]
            near = [literal for literal in known if literal.partition(".")[0] == number.partition(".")[0]]
            hint = f"there are {', '.join(near)}" if near else f"they are {known[0]} to {known[-1]}" if known else None
            raise NotFound(f"{edition.name} has no hadith {shortened(repr(number))}", hint=hint)
        found += one
    return found


def _hadiths(edition: StoredEdition, found: list[StoredHadith]) -> None:
    """Write each text on lines of its own: terminals order each by its own direction."""
    section = None
    for one in found:
        row = one.row
        if row["section"] != section:
            section = row["section"]
            say(
                f"{inline(edition.title)} ({inline(edition.language)}), section {section}{_called(row['section_name'])}"
            )
            say()
        arabic = "" if row["arabic_number"] in (None, row["number"]) else f", arabic number {row['arabic_number']}"
        say(f"{edition.name} {row['number']}{arabic}")
        say(paragraph(row["text"]) if row["text"] else "(no text upstream)")
        if one.grades:
            say(paragraph("; ".join(f"{inline(name)}: {inline(grade)}" for name, grade in one.grades)))
        say()
    _origin(edition)


def _sections(edition: StoredEdition, sections: list[Row], *, json: bool) -> None:
    if json:
        emit_lines(
            {
                "edition": edition.name,
                "section": row["number"],
                "name": row["name"],
                "hadiths": row["hadiths"],
                **{key: row[key] for key in ("hadith_first", "hadith_last", "arabic_first", "arabic_last")},
            }
            for row in sections
        )
        return
    say(paragraph(f"{edition.name}: {inline(edition.title)} ({inline(edition.language)}), {_contents(edition)}"))
    columns = [("SECTION", "right"), ("HADITHS", "right"), ("FROM", "right"), ("TO", "right"), ("NAME", "left")]
    rows = [
        (
            str(row["number"]), f"{row['hadiths']:,}", row["hadith_first"] or "-", row["hadith_last"] or "-",
            inline(row["name"]) or "-",
        )
        for row in sections
    ]  # fmt: skip
    draw(columns, rows, expendable=("TO", "FROM"), elastic="NAME")
    _origin(edition)


def _editions(stored: list[StoredEdition], *, json: bool) -> None:
    if json:
        emit_lines(
            {
                "edition": one.name,
                "collection": one.collection,
                "title": one.title,
                "language": one.language,
                "direction": one.direction,
                "author": one.author,
                "comments": one.comments,
                "hadiths": one.hadiths,
                "empty_texts": one.empty_texts,
                "source": one.source,
                "run": one.run,
                "synced_at": iso(one.synced_at),
            }
            for one in stored
        )
        return
    columns = [("EDITION", "left"), ("COLLECTION", "left"), ("LANGUAGE", "left"), ("HADITHS", "right"),
               ("EMPTY", "right"), ("SYNCED", "left")]  # fmt: skip
    rows = [
        (one.name, inline(one.title), inline(one.language), f"{one.hadiths:,}", f"{one.empty_texts:,}",
         iso(one.synced_at))
        for one in stored
    ]  # fmt: skip
    draw(columns, rows, expendable=("EMPTY", "LANGUAGE"), elastic="COLLECTION")


def _contents(edition: StoredEdition) -> str:
    empty = f", {edition.empty_texts:,} without text" if edition.empty_texts else ""
    return f"{count(edition.hadiths, 'hadith')}{empty}"


def _called(name: str | None) -> str:
    return f": {inline(name)}" if name else ""


def _origin(edition: StoredEdition) -> None:
    say(paragraph(f"from {edition.source}, synced {minute(edition.synced_at)} by {edition.run}"))
