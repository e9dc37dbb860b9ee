"""The stand-in of api.alquran.cloud: the shape, the key order and the quirks of its answers, with texts of our own.

The Arabic is that of quran-text with the basmalah in front, as upstream has it; translations are invented.
`bend(NAME)` among the faults spoils an edition by one of BENDS.
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable, Mapping
from functools import lru_cache
from hashlib import blake2b
from typing import Any

import msgspec

from synctl.sources.packaged import PackagedSource
from synctl.sources.quran import Ayah, Quran, Surah
from tests.upstream.bodies import PACKING, encode, envelope
from tests.upstream.faults import Fault, Faults
from tests.upstream.server import Asked, LoopbackServer, Reply

BOM = "\ufeff"
FALLBACK = "quran-simple"
"""What any edition becomes that upstream does not know."""
WITHOUT_VERSES = "en.promised"
EXCUSE = "Unable to retrieve ayahs for this surah."
EDITIONS: tuple[dict[str, str | None], ...] = tuple(
    dict(
        zip(
            ("identifier", "language", "name", "englishName", "format", "type", "direction"),
            values,
            strict=True,
        )
    )
    for values in (
        ("ar.recited", "ar", "قارئ", "A Reciter", "audio", "versebyverse", None),
        ("en.invented", "en", "Invented", "Nobody", "text", "translation", "ltr"),
        (WITHOUT_VERSES, "en", "Promised", "Somebody", "text", "translation", "ltr"),
        ("en.sahih", "en", "Sahih", "An Invented Namesake", "text", "translation", "ltr"),
        ("en.transliteration", "en", "Transliteration", "By Letters", "text", "transliteration", "ltr"),
        ("fa.invented", "fa", "ساختگی", "Nobody Else", "text", "translation", "rtl"),
        (FALLBACK, "ar", "نص بسيط", "Simple", "text", "quran", "rtl"),
        ("quran-uthmani", "ar", "نص عثماني", "Uthmani", "text", "quran", "rtl"),
    )
)
_SHADDA = frozenset({95, 97})
"""Surahs in front of which the basmalah begins with a doubled letter."""
_VOWELS = dict.fromkeys(range(0x64B, 0x653)) | dict.fromkeys(range(0x6D6, 0x6EE)) | {0x670: None}

Json = dict[str, Any]


def serve(faults: Faults | None = None, *, host: str = "127.0.0.1", port: int = 0) -> LoopbackServer:
    """Make the stand-in; use it as a context manager. Its API is below `/v1`."""
    return LoopbackServer(answer, faults=faults, spoil=spoil, host=host, port=port)


def answer(asked: Asked) -> Reply:
    """Answer as upstream would. Everything may be kept for a day, refusals too."""
    match asked.path.removeprefix("/v1/").split("/"):
        case ["edition"]:
            return _found(envelope(encode(EDITIONS)))
        case ["quran", edition] if edition:
            return _found(body(_known(edition)), packed=True)
        case ["surah"]:
            return _found(envelope(encode([_counted(surah) for surah in _published("quran-uthmani")["surahs"]])))
        case ["surah", number, edition] if edition:
            return _surah(number, _known(edition))
    return _refused("Not found.")


@lru_cache(maxsize=8)
def body(edition: str) -> bytes:
    """The packed body of an edition."""
    return gzip.compress(envelope(encode(_published(edition))), PACKING)


def spoil(plain: bytes, fault: Fault) -> bytes:
    """Bend a right answer; one that is no edition stays as it is."""
    answered = json.loads(plain)
    if not isinstance(answered["data"], dict):
        return plain
    BENDS[fault.detail](answered["data"])
    return encode(answered).encode()


def _ayah(data: Json, surah: int, ayah: int) -> Json:
    found: Json = data["surahs"][surah - 1]["ayahs"][ayah - 1]
    return found


def _set(name: str, value: object, *places: tuple[int, int]) -> Callable[[Json], None]:
    def bend(data: Json) -> None:
        for place in places:
            _ayah(data, *place)[name] = value

    return bend


def _truncate(data: Json) -> None:
    del data["surahs"][1]["ayahs"][200:]


def _double(data: Json) -> None:
    ayahs = data["surahs"][1]["ayahs"]
    ayahs.insert(255, ayahs[254])


def _replace_by_double(data: Json) -> None:
    """As many as there should be, one of them twice."""
    ayahs = data["surahs"][1]["ayahs"]
    ayahs[255] = ayahs[254]


def _swap_ayahs(data: Json) -> None:
    ayahs = data["surahs"][35]["ayahs"]
    ayahs[4], ayahs[5] = ayahs[5], ayahs[4]


def _shift_ayah(data: Json) -> None:
    """The last of a surah opens the next one: 6,236 all the same."""
    data["surahs"][3]["ayahs"].insert(0, data["surahs"][2]["ayahs"].pop())


def _swap_surahs(data: Json) -> None:
    surahs = data["surahs"]
    surahs[112], surahs[113] = surahs[113], surahs[112]


def _swap_revelation(data: Json) -> None:
    """86 and 28 all the same."""
    data["surahs"][0]["revelationType"], data["surahs"][1]["revelationType"] = "Medinan", "Meccan"


def _move_sajda(data: Json) -> None:
    """15 all the same."""
    _ayah(data, 7, 205)["sajda"], _ayah(data, 7, 206)["sajda"] = _ayah(data, 7, 206)["sajda"], False


def _turn_sajda(data: Json) -> None:
    _ayah(data, 32, 15)["sajda"].update(recommended=True, obligatory=False)


def _become(edition: str) -> Callable[[Json], None]:
    def bend(data: Json) -> None:
        data.update(_published(edition))

    return bend


def _strip_basmalah(data: Json) -> None:
    first = _ayah(data, 95, 1)
    first["text"] = " ".join(first["text"].split(" ")[4:])


def _fill(data: Json) -> None:
    """One text in a few more than a hundredth of the ayahs."""
    for ayah in data["surahs"][1]["ayahs"][:63]:
        ayah["text"] = "An invented error."


BENDS: Mapping[str, Callable[[Json], object]] = {
    "reworded": _set("text", "Other words.", (2, 255)),
    "wrong-edition": _become(FALLBACK),
    "renamed-edition": lambda data: data["edition"].update(identifier="en.other"),
    "audio": lambda data: data["edition"].update(format="audio"),
    "no-ayahs": lambda data: data["surahs"][0].update(ayahs=EXCUSE),
    "missing-surah": lambda data: data["surahs"].pop(107),
    "extra-surah": lambda data: data["surahs"].append(data["surahs"][113]),
    "swapped-surahs": _swap_surahs,
    "no-surahs": lambda data: data.update(surahs=[]),
    "truncated-surah": _truncate,
    "duplicated-ayah": _double,
    "replaced-ayah": _replace_by_double,
    "swapped-ayahs": _swap_ayahs,
    "shifted-ayah": _shift_ayah,
    "empty-ayah": _set("text", "", (18, 60)),
    "blank-ayah": _set("text", "  ", (18, 60)),
    "null-ayah": _set("text", None, (18, 60)),
    "wrong-number": _set("number", 7, (2, 2)),
    "wrong-revelation": lambda data: data["surahs"][8].update(revelationType="Meccan"),
    "swapped-revelation": _swap_revelation,
    "shifted-juz": _set("juz", 1, (2, 142)),
    "shifted-manzil": _set("manzil", 1, (5, 1)),
    "shifted-page": _set("page", 604, (2, 6)),
    "shifted-ruku": _set("ruku", 0, (2, 8)),
    "shifted-quarter": _set("hizbQuarter", 241, (114, 6)),
    "missing-sajda": _set("sajda", False, (96, 19)),
    "moved-sajda": _move_sajda,
    "turned-sajda": _turn_sajda,
    "extra-sajda": _set("sajda", {"id": 15, "recommended": True, "obligatory": False}, (1, 1)),
    "nameless-sajda": _set("sajda", True, (96, 19)),
    "lost-basmalah": _strip_basmalah,
    "nul-in-ayah": _set("text", "invented\0words", (18, 60)),
    "nul-in-name": lambda data: data["surahs"][8].update(name="\0"),
    "nul-in-edition": lambda data: data["edition"].update(englishName="\0"),
    "huge-number": _set("page", 2**64, (2, 6)),
    "huge-surah": lambda data: data["surahs"][8].update(number=70_000),
    "huge-sajda": _set("sajda", {"id": 70_000, "recommended": False, "obligatory": True}, (96, 19)),
    "error-as-text": _fill,
    "long-ayah": _set("text", "endless " * 12_501, (18, 60)),
    "long-name": lambda data: data["surahs"][8].update(englishName="endless " * 126),
    "long-edition": lambda data: data["edition"].update(name="endless " * 126),
    "long-language": lambda data: data["edition"].update(language="e" * 65),
    "other-language": lambda data: data["edition"].update(language="tlh"),
    "other-type": lambda data: data["edition"].update(type="tafsir"),
}


def _known(edition: str) -> str:
    names = [one["identifier"] for one in EDITIONS]
    return edition if edition in names else FALLBACK


def _found(body: bytes, *, packed: bool = False) -> Reply:
    headers = {"ETag": blake2b(body, digest_size=16).hexdigest(), "Cache-Control": "public,max-age=86400"}
    return Reply(200, body, headers, packed)


def _refused(message: str) -> Reply:
    refusal = encode({"code": 404, "status": "RESOURCE_NOT_FOUND", "data": message})
    return Reply(404, refusal.encode(), {"Cache-Control": "public,max-age=86400"})


def _surah(number: str, edition: str) -> Reply:
    if not number.isdecimal() or not 1 <= int(number) <= 114:
        return _refused("There are 114 surahs.")
    published = _published(edition)
    surah = published["surahs"][int(number) - 1]
    return _found(envelope(encode({**_counted(surah), "ayahs": surah["ayahs"], "edition": published["edition"]})))


def _counted(surah: Json) -> Json:
    names = ("number", "name", "englishName", "englishNameTranslation")
    return {
        **{name: surah[name] for name in names},
        "numberOfAyahs": len(surah["ayahs"]),
        "revelationType": surah["revelationType"],
    }


def _published(edition: str) -> Json:
    """An edition as upstream has it."""
    listed = next(one for one in EDITIONS if one["identifier"] == edition)
    text = _TEXTS.get(edition, _invented)
    arabic = _arabic()
    surahs: list[Json] = []
    for surah in arabic.surahs:
        assert isinstance(surah.ayahs, list)
        ayahs = [_reordered(ayah, text(surah, ayah)) for ayah in surah.ayahs]
        surahs.append(
            {
                "number": surah.number,
                "name": surah.name,
                "englishName": surah.english_name,
                "englishNameTranslation": surah.english_name_translation,
                "revelationType": surah.revelation_type,
                "ayahs": EXCUSE if edition == WITHOUT_VERSES else ayahs,
            }
        )
    return {"surahs": surahs, "edition": {name: value for name, value in listed.items() if name != "direction"}}


def _reordered(ayah: Ayah, text: str) -> Json:
    made: Json = msgspec.to_builtins(ayah)
    return {"number": made.pop("number"), "text": text, **{name: made[name] for name in made if name != "text"}}


@lru_cache(maxsize=1)
def _arabic() -> Quran:
    quran = PackagedSource().fetch("quran-uthmani").value
    assert quran is not None
    return quran


def _uthmani(surah: Surah, ayah: Ayah) -> str:
    first = _arabic().surahs[0].ayahs[0]
    assert isinstance(first, Ayah)
    basmalah, text = str(first.text), str(ayah.text)
    if surah.number == 1:
        return (BOM if ayah.number == 1 else "") + text
    if ayah.number_in_surah > 1 or surah.number == 9:
        return text
    if surah.number in _SHADDA:
        basmalah = basmalah[:1] + "\u0651" + basmalah[1:]
    return f"{basmalah} {text}"


def _simple(surah: Surah, ayah: Ayah) -> str:
    return _uthmani(surah, ayah).lstrip(BOM).translate(_VOWELS).replace("ٱ", "ا")


def _invented(surah: Surah, ayah: Ayah) -> str:
    return f"Invented words for “ayah” {ayah.number_in_surah} of {surah.english_name}/{surah.number}."


_TEXTS: Mapping[str, Callable[[Surah, Ayah], str]] = {"quran-uthmani": _uthmani, FALLBACK: _simple}
