"""Hadith editions from the files of fawazahmed0/hadith-api on a CDN: one file an edition, up to 12 MB.

A number is kept as upstream wrote it. JSON has no other way to tell 3604.1 from 3604.10, and a float would lose it.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Annotated, Generic, TypeVar

import msgspec

from synctl.errors import MismatchError, RejectedError
from synctl.sources.digest import body_hash
from synctl.store.hadith import Listed

if TYPE_CHECKING:
    from synctl.sources.http import Fetcher, Response

T = TypeVar("T")

ABSENT = (403, 404)
"""The CDN has no such file, or refuses it as too large: then the other form of it may be there."""
ETAG = "etag"
"""The name of the only validator."""
_NUMBER = re.compile(r"(0|[1-9][0-9]{0,8})(\.[0-9]{1,8})?")
_SECTION = re.compile(r"0|[1-9][0-9]{0,8}")
_ABSENT = msgspec.Raw()
_Count = Annotated[int, msgspec.Meta(ge=0, le=2**31 - 1)]
"""What every database can hold."""


class _Grade(msgspec.Struct, gc=False):
    name: str
    grade: str


class _Reference(msgspec.Struct, gc=False):
    book: _Count
    hadith: _Count


class _Hadith(msgspec.Struct):
    hadithnumber: msgspec.Raw
    text: str
    grades: Annotated[list[_Grade], msgspec.Meta(max_length=1000)]
    reference: _Reference
    arabicnumber: msgspec.Raw = _ABSENT


class _Details(msgspec.Struct, gc=False):
    hadithnumber_first: msgspec.Raw
    hadithnumber_last: msgspec.Raw
    arabicnumber_first: msgspec.Raw
    arabicnumber_last: msgspec.Raw


class _Metadata(msgspec.Struct):
    name: str
    sections: dict[str, str]
    section_details: dict[str, _Details]


class _File(msgspec.Struct):
    metadata: _Metadata
    hadiths: list[_Hadith]


class _Entry(msgspec.Struct):
    name: str
    book: str
    author: str
    language: str
    direction: str
    source: str = ""
    comments: str = ""


class _Collection(msgspec.Struct):
    name: str
    collection: list[_Entry]


_decode_file = msgspec.json.Decoder(_File).decode
_decode_list = msgspec.json.Decoder(dict[str, _Collection]).decode
_decode_text = msgspec.json.Decoder(str).decode


class Section(msgspec.Struct, frozen=True):
    """A section by the name it has, and its first and last numbers as literals; None where details are missing."""

    number: int
    name: str | None
    hadiths: tuple[str, str] | None
    arabic: tuple[str, str] | None


class Hadith(msgspec.Struct, frozen=True):
    """An entry. Numbers are literals; `arabic_quoted`: upstream wrote a string."""

    number: str
    arabic_number: str | None
    arabic_quoted: bool
    text: str
    grades: Sequence[tuple[str, str]]
    section: int
    section_hadith: int


class Edition(msgspec.Struct, frozen=True):
    """A file, read: every field of the type it has to have, nothing else checked."""

    title: str
    sections: Sequence[Section]
    hadiths: Sequence[Hadith]


class Fetched(msgspec.Struct, Generic[T], frozen=True):
    """What `accept` made of an edition; None where it is what is known already."""

    value: T | None
    body_hash: str
    validators: Mapping[str, str]
    attempts: int


class HadithApiSource:
    """The files of hadith-api, or of a server that has the same. Called by several threads at once."""

    name = "hadith_api"

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher
        # A file of 12 MB takes five times that while it is read: one at a time, so that a worker stays small.
        self._turn = threading.Lock()

    def listing(self) -> list[Listed]:
        """Return every edition. Raises UnitError."""
        return self._either("/editions", _editions, {})[0].value or []

    def fetch(
        self,
        edition: str,
        accept: Callable[[Edition], T],
        known: str | None = None,
        validators: Mapping[str, str] | None = None,
    ) -> Fetched[T]:
        """One call for an edition. A body that is known is not even decoded.

        `accept` turns it into what is stored, or raises a MismatchError. Raises UnitError.
        """
        tag = (validators or {}).get(ETAG)
        headers = {"If-None-Match": tag} if tag and known else {}
        read = partial(self._unless_known, edition, known, accept)
        answer, attempts = self._either(f"/editions/{edition}", read, headers)
        if answer.value is None:
            return Fetched(None, known or "", validators or {}, attempts)
        digest, value = answer.value
        served = answer.headers.get(ETAG)
        return Fetched(value, digest, {ETAG: served} if served else {}, attempts)

    def close(self) -> None:
        """Interrupt requests under way and release the connections."""
        self._fetcher.close()

    def _either(
        self, path: str, decode: Callable[[bytes], T], headers: Mapping[str, str]
    ) -> tuple[Response[T | None], int]:
        """The small form of a file, or the other one where there is none; and how many requests that took."""
        try:
            answer = self._fetcher.get(f"{path}.min.json", {}, decode, headers)
        except RejectedError as refused:
            if refused.http_status not in ABSENT:
                raise
            try:
                answer = self._fetcher.get(f"{path}.json", {}, decode, headers)
            except RejectedError as error:
                error.attempts += refused.attempts
                raise
            return answer, answer.attempts + refused.attempts
        return answer, answer.attempts

    def _unless_known(
        self, edition: str, known: str | None, accept: Callable[[Edition], T], body: bytes
    ) -> tuple[str, T | None]:
        digest = body_hash(edition, body)
        if digest == known:
            return digest, None
        with self._turn:
            return digest, accept(read(body))


def read(body: bytes) -> Edition:
    """Read a file. Raises MismatchError where a field is missing or of another type, DecodeError for no JSON."""
    try:
        file = _decode_file(body)
    except msgspec.ValidationError as error:
        raise MismatchError("hadith.shape", str(error)) from error
    metadata = file.metadata
    numbers = dict.fromkeys([*metadata.sections, *metadata.section_details])
    if wrong := next((number for number in numbers if not _SECTION.fullmatch(number)), None):
        raise MismatchError("hadith.shape", f"{wrong[:40]!r} is no number of a section")
    sections = [
        _section(int(number), metadata.sections.get(number), metadata.section_details.get(number))
        for number in sorted(numbers, key=int)
    ]
    return Edition(_text(metadata.name), sections, [_hadith(entry) for entry in file.hadiths])


def _section(number: int, name: str | None, details: _Details | None) -> Section:
    if details is None:
        return Section(number, name, None, None)
    return Section(
        number,
        None if name is None else _text(name),
        (_number(details.hadithnumber_first), _number(details.hadithnumber_last)),
        (_number(details.arabicnumber_first), _number(details.arabicnumber_last)),
    )


def _hadith(entry: _Hadith) -> Hadith:
    arabic = bytes(entry.arabicnumber)
    quoted = arabic.startswith(b'"')
    if quoted:
        number: str | None = _text(_decode_text(arabic))
    else:
        number = _number(entry.arabicnumber) if arabic else None
    return Hadith(
        number=_number(entry.hadithnumber),
        arabic_number=number,
        arabic_quoted=quoted,
        text=_text(entry.text),
        grades=tuple((_text(grade.name), _text(grade.grade)) for grade in entry.grades),
        section=entry.reference.book,
        section_hadith=entry.reference.hadith,
    )


def _number(literal: msgspec.Raw) -> str:
    text = bytes(literal).decode()
    if not _NUMBER.fullmatch(text):
        raise MismatchError("hadith.shape", f"{text[:40]} is no number of a hadith", sample=text[:200])
    return text


def _text(text: str) -> str:
    if "\0" in text:  # PostgreSQL stores none, and no text has one
        raise MismatchError("hadith.shape", "a text with a NUL character", sample=text[:200])
    return text


def _editions(body: bytes) -> list[Listed]:
    return [
        Listed(
            name=_text(entry.name),
            collection=_text(collection),
            title=_text(listed.name),
            language=_text(entry.language),
            direction=_text(entry.direction),
            author=_text(entry.author),
            origin=_text(entry.source),
            comments=_text(entry.comments),
        )
        for collection, listed in _decode_list(body).items()
        for entry in listed.collection
    ]
