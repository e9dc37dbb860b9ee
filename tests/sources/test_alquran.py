"""The Quran over real HTTP, against a stand-in with every quirk and many faults of the real upstream."""

from __future__ import annotations

import gzip
import json
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Any

import httpx
import pytest

from synctl.errors import MismatchError, RejectedError, TransientError
from synctl.processors.quran import QuranSession
from synctl.processors.quran_rules import RULES
from synctl.resource import NOTHING_KNOWN, Batch, Known
from synctl.sources.alquran import AlquranSource
from synctl.sources.mushaf import mushaf
from synctl.sources.packaged import PackagedSource
from tests.sources.conftest import OpenFetcher
from tests.upstream import alquran
from tests.upstream.faults import Fault, Kind
from tests.upstream.server import LoopbackServer

ARABIC = "quran-uthmani"


@pytest.fixture
def upstream() -> Iterator[LoopbackServer]:
    with alquran.serve() as server:
        yield server


@pytest.fixture
def session(open_fetcher: OpenFetcher, upstream: LoopbackServer) -> QuranSession:
    return QuranSession(AlquranSource(open_fetcher(f"{upstream.url}/v1")))


def ayah_rows(batch: Batch) -> list[Mapping[str, Any]]:
    _, _, part = batch.parts
    return [dict(zip((*part.table.key, *part.table.values), row, strict=True)) for row in part.rows]


def test_one_call_answers_an_edition(session: QuranSession, upstream: LoopbackServer) -> None:
    batch = session.process(["en.sahih"], NOTHING_KNOWN)
    assert [seen.path for seen in upstream.seen] == ["/v1/quran/en.sahih"]
    assert [len(part.rows) for part in batch.parts] == [1, 114, 6236]


def test_every_text_is_stored_as_it_is_served(session: QuranSession) -> None:
    served = json.loads(gzip.decompress(alquran.body(ARABIC)))["data"]["surahs"]
    texts = [row["text"] for row in ayah_rows(session.process([ARABIC], NOTHING_KNOWN))]
    assert texts == [ayah["text"].removeprefix("\ufeff") for surah in served for ayah in surah["ayahs"]]
    assert any(text != unicodedata.normalize("NFC", text) for text in texts)


def test_the_byte_order_mark_of_1_1_is_removed_and_noted(session: QuranSession) -> None:
    first, *others = ayah_rows(session.process([ARABIC], NOTHING_KNOWN))
    assert (first["surah"], first["ayah"], first["bom"]) == (1, 1, 1)
    assert not first["text"].startswith("\ufeff")
    assert {row["bom"] for row in others} == {0}


def test_the_basmalah_in_front_of_112_surahs_is_noted_and_left(session: QuranSession) -> None:
    rows = ayah_rows(session.process([ARABIC], NOTHING_KNOWN))
    opened = {row["surah"]: row for row in rows if row["bismillah"]}
    assert sorted(opened) == [number for number in range(1, 115) if number not in (1, 9)]
    assert {row["ayah"] for row in opened.values()} == {1}
    alone = next(row["text"] for row in rows if row["number"] == 1)
    fronts = {number: row["text"][: row["bismillah"]] for number, row in opened.items()}
    assert {number for number, front in fronts.items() if front != f"{alone} "} == {95, 97}
    packaged = {
        (surah.number, ayah.number_in_surah): ayah.text
        for surah in PackagedSource().fetch(ARABIC).value.surahs  # type: ignore[union-attr]  # nothing is known
        for ayah in surah.ayahs
        if not isinstance(ayah, str)
    }
    assert {(row["surah"], row["ayah"]): row["text"][row["bismillah"] :] for row in rows} == packaged


@pytest.mark.parametrize("surah", [95, 97])
def test_the_other_spelling_of_the_basmalah_is_noted_too(session: QuranSession, surah: int) -> None:
    rows = ayah_rows(session.process([ARABIC], NOTHING_KNOWN))
    ordinary, other = (next(row for row in rows if row["surah"] == number) for number in (96, surah))
    assert other["bismillah"] == ordinary["bismillah"] + 1
    assert other["text"][1] == "\u0651"


def test_a_translation_has_no_basmalah_in_front(session: QuranSession) -> None:
    assert {row["bismillah"] for row in ayah_rows(session.process(["en.sahih"], NOTHING_KNOWN))} == {0}


def test_a_sajda_is_false_or_an_object(session: QuranSession) -> None:
    rows = ayah_rows(session.process(["en.sahih"], NOTHING_KNOWN))
    sajdas = {row["number"]: (row["sajda"], row["sajda_id"]) for row in rows if row["sajda"]}
    assert sajdas == {
        number: (1 + obligatory, place) for place, (number, obligatory) in enumerate(mushaf().sajdas.items(), start=1)
    }
    assert {row["sajda_id"] for row in rows if not row["sajda"]} == {None}


