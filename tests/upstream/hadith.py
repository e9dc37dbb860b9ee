"""The stand-in of hadith-api on its CDN: the shape and the quirks of its files, with invented texts.

Numbers are written as literals, so that 3604.1 and 3604.10 are two. `bend(NAME)` among the faults spoils a file
by one of BENDS; `@path=/editions/eng-nawawi.min.json` says which.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import blake2b
from typing import Any

from tests.upstream.faults import Fault, Faults
from tests.upstream.server import Asked, LoopbackServer, Reply

File = dict[str, Any]

GRADERS = ("First Grader", "Second Grader", "Third Grader")
GRADES = ("Sahih", "Hasan", "Daif", "")
LANGUAGES = {"ara": ("Arabic", "rtl"), "eng": ("English", "ltr"), "fra": ("French", "ltr"), "urd": ("Urdu", "rtl")}
_WORDS = {
    "ara": ("كلمة", "أخرى", "مخترعة", "للتجربة", "فقط", "نص"),
    "eng": ("An", "invented", "sentence", "“quoted”", "— for", "tests", "ʿonly"),
    "fra": ("Une", "phrase", "inventée", "de", "la", "part", "des", "« tests »"),
    "urd": ("آزمائش", "کے", "لیے", "بنایا", "ہوا", "ایک", "جملہ", "ہے", "جو", "نہیں"),
}
_LITERAL = "\x01"
"""Marks a string that is written as a number."""


@dataclass(frozen=True, slots=True)
class Book:
    """A collection: the first and last number of each section from 1, and what is odd about it."""

    title: str
    sections: tuple[tuple[int, int], ...]
    introduction: tuple[int, int] | None = None
    unplaced: tuple[int, ...] = ()
    absent: tuple[int, ...] = ()
    extra: tuple[str, ...] = ()
    empty: tuple[str, ...] = ()
    graded: bool = False
    own_arabic: bool = False
    languages: tuple[str, ...] = ("ara", "eng", "fra")


BOOKS: Mapping[str, Book] = {
    "abudawud": Book("Sunan Abu Dawud", ((1, 60), (61, 90)), graded=True, empty=("7", "64")),
    # A number that is nowhere, as upstream has in its largest collection.
    "bukhari": Book("Sahih al Bukhari", ((1, 7), (8, 60), (61, 210)), absent=(97,), languages=("ara", "eng", "urd")),
    "dehlawi": Book("Forty Hadith of Shah Waliullah Dehlawi", ((1, 40),)),
    "ibnmajah": Book("Sunan Ibn Majah", ((27, 80), (81, 120)), introduction=(1, 26), graded=True, extra=("90.2",)),
    "malik": Book("Muwatta Malik", ((1, 31), (32, 145)), unplaced=(67, 84), empty=("5", "67"), graded=True),
    # An introduction in section 0 that has numbers of its own, arabic numbers as strings, sections that overlap.
    "muslim": Book(
        "Sahih Muslim", ((9, 60), (61, 130), (58, 170)), introduction=(1, 8), unplaced=(28, 100),
        empty=("1", "2", "28"), own_arabic=True,
    ),
    "nasai": Book("Sunan an Nasai", ((1, 40), (45, 90)), unplaced=(41, 42, 43, 44), extra=("34.2", "33.2", "33.3")),
    "nawawi": Book("Forty Hadith of an-Nawawi", ((1, 42),)),
    "qudsi": Book("Forty Hadith Qudsi", ((1, 40),)),
    "tirmidhi": Book(
        "Jami At Tirmidhi", ((1, 148), (3600, 3610)), graded=True, empty=("3604.3",),
        extra=(*(f"3604.{part}" for part in range(2, 10)), "3604.1", "3604.10"),
    ),
}  # fmt: skip
ONLY_PLAIN = "abudawud"
"""Its editions have no small form."""


@dataclass
class Files:
    """What the server has. A test changes files by `edits`, from the name of an edition to what is done with it."""

    edits: dict[str, Callable[[File], None]] = field(default_factory=dict)

    def answer(self, asked: Asked) -> Reply:
        """Answer as the CDN would: 404 in plain text, 304 to the ETag of what it has."""
        match = re.fullmatch(r"/(editions(?:/(?P<edition>[a-z]{3}-[a-z]+1?))?)(?P<small>\.min)?\.json", asked.path)
        body = None if match is None else self._body(match["edition"], small=match["small"] is not None)
        if body is None:
            return Reply(404, f"Couldn't find the requested file {asked.path}.".encode())
        tag = f'W/"{len(body):x}-{blake2b(body, digest_size=9).hexdigest()}"'
        headers = {"ETag": tag, "Cache-Control": "public, max-age=604800, s-maxage=43200"}
        return Reply(304, b"", headers) if asked.if_none_match == tag else Reply(200, body, headers)

    def _body(self, edition: str | None, *, small: bool) -> bytes | None:
        if edition is None:
            return write(listing(), small=small)
        language, _, name = edition.partition("-")
        book = BOOKS.get(name.removesuffix("1"))
        if book is None or language not in book.languages or (name.endswith("1") and language != "ara"):
            return None
        if small and name == ONLY_PLAIN:
            return None
        file = deepcopy(contents(edition))
        if edition in self.edits:
            self.edits[edition](file)
        return write(file, small=small)


def serve(
    faults: Faults | None = None, files: Files | None = None, *, host: str = "127.0.0.1", port: int = 0
) -> LoopbackServer:
    """Make the stand-in; use it as a context manager. Its files are at the root."""
    return LoopbackServer((files or Files()).answer, faults=faults, spoil=spoil, host=host, port=port)


def listing() -> File:
    """The list of editions."""
    return {
        name: {
            "name": book.title,
            "collection": [
                {
                    "name": edition, "book": name, "author": "Unknown", "language": LANGUAGES[edition[:3]][0],
                    "has_sections": True, "direction": LANGUAGES[edition[:3]][1], "source": "",
                    "comments": "Diacritics removed for easier searching" if edition.endswith("1") else "",
                    "link": f"https://cdn.invalid/editions/{edition}.json",
                    "linkmin": f"https://cdn.invalid/editions/{edition}.min.json",
                }
                for edition in editions(name)
            ],
        }
        for name, book in BOOKS.items()
    }  # fmt: skip


def editions(collection: str) -> list[str]:
    """The editions of a collection; Arabic has a second one."""
    languages = BOOKS[collection].languages
    return sorted([f"{language}-{collection}" for language in languages] + [f"ara-{collection}1"])


@lru_cache(maxsize=64)
def contents(edition: str) -> File:
    """What the file of an edition says. Numbers are strings that `write` knows."""
    language, _, name = edition.partition("-")
    book = BOOKS[name.removesuffix("1")]
    sections = {"0": "Introduction" if book.introduction else ""}
    details = {"0": _details(book, *(book.introduction or (0, 0)))}
    for number, (first, last) in enumerate(book.sections, start=1):
        sections[str(number)] = f"The Book of Things {number}"
        details[str(number)] = _details(book, first, last)
    spans = [*book.sections, *([book.introduction] if book.introduction else [])]
    whole = {number for first, last in spans for number in range(first, last + 1)} | set(book.unplaced)
    numbers = [*(str(number) for number in sorted(whole - set(book.absent))), *book.extra]
    return {
        "metadata": {"name": book.title, "sections": sections, "section_details": details},
        "hadiths": [_hadith(book, number, language) for number in sorted(numbers, key=float)],
    }


def write(file: File, *, small: bool = True) -> bytes:
    """Write JSON as upstream does: nothing escaped that need not be, tabs in the large form."""
    text = json.dumps(
        file, ensure_ascii=False, indent=None if small else "\t", separators=(",", ":") if small else (",", ": ")
    )
    return re.sub(r'"\\u0001([^"]*)"', r"\1", text).encode()


def literal(number: str) -> str:
    """Return what `write` writes as a number."""
    return _LITERAL + number


def _details(book: Book, first: int, last: int) -> File:
    arabic = [f"{first}.01", f"{last}.02"] if book.own_arabic and first > 8 else [str(first), str(last)]
    return {
        "hadithnumber_first": literal(str(first)),
        "hadithnumber_last": literal(str(last)),
        "arabicnumber_first": literal(arabic[0]),
        "arabicnumber_last": literal(arabic[1]),
    }


def _hadith(book: Book, number: str, language: str) -> File:
    whole = int(number.partition(".")[0])
    section = next((index for index, span in enumerate(book.sections, 1) if span[0] <= whole <= span[1]), 0)
    placed = whole not in book.unplaced and section > 0
    made: File = {"hadithnumber": literal(number)}
    if not book.own_arabic:
        made["arabicnumber"] = literal(number)
    elif placed:
        made["arabicnumber"] = f"{whole - 1}.0{whole % 9 + 1}"  # a string, and another number
    words = _WORDS[language]
    made["text"] = (
        "" if number in book.empty else " ".join([*(words[(whole + turn) % len(words)] for turn in range(9)), number])
    )
    made["grades"] = [
        {"name": name, "grade": GRADES[(whole + turn) % len(GRADES)]} for turn, name in enumerate(GRADERS[: whole % 4])
    ] if book.graded else []  # fmt: skip
    in_section = whole - book.sections[section - 1][0] + 1 if placed else 0
    made["reference"] = {"book": section if placed else 0, "hadith": in_section if "." not in number else 0}
    return made


def spoil(body: bytes, fault: Fault) -> bytes:
    """Bend a file as the detail of the fault says."""
    marked = re.sub(r'(number(?:_first|_last)?"):\s*([0-9.]+)', r'\1:"\\u0001\2"', body.decode())
    file: File = json.loads(marked)
    BENDS[fault.detail](file)
    return write(file)


def _middle(file: File) -> File:
    hadith: File = file["hadiths"][len(file["hadiths"]) // 2]
    return hadith


def _twice(file: File) -> None:
    file["hadiths"].append(deepcopy(_middle(file)))


def _drop(file: File) -> None:
    """Three in a hundred, and never the first or last of a section."""
    del file["hadiths"][10:-10:33]


def _cut(file: File) -> None:
    del file["hadiths"][len(file["hadiths"]) // 2 :]


def _error(file: File) -> None:
    for hadith in file["hadiths"][: max(20, len(file["hadiths"]) // 20 + 1)]:
        hadith["text"] = "<!DOCTYPE html><title>An invented error</title>"


def _renamed(file: File) -> None:
    file["metadata"]["name"] = "Another Collection"


def _other_script(file: File) -> None:
    _write_in(file, "eng" if _is_arabic(file) else "ara")


def _other_language(file: File) -> None:
    """In the same script."""
    _write_in(file, "urd" if _is_arabic(file) else "fra")


def _is_arabic(file: File) -> bool:
    return any(hadith["text"].startswith(_WORDS["ara"]) for hadith in file["hadiths"])


def _write_in(file: File, language: str) -> None:
    words = _WORDS[language]
    for turn, hadith in enumerate(file["hadiths"]):
        start = turn % len(words)
        hadith["text"] = " ".join([*words[start:], *words[:start], str(turn)])


def _moved(file: File) -> None:
    _middle(file)["reference"]["book"] = 999


def _misplaced(file: File) -> None:
    last = file["hadiths"][-1]
    last["reference"] = {"book": 1, "hadith": 1}


def _no_section(file: File) -> None:
    del file["metadata"]["sections"]["1"], file["metadata"]["section_details"]["1"]


def _no_details(file: File) -> None:
    del file["metadata"]["section_details"]["1"]


def _empty_section(file: File) -> None:
    file["metadata"]["sections"]["77"] = "A Book of Nothing"
    file["metadata"]["section_details"]["77"] = deepcopy(file["metadata"]["section_details"]["1"])


def _nothing(file: File) -> None:
    file["hadiths"] = []
    file["metadata"]["sections"], file["metadata"]["section_details"] = {}, {}


def _set(name: str, value: object) -> Callable[[File], None]:
    return lambda file: _middle(file).update({name: value})


BENDS: Mapping[str, Callable[[File], None]] = {
    "twice": _twice,
    "drop": _drop,
    "cut": _cut,
    "renamed": _renamed,
    "error-as-text": _error,
    "other-script": _other_script,
    "other-language": _other_language,
    "long-text": _set("text", "An endless sentence " * 10_001),
    "long-grade": _set("grades", [{"name": "A Grader", "grade": "Sahih " * 200}]),
    "long-section": lambda file: file["metadata"]["sections"].update({"1": "A Book of Many Words " * 50}),
    "long-arabic-number": _set("arabicnumber", "1." + "0" * 40),
    "moved": _moved,
    "misplaced": _misplaced,
    "no-section": _no_section,
    "no-details": _no_details,
    "empty-section": _empty_section,
    "nothing": _nothing,
    "no-text": lambda file: _middle(file).pop("text"),
    "null-text": _set("text", None),
    "nul-in-text": _set("text", "an invented\0sentence"),
    "number-as-text": _set("hadithnumber", "12"),
    "number-with-exponent": _set("hadithnumber", literal("1e3")),
    "negative-number": _set("hadithnumber", literal("-12")),
    "null-arabic": _set("arabicnumber", None),
    "grades-as-text": _set("grades", "Sahih"),
    "no-reference": lambda file: _middle(file).pop("reference"),
    "text-in-reference": _set("reference", {"book": "one", "hadith": 1}),
    "section-by-name": lambda file: file["metadata"]["sections"].update({"first": "A Book"}),
    "list": lambda file: file.update({"hadiths": {"1": "an invented sentence"}}),
}
"""What a file can be spoiled by."""
