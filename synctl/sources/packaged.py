"""The Arabic Quran without a network: the Hafs text of the package quran-text (CC BY 4.0), as its mushaf prints it.

Text and names are the package's, with its signs of pause, division and sajda. It counts no manzils, rukus and
quarters, and three surahs as Meccan that others count as Medinan, so all that is beside the text comes from `mushaf`:
editions agree in it, whatever their source.
"""

from __future__ import annotations

from functools import cache

import msgspec
from quran_text import Mushaf as Printed

from synctl.errors import RejectedError
from synctl.sources.digest import body_hash
from synctl.sources.mushaf import DIVISIONS, Mushaf, mushaf
from synctl.sources.quran import Ayah, Edition, Fetched, Listed, Quran, Sajda, Surah

EDITION = "quran-uthmani"
"""alquran.cloud's name for the same: the Hafs text in Uthmani script."""


class PackagedSource:
    """The text as installed. It puts no basmalah in front of a surah: there it is no part of an ayah."""

    name = "packaged"

    def fetch(self, edition: str, known: str | None = None) -> Fetched[Quran]:
        """Return the one edition there is. The hash is of all it says. Raises RejectedError for another one."""
        if edition != EDITION:
            raise RejectedError(f"there is no edition {edition!r} in quran-text, only {EDITION!r}")
        quran = _quran()
        digest = body_hash(edition, msgspec.json.encode(quran))
        return Fetched(None if digest == known else quran, digest)

    def listed(self, known: str | None = None) -> Fetched[list[Listed]]:
        """Return the one edition there is."""
        one = _quran().edition
        listed = [Listed(**{name: getattr(one, name) for name in one.__struct_fields__}, direction="rtl")]
        digest = body_hash("", msgspec.json.encode(listed))
        return Fetched(None if digest == known else listed, digest)

    def close(self) -> None:
        """Hold nothing, so release nothing."""


@cache
def _quran() -> Quran:
    printed, facts = Printed.hafs(), mushaf()
    surahs = [
        Surah(
            number=number,
            name=surah.name_ar,
            english_name=surah.name_en,
            english_name_translation=facts.translations[number - 1],
            revelation_type=facts.revelation[number - 1],
            ayahs=[
                _ayah(facts, first + count, count + 1, ayah.render(marks=True))
                for count, ayah in enumerate(surah.ayahs)
            ],
        )
        for number, (surah, first) in enumerate(zip(printed.surahs, facts.firsts, strict=True), start=1)
    ]
    name, english = printed.name_ar, printed.name_en
    return Quran(surahs, Edition(EDITION, "ar", name, english, "text", "quran"))


def _ayah(facts: Mushaf, number: int, in_surah: int, text: str) -> Ayah:
    obligatory = facts.sajdas.get(number)
    return Ayah(
        number=number,
        text=text,
        number_in_surah=in_surah,
        **{name: facts.division(name, number) for name in DIVISIONS},
        sajda=obligatory is not None
        and Sajda(list(facts.sajdas).index(number) + 1, recommended=not obligatory, obligatory=obligatory),
    )
