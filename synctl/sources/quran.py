"""The contract of Quran sources: an edition as it is published, and the list of editions."""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

import msgspec

T_co = TypeVar("T_co", covariant=True)


class Sajda(msgspec.Struct, frozen=True):
    """A prostration, one of `recommended` and `obligatory`."""

    id: int
    recommended: bool
    obligatory: bool


class Ayah(msgspec.Struct, rename="camel", frozen=True):
    """An ayah with its places. `number` counts from 1 to 6236; `sajda` is False where there is none."""

    number: int
    text: str | None
    number_in_surah: int
    juz: int
    manzil: int
    page: int
    ruku: int
    hizb_quarter: int
    sajda: Sajda | bool


class Surah(msgspec.Struct, rename="camel", frozen=True):
    """A surah. `ayahs` is upstream's excuse where an edition that it lists has no verses."""

    number: int
    name: str
    english_name: str
    english_name_translation: str | None
    revelation_type: str
    ayahs: list[Ayah] | str


class Edition(msgspec.Struct, rename="camel", frozen=True):
    """What an edition is."""

    identifier: str
    language: str
    name: str
    english_name: str
    format: str
    type: str


class Quran(msgspec.Struct, frozen=True):
    """A whole edition, in the shape and with the names in which alquran.cloud answers it."""

    surahs: list[Surah]
    edition: Edition


class Listed(Edition, rename="camel", frozen=True):
    """An edition as it is listed; `direction` is None where it has no text."""

    direction: str | None = None


class Fetched(msgspec.Struct, Generic[T_co], frozen=True):
    """What a source answered, not verified yet. `value` is None where it is what is known already."""

    value: T_co | None
    body_hash: str
    attempts: int = 1


class QuranSource(Protocol):
    """Something that has editions of the Quran. Its methods are called by several threads at once.

    They raise UnitError, or `http.Interrupted` when the work must end.
    """

    name: str

    def fetch(self, edition: str, known: str | None = None) -> Fetched[Quran]:
        """Return an edition, or that its answer has the hash that is known."""

    def listed(self, known: str | None = None) -> Fetched[list[Listed]]:
        """Return the editions there are, or that the list has the hash that is known."""

    def close(self) -> None:
        """Interrupt what is under way and release what is held."""
