"""What must hold of a hadith edition, as it is fetched and as it is stored."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final

import msgspec

from synctl.processors.hadith_language import strangeness
from synctl.store.hadith import Listed
from synctl.words import count

RULES: Final[Mapping[str, str]] = {
    "hadith.shape": "every field is there and of its type, numbers are digits with at most one point; cannot be waived",
    "hadith.edition": "the collection that was asked for, in the script and the language that are listed",
    "hadith.length": "no text over 200,000 characters (24,676 were met), no name or grade over 1,000 (98)",
    "hadith.unique": "every hadith number once; cannot be waived",
    "hadith.sections": "every section has a name, details and hadiths; every hadith is in one of them, or in 0",
    "hadith.counts": "hadiths lie within their section's numbers; of all those at most 1 % is missing",
    "hadith.texts": "no text in more than 5 % of the hadiths; at most 1 % more without one than are stored",
    "hadith.shrink": "at most 1 % fewer hadiths than are stored, unless --accept-shrink",
    "hadith.grades": "at most 1 %, or 5, fewer graded hadiths and fewer grades than are stored, unless --accept-shrink",
    "hadith.list": "a list that names editions, each once, and half of those that it named; cannot be waived",
}
UNWAIVABLE: Final = frozenset({"hadith.shape", "hadith.unique", "hadith.list"})
"""What breaks them cannot be stored as it is."""
TOLERANCE: Final = 100
"""One in so many may be missing: upstream itself lacks some hadiths of the large collections."""
REPEATED: Final = 20
"""One in so many may have the same text, and fewer than so many always: upstream has "not available" in some."""
FEW_GRADES: Final = 5
"""So many may always go: a grader who is struck off a hadith or two is a correction."""
LONGEST: Final[Mapping[str, int]] = {
    "text": 200_000, "section": 1_000, "title": 1_000, "grade": 1_000, "arabic number": 32,
}  # fmt: skip
"""Characters. The longest that were met in 34 editions: 24,676 (a chapter of Malik as one hadith), 98, 38, 71 and 8."""
LONGEST_LISTED: Final = {"name": 64, "collection": 64, "language": 64, "direction": 64}
"""Of the list of editions; everything else of it as long as a title."""
SAMPLE_TEXTS: Final = 50
SHOWN: Final = 5
UNPLACED: Final = 0
"""The section of hadiths that upstream placed nowhere. Its details do not cover them."""
Longest = Mapping[str, tuple[int, str]]
"""Of what LONGEST bounds: how many characters the longest has, and where that is."""


class Part(msgspec.Struct, frozen=True):
    """A section: its name, and its first and last hadith number; None where upstream gives none."""

    name: str | None
    numbers: tuple[str, str] | None


class Outline(msgspec.Struct, frozen=True):
    """An edition without its texts, but for some. `hadiths` are pairs of number and section."""

    title: str
    sections: Mapping[int, Part]
    hadiths: Sequence[tuple[str, int]]
    texts: Sequence[str]
    longest: Longest = msgspec.field(default_factory=dict)


class Counts(msgspec.Struct, frozen=True):
    """How much an edition has; `graded` are the hadiths with a grade. Without hadiths: that is not known."""

    hadiths: int = 0
    grades: int = 0
    empty_texts: int = 0
    graded: int = 0


class Breach(msgspec.Struct, frozen=True):
    """A rule that does not hold, and where."""

    rule: str
    message: str
    sample: object = None


def counted(validators: Mapping[str, str]) -> Counts | None:
    """Read what was counted in the last answer: it is kept with the ETag of that. None where something was not."""
    names = Counts.__struct_fields__
    return Counts(**{name: int(validators[name]) for name in names}) if validators.keys() >= set(names) else None


def breaches(outline: Outline, title: str, direction: str, language: str = "") -> Iterator[Breach]:
    """Check an edition against what was asked for and against itself; `language` is empty where none is known."""
    yield from _edition(outline, title, direction, language)
    yield from _lengths(outline)
    yield from _unique(outline)
    yield from _sections(outline)
    yield from _counts(outline)


def shrinks(now: Counts, before: Counts) -> Iterator[Breach]:
    """Compare an edition with what was stored of it: hadiths, and what is said of them."""
    left, stored = now.hadiths, before.hadiths
    if (stored - left) * TOLERANCE > stored:
        yield Breach("hadith.shrink", f"{left:,} hadiths, {stored:,} are stored", {"hadiths": left, "stored": stored})
    for name, what in (("graded", "hadiths with a grade"), ("grades", "grades")):
        left, stored = getattr(now, name), getattr(before, name)
        if stored - left > max(FEW_GRADES, stored // TOLERANCE):
            yield Breach("hadith.grades", f"{left:,} {what}, {stored:,} are stored", {name: left, "stored": stored})
            return


def emptied(now: Counts, before: Counts) -> Iterator[Breach]:
    """Compare the share of hadiths without a text with that of what was stored."""
    if (now.empty_texts * before.hadiths - before.empty_texts * now.hadiths) * TOLERANCE > now.hadiths * before.hadiths:
        message = f"{now.empty_texts:,} hadiths without a text, {before.empty_texts:,} are stored"
        yield Breach("hadith.texts", message, {"empty_texts": now.empty_texts, "stored": before.empty_texts})


def repeats(text: str, times: int, hadiths: int) -> Iterator[Breach]:
    """Look at the text that most hadiths have: an error in place of texts is one."""
    if times >= REPEATED and times * REPEATED > hadiths:
        yield Breach("hadith.texts", f"{times:,} of {hadiths:,} hadiths have the same text", text[:200])


def list_breaches(listed: Sequence[Listed], stored: Collection[str]) -> Iterator[Breach]:
    """Check a list of editions, and its names against the list that is stored."""
    names = [one.name for one in listed]
    if not all(names):
        yield Breach("hadith.list", "an edition has no name")
    if twice := sorted(name for name, times in Counter(names).items() if times > 1):
        yield Breach("hadith.list", f"listed more than once: {_some(twice)}", twice[:SHOWN])
    left = len(set(stored).intersection(names))
    if not names or left * 2 < len(stored):
        yield Breach(
            "hadith.list", f"{count(len(names), 'edition')}; of {len(stored):,} that are stored {left:,} are left"
        )
    for one in listed:
        for name in one.__struct_fields__:
            most, characters = LONGEST_LISTED.get(name, LONGEST["title"]), len(getattr(one, name))
            if characters > most:
                yield Breach("hadith.list", f"{name} of {characters:,} characters, more than {most:,}")


def _edition(outline: Outline, title: str, direction: str, language: str) -> Iterator[Breach]:
    if outline.title != title:
        yield Breach("hadith.edition", f"{title!r} was asked, {outline.title[:100]!r} answered", outline.title[:200])
    elif wrong := strangeness(outline.texts, language, direction):
        yield Breach("hadith.edition", wrong, outline.texts[0][:200])


def _lengths(outline: Outline) -> Iterator[Breach]:
    for what, (characters, place) in outline.longest.items():
        if characters > LONGEST[what]:
            where = f" of {place}" if place else ""
            message = f"the {what}{where} has {characters:,} characters, more than {LONGEST[what]:,}"
            yield Breach("hadith.length", message, {"characters": characters, "place": place})


def _unique(outline: Outline) -> Iterator[Breach]:
    seen: set[str] = set()
    twice = [number for number, _ in outline.hadiths if number in seen or seen.add(number)]  # type: ignore[func-returns-value]
    if twice:
        yield Breach("hadith.unique", f"numbers that are there twice: {_some(twice)}", twice[:SHOWN])


def _sections(outline: Outline) -> Iterator[Breach]:
    parts = outline.sections
    for number, part in parts.items():
        if part.name is None or part.numbers is None:
            lacks = "name" if part.name is None else "details"
            yield Breach("hadith.sections", f"section {number} has no {lacks}", {"section": number})
            return
    unknown = [(number, section) for number, section in outline.hadiths if section not in parts and section != UNPLACED]
    if unknown:
        stray, where = unknown[0]
        yield Breach("hadith.sections", f"hadith {stray} is in section {where}, which is not listed", unknown[:SHOWN])
        return
    filled = {section for _, section in outline.hadiths}
    if empty := [str(number) for number in parts if number not in filled and number != UNPLACED]:
        yield Breach("hadith.sections", f"sections without a hadith: {_some(empty)}", empty[:SHOWN])


def _counts(outline: Outline) -> Iterator[Breach]:
    if not outline.hadiths:
        yield Breach("hadith.counts", "no hadith at all")
        return
    spans = {
        number: (_whole(part.numbers[0]), _whole(part.numbers[1]))
        for number, part in outline.sections.items()
        if part.numbers is not None
    }
    for number, section in outline.hadiths:
        if section != UNPLACED and section in spans:
            first, last = spans[section]
            if not first <= _whole(number) <= last:
                message = f"hadith {number} is in section {section}, which has {first} to {last}"
                yield Breach("hadith.counts", message, {"number": number, "section": section})
                return
    present = {_whole(number) for number, _ in outline.hadiths}
    merged = _merged([span for span in spans.values() if span != (0, 0)])
    expected = sum(last - first + 1 for first, last in merged)
    missing = expected - sum(1 for number in present if any(first <= number <= last for first, last in merged))
    if missing * TOLERANCE > expected:
        absent = (number for first, last in merged for number in range(first, last + 1) if number not in present)
        some = list(islice(absent, SHOWN))
        message = f"{missing:,} of {expected:,} numbers are missing: {_some([str(one) for one in some], missing)}"
        yield Breach("hadith.counts", message, some)


def _whole(number: str) -> int:
    """The part before the point: what is behind it counts parts, and 3604.1 is the tenth."""
    return int(number.partition(".")[0])


def _merged(spans: Sequence[tuple[int, int]]) -> list[tuple[int, int]]:
    """Spans without overlaps: upstream's do overlap."""
    merged: list[tuple[int, int]] = []
    for first, last in sorted(spans):
        if merged and first <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(last, merged[-1][1]))
        elif first <= last:
            merged.append((first, last))
    return merged


def _some(what: Sequence[str], total: int | None = None) -> str:
    more = (len(what) if total is None else total) - SHOWN
    return ", ".join(what[:SHOWN]) + (f" and {more:,} more" if more > 0 else "")