def test_an_unknown_edition_that_became_quran_simple_is_refused(session: QuranSession) -> None:
    with pytest.raises(MismatchError, match=r"en\.nobody was asked, quran-simple answered") as caught:
        session.process(["en.nobody"], NOTHING_KNOWN)
    assert caught.value.rule == "quran.edition"
    assert caught.value.sample["identifier"] == "quran-simple"  # type: ignore[index]  # an object


def test_an_edition_with_an_excuse_in_place_of_ayahs_is_refused(session: QuranSession) -> None:
    with pytest.raises(MismatchError, match="Unable to retrieve") as caught:
        session.process([alquran.WITHOUT_VERSES], NOTHING_KNOWN)
    assert caught.value.rule == "quran.ayahs-missing"


def test_an_error_in_the_envelope_of_a_success_is_one(session: QuranSession, upstream: LoopbackServer) -> None:
    upstream.faults.rules = [Fault(Kind.REFUSED)]
    with pytest.raises(RejectedError, match="upstream says 400"):
        session.process(["en.sahih"], NOTHING_KNOWN)
    upstream.faults.rules = [Fault(Kind.REFUSED, "500", first=1)]
    assert session.process(["en.sahih"], NOTHING_KNOWN).row_count == 6351


def test_a_bad_surah_number_is_404_to_be_kept_for_a_day(upstream: LoopbackServer) -> None:
    answer = httpx.get(f"{upstream.url}/v1/surah/115/en.sahih", trust_env=False)
    assert (answer.status_code, answer.headers["Cache-Control"]) == (404, "public,max-age=86400")
    assert httpx.get(f"{upstream.url}/v1/surah/114/en.sahih", trust_env=False).json()["data"]["numberOfAyahs"] == 6


def test_half_a_body_is_asked_for_again(session: QuranSession, upstream: LoopbackServer) -> None:
    upstream.faults.rules = [Fault(Kind.TRUNCATE, first=1)]
    assert session.process(["en.sahih"], NOTHING_KNOWN).attempts == 2
    upstream.faults.rules = [Fault(Kind.NOT_JSON)]
    with pytest.raises(TransientError, match="cannot be read"):
        session.process(["en.sahih"], NOTHING_KNOWN)


SPOILT = {
    "wrong-edition": ("quran.edition", "en.sahih was asked, quran-simple answered"),
    "renamed-edition": ("quran.edition", "en.sahih was asked, en.other answered"),
    "audio": ("quran.edition", "of the format audio"),
    "no-ayahs": ("quran.ayahs-missing", "1: in their place"),
    "missing-surah": ("quran.surahs", "113 are there; missing: 108"),
    "extra-surah": ("quran.surahs", "115 are there"),
    "swapped-surahs": ("quran.surahs", "not in order"),
    "no-surahs": ("quran.surahs", "0 are there"),
    "truncated-surah": ("quran.surah-counts", "2: 286 ayahs were expected, 200 are there"),
    "duplicated-ayah": ("quran.surah-counts", "2: 286 ayahs were expected, 287 are there"),
    "shifted-ayah": ("quran.surah-counts", "3: 200 ayahs were expected, 199 are there"),
    "replaced-ayah": ("quran.numbering", "2:256: ayah 255, 262 in all, is in the place of 256"),
    "swapped-ayahs": ("quran.numbering", "36:5: ayah 6"),
    "wrong-number": ("quran.numbering", "2:2: ayah 2, 7 in all, is in the place of 2, 9 in all"),
    "empty-ayah": ("quran.empty-ayah", "18:60"),
    "blank-ayah": ("quran.empty-ayah", "18:60"),
    "null-ayah": ("quran.empty-ayah", "18:60"),
    "wrong-revelation": ("quran.revelation", "9: Medinan was expected, Meccan is there"),
    "swapped-revelation": ("quran.revelation", "1: Meccan was expected, Medinan is there"),
    "shifted-juz": ("quran.structure", "2:142: juz 2 was expected, 1 is there"),
    "shifted-manzil": ("quran.structure", "5:1: manzil 2 was expected, 1 is there"),
    "shifted-page": ("quran.structure", "2:6: page 3 was expected, 604 is there"),
    "shifted-ruku": ("quran.structure", "2:8: ruku 3 was expected, 0 is there"),
    "shifted-quarter": ("quran.structure", "114:6: hizb_quarter 240 was expected, 241 is there"),
    "missing-sajda": ("quran.sajdas", "96:19: sajda: obligatory was expected, none is there"),
    "moved-sajda": ("quran.sajdas", "7:205: sajda: none was expected, recommended is there"),
    "turned-sajda": ("quran.sajdas", "32:15: sajda: obligatory was expected, recommended is there"),
    "extra-sajda": ("quran.sajdas", "1:1: sajda: none was expected, recommended is there"),
    "nameless-sajda": ("quran.sajdas", "one without a kind"),
    "nul-in-ayah": ("quran.shape", "18:60: a text with a NUL character"),
    "nul-in-name": ("quran.shape", "9: a name with a NUL character"),
    "nul-in-edition": ("quran.shape", "NUL character"),
    "huge-number": ("quran.shape", "2:6: page is too large"),
    "huge-surah": ("quran.shape", "70000: "),
    "huge-sajda": ("quran.shape", "96:19: a sajda of another number than 1 to 15"),
    "long-ayah": ("quran.length", "18:60: has 100,008 characters, more than 100,000"),
    "long-name": ("quran.length", "9: its english_name has 1,008 characters, more than 1,000"),
    "long-edition": ("quran.length", "its name has 1,008 characters, more than 1,000"),
    "long-language": ("quran.length", "its language has 65 characters, more than 64"),
    "error-as-text": ("quran.text", "63 ayahs have the same text"),
    "other-language": ("quran.edition", "listed with the language en, tlh answered"),
    "other-type": ("quran.edition", "listed with the type translation, tafsir answered"),
    "lost-basmalah": ("quran.basmalah", "in front of 111 surahs; otherwise than expected: 95"),
}


