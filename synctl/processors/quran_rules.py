"""What must hold of an edition of the Quran, before it is stored and whenever it is verified again."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from synctl.sources.mushaf import AYAHS, DIVISIONS, SAJDAS, SURAHS, WITHOUT_BASMALAH, basmalah_length, mushaf
from synctl.sources.quran import Ayah, Listed, Quran, Surah
from synctl.words import shortened

RULES: Final[Mapping[str, str]] = {
    "quran.edition": "the edition that was asked for, as text",
    "quran.ayahs-missing": "ayahs, not an excuse in place of them",
    "quran.surahs": "114 surahs, each once, in order",
    "quran.surah-counts": "as many ayahs in each surah as it has",
    "quran.ayahs": "6,236 ayahs",
    "quran.numbering": "ayahs numbered from 1 in each surah, and from 1 to 6,236 through all of them",
    "quran.empty-ayah": "no ayah without text",
    "quran.revelation": "86 surahs Meccan and 28 Medinan, each as it is counted",
    "quran.structure": "30 juz, 7 manzils, 604 pages, 556 rukus, 240 quarters of a hizb, each beginning where it does",
    "quran.sajdas": "15 sajdas where they are, 4 of them obligatory",
    "quran.basmalah": "the basmalah in front of all 112 surahs that begin with it, or of none",
    "quran.checksum": "stored texts that still have the checksum of their surah and edition",
    "quran.agreement": "quran-uthmani in the letters of the text installed with synctl (looked at by `verify`, if set)",
    "quran.list": "a list that names editions, each once",
}
NEEDED: Final = "quran.numbering"
"""Waived or not: two ayahs of one number cannot both be stored."""


@dataclass(frozen=True, slots=True)
class Broken:
    """A rule that does not hold. `place` is empty for all of an edition, else a surah, or an ayah as `2:255`."""

    rule: str
    message: str
    place: str = ""
    sample: object = None


def broken(asked: str, quran: Quran) -> Iterator[Broken]:
    """Yield every rule that an edition breaks, the most telling first."""
    yield from _edition(asked, quran)
    for check in _CHECKS:
        yield from check(quran)


def broken_list(listed: list[Listed]) -> Iterator[Broken]:
    """Yield every rule that a list of editions breaks."""
    names = [one.identifier for one in listed]
    if not names:
        yield Broken("quran.list", "no edition is listed")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        yield Broken("quran.list", f"{', '.join(twice)} listed more than once", sample=twice)


def collisions(quran: Quran) -> Iterator[Broken]:
    """Yield ayahs that would be stored in one place."""
    seen: set[tuple[int, int]] = set()
    for surah, ayah in each(quran):
        if (surah.number, ayah.number_in_surah) in seen:
            yield Broken(NEEDED, "is there twice", f"{surah.number}:{ayah.number_in_surah}", ayah.text)
        seen.add((surah.number, ayah.number_in_surah))


def each(quran: Quran) -> Iterator[tuple[Surah, Ayah]]:
    """Yield every ayah with its surah."""
    for surah in quran.surahs:
        for ayah in ayahs(surah):
            yield surah, ayah


def ayahs(surah: Surah) -> list[Ayah]:
    """Return the ayahs of a surah; none where there is an excuse."""
    return [] if isinstance(surah.ayahs, str) else surah.ayahs


def _edition(asked: str, quran: Quran) -> Iterator[Broken]:
    answered = quran.edition
    if answered.identifier != asked:
        yield Broken("quran.edition", f"{asked} was asked, {answered.identifier} answered", sample=answered)
    if answered.format != "text":
        yield Broken("quran.edition", f"{asked} is of the format {answered.format}", sample=answered)


def _present(quran: Quran) -> Iterator[Broken]:
    for surah in quran.surahs:
        if isinstance(surah.ayahs, str):
            text = shortened(surah.ayahs)
            yield Broken("quran.ayahs-missing", f"in their place: {text!r}", str(surah.number), surah.ayahs)


def _surahs(quran: Quran) -> Iterator[Broken]:
    numbers = [surah.number for surah in quran.surahs]
    if numbers == list(range(1, SURAHS + 1)):
        return
    missing = [number for number in range(1, SURAHS + 1) if number not in numbers]
    what = f"missing: {', '.join(map(str, missing))}" if missing else "they are not in order"
    yield Broken("quran.surahs", f"{SURAHS} surahs were expected, {len(numbers)} are there; {what}", sample=numbers)


def _counts(quran: Quran) -> Iterator[Broken]:
    for surah in _numbered(quran):
        expected, found = mushaf().counts[surah.number - 1], len(ayahs(surah))
        if found != expected:
            message = f"{expected} ayahs were expected, {found} are there"
            yield Broken("quran.surah-counts", message, str(surah.number), ayahs(surah)[-1:])


def _total(quran: Quran) -> Iterator[Broken]:
    found = sum(len(ayahs(surah)) for surah in quran.surahs)
    if found != AYAHS:
        yield Broken("quran.ayahs", f"{AYAHS:,} ayahs were expected, {found:,} are there")


def _numbering(quran: Quran) -> Iterator[Broken]:
    for surah, count, ayah in _placed(quran):
        number = mushaf().firsts[surah.number - 1] + count
        if (ayah.number_in_surah, ayah.number) != (count + 1, number):
            message = (
                f"ayah {ayah.number_in_surah}, {ayah.number} in all, is in the place of {count + 1}, {number} in all"
            )
            yield Broken("quran.numbering", message, f"{surah.number}:{count + 1}", ayah)
            return  # all that follow are shifted too


def _texts(quran: Quran) -> Iterator[Broken]:
    for surah, count, ayah in _placed(quran):
        if not (ayah.text or "").strip("\ufeff \t\r\n\u00a0"):
            yield Broken("quran.empty-ayah", "has no text", f"{surah.number}:{count + 1}", ayah)


def _revelation(quran: Quran) -> Iterator[Broken]:
    for surah in _numbered(quran):
        expected = mushaf().revelation[surah.number - 1]
        if surah.revelation_type != expected:
            message = f"{expected} was expected, {shortened(surah.revelation_type)} is there"
            yield Broken("quran.revelation", message, str(surah.number), surah.revelation_type)


def _structure(quran: Quran) -> Iterator[Broken]:
    for name in DIVISIONS:
        for surah, count, ayah in _placed(quran):
            expected = mushaf().division(name, mushaf().firsts[surah.number - 1] + count)
            found = getattr(ayah, name)
            if found != expected:
                message = f"{name} {expected} was expected, {found} is there"
                yield Broken("quran.structure", message, f"{surah.number}:{count + 1}", ayah)
                break  # what is shifted once is shifted often


def _sajdas(quran: Quran) -> Iterator[Broken]:
    expected = {number: "obligatory" if must else "recommended" for number, must in mushaf().sajdas.items()}
    found = 0
    for surah, count, ayah in _placed(quran):
        wanted = expected.get(mushaf().firsts[surah.number - 1] + count, "none")
        kind = _kind(ayah)
        found += kind != "none"
        if kind != wanted:
            message = f"sajda: {wanted} was expected, {kind} is there"
            yield Broken("quran.sajdas", message, f"{surah.number}:{count + 1}", ayah)
    if found != SAJDAS:
        yield Broken("quran.sajdas", f"{SAJDAS} sajdas were expected, {found} are there")


def _kind(ayah: Ayah) -> str:
    sajda = ayah.sajda
    if isinstance(sajda, bool):
        return "one without a kind" if sajda else "none"
    if sajda.recommended == sajda.obligatory:
        return "both kinds at once" if sajda.recommended else "one without a kind"
    return "obligatory" if sajda.obligatory else "recommended"


def _basmalah(quran: Quran) -> Iterator[Broken]:
    if quran.edition.type != "quran":
        return
    opened = {surah.number for surah in quran.surahs if (here := ayahs(surah)) and bismillah(quran, surah, here[0])}
    lacking = set(range(1, SURAHS + 1)) - WITHOUT_BASMALAH - opened
    wrong = sorted(opened & WITHOUT_BASMALAH) or (sorted(lacking) if opened else [])
    if wrong:
        message = f"in front of {len(opened)} surahs; otherwise than expected: {', '.join(map(str, wrong))}"
        yield Broken("quran.basmalah", message, sample=wrong)


def bismillah(quran: Quran, surah: Surah, ayah: Ayah) -> int:
    """Return how many characters of a text, once U+FEFF is removed, are the basmalah in front of a surah.

    Only an Arabic edition has it in Arabic; 1:1 is the basmalah itself.
    """
    if quran.edition.type != "quran" or ayah.number_in_surah != 1 or surah.number == 1:
        return 0
    return basmalah_length((ayah.text or "").lstrip("\ufeff"))


_CHECKS: Final[tuple[Callable[[Quran], Iterator[Broken]], ...]] = (
    _present, _surahs, _counts, _total, _numbering, _texts, _revelation, _structure, _sajdas, _basmalah,
)  # fmt: skip


def _numbered(quran: Quran) -> Iterator[Surah]:
    """Yield the surahs that can be any."""
    for surah in quran.surahs:
        if 1 <= surah.number <= SURAHS:
            yield surah


def _placed(quran: Quran) -> Iterator[tuple[Surah, int, Ayah]]:
    """Yield every ayah that can be one, with its surah and its place in it from 0."""
    for surah in _numbered(quran):
        for count, ayah in enumerate(ayahs(surah)[: mushaf().counts[surah.number - 1]]):
            yield surah, count, ayah
