"""What must hold of an edition of the Quran, before it is stored and whenever it is verified again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Final

from synctl.processors.quran_shape import Broken, ayahs, each, has_nul, lengths, listed_lengths, misshapes
from synctl.sources.mushaf import AYAHS, DIVISIONS, SAJDAS, SURAHS, WITHOUT_BASMALAH, basmalah_length, letters, mushaf
from synctl.sources.quran import Ayah, Edition, Listed, Quran, Surah
from synctl.words import shortened

RULES: Final[Mapping[str, str]] = {
    "quran.shape": "no NUL character, no number beyond 32,767, sajdas numbered from 1 to 15; cannot be waived",
    "quran.edition": "the edition that was asked for, as text, of the language and type that are listed for it",
    "quran.length": "no ayah over 50,000 characters (1,213 were met), of a translation 100,000 (1,334), of a tafsir"
    " 1,000,000 (37,157); no name over 1,000 (106), no identifier, language, format, type or direction over 64 (27)",
    "quran.ayahs-missing": "ayahs, not an excuse in place of them",
    "quran.surahs": "114 surahs, each once, in order",
    "quran.surah-counts": "as many ayahs in each surah as it has",
    "quran.ayahs": "6,236 ayahs",
    "quran.numbering": "ayahs numbered from 1 in each surah, and from 1 to 6,236 through all of them",
    "quran.empty-ayah": "no ayah without text",
    "quran.text": "no text in more than 1 % of the ayahs; quran-uthmani in the letters of the text that synctl has",
    "quran.revelation": "86 surahs Meccan and 28 Medinan, each as it is counted",
    "quran.structure": "30 juz, 7 manzils, 604 pages, 556 rukus, 240 quarters of a hizb, each beginning where it does",
    "quran.sajdas": "15 sajdas where they are, 4 of them obligatory",
    "quran.basmalah": "the basmalah in front of all 112 surahs that begin with it, or of none",
    "quran.checksum": "stored texts that still have the checksum of their surah and edition",
    "quran.agreement": "what is stored of quran-uthmani in those letters too (looked at by `verify`, if set)",
    "quran.list": "a list that names editions, each once; cannot be waived",
}
UNWAIVABLE: Final = frozenset({"quran.shape", "quran.list"})
"""What breaks them not every database can store."""
NEEDED: Final = "quran.numbering"
"""Waived or not: two ayahs of one number cannot both be stored."""
REPEATED: Final = AYAHS // 100
"""So many ayahs may have one text. The refrain of surah 55 is there 31 times."""


def broken(asked: str, quran: Quran) -> Iterator[Broken]:
    """Yield every rule that an edition breaks, the most telling first."""
    yield from misshapes(quran)
    yield from _edition(asked, quran)
    yield from lengths(quran)
    for check in _CHECKS:
        yield from check(quran)


def broken_list(listed: list[Listed]) -> Iterator[Broken]:
    """Yield every rule that a list of editions breaks."""
    names = [one.identifier for one in listed]
    for one in listed:
        if has_nul(one):
            yield Broken("quran.shape", "what is listed has a NUL character", sample=one)
        yield from listed_lengths(one)
    if not names:
        yield Broken("quran.list", "no edition is listed")
    if twice := sorted({name for name in names if names.count(name) > 1}):
        yield Broken("quran.list", f"{', '.join(twice)} listed more than once", sample=twice)


def mislabelled(edition: Edition, language: str, kind: str) -> Iterator[Broken]:
    """Yield that an edition is not what is listed; `language` and `kind` are empty where none is."""
    for what, found, expected in (("language", edition.language, language), ("type", edition.type, kind)):
        if expected and found != expected:
            message = f"listed with the {what} {expected}, {shortened(found)} answered"
            yield Broken("quran.edition", message, sample=edition)


def disagreements(quran: Quran, measure: Quran) -> Iterator[tuple[Surah, Ayah]]:
    """Yield the ayahs that have other letters than the same ones of `measure`."""
    expected = {(surah.number, ayah.number_in_surah): _letters(measure, surah, ayah) for surah, ayah in each(measure)}
    for surah, ayah in each(quran):
        found = _letters(quran, surah, ayah)
        if found != expected.get((surah.number, ayah.number_in_surah), found):
            yield surah, ayah


def misspelt(quran: Quran, measure: Quran) -> Iterator[Broken]:
    """Yield every ayah that has other letters than the same one of `measure`."""
    for surah, ayah in disagreements(quran, measure):
        place = f"{surah.number}:{ayah.number_in_surah}"
        yield Broken("quran.text", "its letters are not those of the mushaf", place, ayah)


def collisions(quran: Quran) -> Iterator[Broken]:
    """Yield ayahs that would be stored in one place."""
    seen: set[tuple[int, int]] = set()
    for surah, ayah in each(quran):
        if (surah.number, ayah.number_in_surah) in seen:
            yield Broken(NEEDED, "is there twice", f"{surah.number}:{ayah.number_in_surah}", ayah.text)
        seen.add((surah.number, ayah.number_in_surah))


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


def _repeated(quran: Quran) -> Iterator[Broken]:
    for text, times in Counter(ayah.text for _, ayah in each(quran)).most_common(1):
        if times > REPEATED:
            yield Broken("quran.text", f"{times:,} ayahs have the same text", sample=text)


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


def _letters(quran: Quran, surah: Surah, ayah: Ayah) -> str:
    return letters((ayah.text or "").lstrip("\ufeff")[bismillah(quran, surah, ayah) :])


_CHECKS: Final[tuple[Callable[[Quran], Iterator[Broken]], ...]] = (
    _present, _surahs, _counts, _total, _numbering, _texts, _repeated, _revelation, _structure, _sajdas,
    _basmalah,
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