@pytest.mark.parametrize("bend", sorted(alquran.BENDS.keys() - {"reworded"}))  # which breaks no rule
def test_a_spoilt_edition_is_quarantined_by_the_rule_it_breaks(
    session: QuranSession, upstream: LoopbackServer, bend: str
) -> None:
    upstream.faults.rules = [Fault(Kind.BEND, bend)]
    rule, message = SPOILT[bend]
    spec = [ARABIC] if rule == "quran.basmalah" else ["en.sahih", "en", "translation"]
    with pytest.raises(MismatchError) as caught:
        session.process(spec, NOTHING_KNOWN)
    assert caught.value.rule == rule
    assert message in str(caught.value)
    assert len(json.dumps(caught.value.sample)) < 2000
    assert rule in RULES
    assert len(upstream.seen) == 1  # the same would be answered again


def test_a_waived_rule_may_be_broken(session: QuranSession, upstream: LoopbackServer) -> None:
    upstream.faults.rules = [Fault(Kind.BEND, "truncated-surah")]
    with pytest.raises(MismatchError) as caught:
        session.process(["en.sahih"], Known(waived=frozenset({"quran.surah-counts"})))
    assert caught.value.rule == "quran.ayahs"
    waived = Known(waived=frozenset({"quran.surah-counts", "quran.ayahs"}))
    assert session.process(["en.sahih"], waived).row_count == 6351 - 86


@pytest.mark.parametrize("bend", [bend for bend, (rule, _) in SPOILT.items() if rule == "quran.shape"])
def test_what_a_database_cannot_store_cannot_be_waived(
    session: QuranSession, upstream: LoopbackServer, bend: str
) -> None:
    upstream.faults.rules = [Fault(Kind.BEND, bend)]
    with pytest.raises(MismatchError, match=r"quran\.shape"):
        session.process(["en.sahih"], Known(waived=frozenset(RULES)))


def test_the_arabic_text_has_the_letters_of_the_one_installed(session: QuranSession, upstream: LoopbackServer) -> None:
    assert session.process([ARABIC, "ar", "quran"], NOTHING_KNOWN).row_count == 6351
    upstream.faults.rules = [Fault(Kind.BEND, "reworded")]
    with pytest.raises(MismatchError, match=r"quran\.text: 2:255: its letters are not those of the mushaf"):
        session.process([ARABIC], NOTHING_KNOWN)
    assert session.process([ARABIC], Known(waived=frozenset({"quran.text"}))).row_count == 6351


def test_two_ayahs_in_one_place_cannot_be_waived(session: QuranSession, upstream: LoopbackServer) -> None:
    upstream.faults.rules = [Fault(Kind.BEND, "duplicated-ayah")]
    with pytest.raises(MismatchError, match="2:255: is there twice"):
        session.process(["en.sahih"], Known(waived=frozenset(RULES)))


def test_what_is_known_is_not_decoded_again(session: QuranSession) -> None:
    for spec in (["en.sahih"], []):
        first = session.process(spec, NOTHING_KNOWN)
        again = session.process(spec, Known(stored=True, body_hash=first.body_hash))
        assert (again.unchanged, again.parts, again.body_hash) == (True, [], first.body_hash)


def test_the_same_bytes_are_news_for_another_edition(session: QuranSession, upstream: LoopbackServer) -> None:
    first = session.process([alquran.FALLBACK], NOTHING_KNOWN)
    with pytest.raises(MismatchError):
        session.process(["en.nobody"], Known(stored=True, body_hash=first.body_hash))


def test_the_list_of_editions_is_stored_in_its_order(session: QuranSession, upstream: LoopbackServer) -> None:
    (part,) = session.process([], NOTHING_KNOWN).parts
    assert [seen.path for seen in upstream.seen] == ["/v1/edition"]
    assert part.rows[0] == ("ar.recited", 1, "ar", "قارئ", "A Reciter", "audio", "versebyverse", None)
    assert [row[:2] for row in part.rows] == [
        (one["identifier"], place) for place, one in enumerate(alquran.EDITIONS, start=1)
    ]
