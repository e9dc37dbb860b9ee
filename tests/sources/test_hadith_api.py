"""hadith-api against its stand-in: what is asked, what is read, and what is not asked or read again."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from msgspec.structs import asdict

from synctl.errors import MismatchError, RejectedError, TransientError
from synctl.processors.hadith import HadithSession
from synctl.processors.hadith_rules import RULES, UNWAIVABLE, Counts
from synctl.resource import NOTHING_KNOWN, Batch, Known
from synctl.sources.hadith_api import Edition, HadithApiSource, read
from tests.sources.conftest import OpenFetcher
from tests.upstream import hadith
from tests.upstream.faults import Fault, Kind
from tests.upstream.hadith import BENDS, Files
from tests.upstream.server import LoopbackServer

Row = tuple[Any, ...]


@pytest.fixture
def files() -> Files:
    return Files()


@pytest.fixture
def cdn(files: Files) -> Iterator[LoopbackServer]:
    with hadith.serve(files=files) as server:
        yield server


@pytest.fixture
def source(cdn: LoopbackServer, open_fetcher: OpenFetcher) -> HadithApiSource:
    return HadithApiSource(open_fetcher(cdn.url))


@pytest.fixture
def session(source: HadithApiSource) -> HadithSession:
    return HadithSession(source, lambda edition: {"eng-tirmidhi": Counts(200, 300, 1, 150)}.get(edition, Counts()))


def spec(edition: str, *, accept_shrink: bool = False) -> list[object]:
    code, _, collection = edition.partition("-")
    language, direction = hadith.LANGUAGES[code]
    return [edition, hadith.BOOKS[collection].title, direction, accept_shrink, language]


def of(batch: Batch, table: str) -> list[Row]:
    return [row for part in batch.parts if part.table.name == table for row in part.rows]


def process(session: HadithSession, edition: str, known: Known = NOTHING_KNOWN) -> Batch:
    return session.process(spec(edition), known)


def stored(batch: Batch, **changes: Any) -> Known:
    """What is known of a unit after it was stored."""
    known = {"stored": True, "body_hash": batch.body_hash, "rows": batch.row_count, "validators": batch.validators}
    return Known(**(known | changes))


def paths(cdn: LoopbackServer) -> list[tuple[str, int]]:
    return [(seen.path, seen.status) for seen in cdn.seen]


def test_the_list_names_every_edition_with_its_collection(source: HadithApiSource) -> None:
    listed = {one.name: one for one in source.listing()}
    assert {"eng-bukhari", "ara-nawawi", "ara-nawawi1"} <= listed.keys()
    one = listed["ara-nawawi1"]
    assert (one.collection, one.title, one.language, one.direction) == (
        "nawawi", "Forty Hadith of an-Nawawi", "Arabic", "rtl",
    )  # fmt: skip
    assert one.comments == "Diacritics removed for easier searching"


def test_an_edition_is_one_call_for_the_small_form(session: HadithSession, cdn: LoopbackServer) -> None:
    batch = process(session, "eng-nawawi")
    assert paths(cdn) == [("/editions/eng-nawawi.min.json", 200)]
    assert of(batch, "hadith_edition") == [("eng-nawawi", "Forty Hadith of an-Nawawi", 42, 0)]
    assert [row[1] for row in of(batch, "hadith")] == [str(number) for number in range(1, 43)]
    assert of(batch, "hadith_section")[1] == ("eng-nawawi", 1, "The Book of Things 1", "1", "42", "1", "42")


def test_without_a_small_form_the_other_one_is_asked_for(session: HadithSession, cdn: LoopbackServer) -> None:
    batch = process(session, "eng-abudawud")
    assert paths(cdn) == [("/editions/eng-abudawud.min.json", 404), ("/editions/eng-abudawud.json", 200)]
    assert (len(of(batch, "hadith")), batch.attempts) == (90, 2)


def test_an_edition_that_is_in_neither_form_is_rejected(session: HadithSession) -> None:
    with pytest.raises(RejectedError, match="404") as raised:
        session.process(["tlh-nawawi", "Forty Hadith of an-Nawawi", "ltr", False], NOTHING_KNOWN)
    assert (raised.value.attempts, raised.value.http_status) == (2, 404)


def test_the_tenth_part_is_not_the_first_and_a_zero_at_the_end_counts(session: HadithSession) -> None:
    numbers = [row[1] for row in of(process(session, "eng-tirmidhi"), "hadith")]
    assert [number for number in numbers if number.startswith("3604")] == [
        "3604", "3604.1", "3604.10", *(f"3604.{part}" for part in range(2, 10)),
    ]  # fmt: skip


def test_an_arabic_number_may_be_another_a_string_or_not_there(session: HadithSession) -> None:
    rows = {row[1]: row for row in of(process(session, "eng-muslim"), "hadith")}
    assert rows["1"][3:5] == (None, 0)  # in the introduction
    assert rows["28"][3:5] == (None, 0)  # unplaced
    assert rows["27"][3:5] == ("26.01", 1)
    assert {row[3:5] for row in of(process(session, "eng-tirmidhi"), "hadith") if row[1] == "3604.10"} == {
        ("3604.10", 0)
    }


def test_section_0_holds_an_introduction_or_what_is_unplaced(session: HadithSession) -> None:
    muslim, nasai = process(session, "eng-muslim"), process(session, "eng-nasai")
    assert of(muslim, "hadith_section")[0] == ("eng-muslim", 0, "Introduction", "1", "8", "1", "8")
    assert of(nasai, "hadith_section")[0] == ("eng-nasai", 0, "", "0", "0", "0", "0")
    assert [row[1] for row in of(muslim, "hadith") if row[6] == 0] == [*map(str, range(1, 9)), "28", "100"]
    assert [row[1] for row in of(nasai, "hadith") if row[6] == 0] == ["41", "42", "43", "44"]


def test_an_empty_text_is_kept_and_counted(session: HadithSession) -> None:
    batch = process(session, "eng-muslim")
    assert of(batch, "hadith_edition")[0][3] == 3
    assert [row[1] for row in of(batch, "hadith") if row[5] == ""] == ["1", "2", "28"]


def test_grades_are_kept_in_their_order_and_may_be_empty(session: HadithSession) -> None:
    grades = [row for row in of(process(session, "eng-malik"), "hadith_grade") if row[1] == "7"]
    assert grades == [
        ("eng-malik", "7", 1, "First Grader", ""),
        ("eng-malik", "7", 2, "Second Grader", "Sahih"),
        ("eng-malik", "7", 3, "Third Grader", "Hasan"),
    ]


def test_a_few_numbers_may_be_missing_as_they_are_upstream(session: HadithSession) -> None:
    assert "97" not in {row[1] for row in of(process(session, "eng-bukhari"), "hadith")}


def test_a_text_is_stored_as_it_was_served(session: HadithSession, files: Files) -> None:
    odd = ' \ufeff two  spaces,\r\ncomposed é and e\u0301, "quotes", \\, \u200f, ﷺ \U0001f54b\x1b[31m\t'
    files.edits["eng-nawawi"] = lambda file: file["hadiths"][3].update(text=odd)
    assert of(process(session, "eng-nawawi"), "hadith")[3][5] == odd


def test_the_tag_of_an_answer_is_kept_to_the_letter_and_its_304_is_no_change(
    session: HadithSession, cdn: LoopbackServer
) -> None:
    first = process(session, "eng-nawawi")
    tag = first.validators["etag"]
    assert tag.startswith('W/"')
    again = process(session, "eng-nawawi", stored(first))
    assert paths(cdn)[-1] == ("/editions/eng-nawawi.min.json", 304)
    assert cdn.seen[-1].headers["If-None-Match"] == tag
    assert (again.unchanged, again.parts, again.body_hash) == (True, [], first.body_hash)
    assert again.validators == first.validators


def test_the_tag_of_the_other_form_serves_too(session: HadithSession, cdn: LoopbackServer) -> None:
    first = process(session, "eng-abudawud")
    assert process(session, "eng-abudawud", stored(first)).unchanged
    assert [status for _, status in paths(cdn)] == [404, 200, 404, 304]


def test_a_body_that_is_known_is_not_decoded(session: HadithSession, monkeypatch: pytest.MonkeyPatch) -> None:
    first = process(session, "eng-nawawi")

    def no(body: bytes) -> Edition:
        raise AssertionError("decoded")

    monkeypatch.setattr("synctl.sources.hadith_api.read", no)
    again = process(session, "eng-nawawi", stored(first, validators={**first.validators, "etag": ""}))
    assert (again.unchanged, again.body_hash, again.validators) == (True, first.body_hash, first.validators)


def test_a_tag_is_of_no_use_where_the_rows_are_not_known(session: HadithSession, cdn: LoopbackServer) -> None:
    first = process(session, "eng-nawawi")
    again = process(session, "eng-nawawi", stored(first, body_hash=None))
    assert (again.unchanged, paths(cdn)[-1][1]) == (False, 200)


def test_the_same_body_for_another_edition_is_news(session: HadithSession) -> None:
    first = process(session, "eng-nawawi")
    assert process(session, "fra-nawawi").body_hash != first.body_hash


def test_a_body_cut_short_is_tried_again(session: HadithSession, cdn: LoopbackServer) -> None:
    cdn.faults.rules = [Fault(Kind.TRUNCATE, first=1)]
    assert process(session, "eng-nawawi").attempts == 2


def test_half_of_a_surrogate_is_a_broken_answer() -> None:
    with pytest.raises(Exception, match="surrogate"):
        read(b'{"metadata":{"name":"\\ud800","sections":{},"section_details":{}},"hadiths":[]}')


def test_what_is_no_json_fails_the_unit_for_now(session: HadithSession, cdn: LoopbackServer) -> None:
    cdn.faults.rules = [Fault(Kind.NOT_JSON)]
    with pytest.raises(TransientError):
        process(session, "eng-nawawi")


SPOILED = {
    "twice": "hadith.unique",
    "drop": "hadith.counts",
    "cut": "hadith.counts",
    "renamed": "hadith.edition",
    "error-as-text": "hadith.texts",
    "other-script": "hadith.edition",
    "other-language": "hadith.edition",
    "long-text": "hadith.length",
    "long-grade": "hadith.length",
    "long-section": "hadith.length",
    "long-arabic-number": "hadith.length",
    "moved": "hadith.sections",
    "misplaced": "hadith.counts",
    "no-section": "hadith.sections",
    "no-details": "hadith.sections",
    "empty-section": "hadith.sections",
    "nothing": "hadith.counts",
    **dict.fromkeys(
        (
            "no-text", "null-text", "nul-in-text", "number-as-text", "number-with-exponent", "negative-number",
            "null-arabic", "grades-as-text", "no-reference", "text-in-reference", "section-by-name", "list",
        ),
        "hadith.shape",
    ),
}  # fmt: skip


def test_every_way_to_spoil_a_file_has_its_rule() -> None:
    assert SPOILED.keys() == BENDS.keys()
    assert set(SPOILED.values()) | {"hadith.shrink", "hadith.grades", "hadith.list"} == RULES.keys()


@pytest.mark.parametrize("edition", ["eng-bukhari", "ara-malik"])
@pytest.mark.parametrize(("bend", "rule"), SPOILED.items())
def test_a_spoiled_file_is_refused_by_the_rule_it_breaks(
    session: HadithSession, cdn: LoopbackServer, edition: str, bend: str, rule: str
) -> None:
    cdn.faults.rules = [Fault(Kind.BEND, bend)]
    with pytest.raises(MismatchError) as raised:
        process(session, edition)
    assert (raised.value.rule, raised.value.http_status) == (rule, 200)


@pytest.mark.parametrize("rule", sorted(RULES))
def test_a_rule_that_is_waived_lets_pass_what_can_be_stored(
    session: HadithSession, cdn: LoopbackServer, rule: str
) -> None:
    bend = next((bend for bend, broken in SPOILED.items() if broken == rule), "cut")
    cdn.faults.rules = [Fault(Kind.BEND, bend)]
    waived = Known(waived=frozenset(RULES.keys() - UNWAIVABLE | {rule}))
    if rule in {"hadith.shape", "hadith.unique"}:
        with pytest.raises(MismatchError, match=rule):
            process(session, "eng-malik", waived)
    else:
        assert of(process(session, "eng-malik", waived), "hadith_edition")


SHRUNK = [
    ((147, 0, 2, 0), "hadith.shrink: 145 hadiths, 147 are stored"),
    ((145, 223, 2, 109), "hadith.grades: 217 grades, 223 are stored"),
    ((145, 217, 2, 115), "hadith.grades: 109 hadiths with a grade, 115 are stored"),
    ((145, 0, 0, 0), "hadith.texts: 2 hadiths without a text, 0 are stored"),
]


def counted(*numbers: int) -> dict[str, str]:
    """What is kept of an answer with these counts."""
    return {name: str(number) for name, number in asdict(Counts(*numbers)).items()}


@pytest.mark.parametrize(("before", "says"), SHRUNK, ids=str)
def test_what_shrinks_by_more_than_a_hundredth_is_refused_unless_it_is_accepted(
    session: HadithSession, before: tuple[int, ...], says: str
) -> None:
    validators = counted(*before)
    known = Known(stored=True, rows=1000, body_hash="another", validators=validators)
    with pytest.raises(MismatchError) as raised:
        process(session, "eng-malik", known)
    assert str(raised.value) == says
    assert of(session.process(spec("eng-malik", accept_shrink=True), known), "hadith")
    waived = Known(stored=True, validators=validators, waived=frozenset({raised.value.rule}))
    assert of(process(session, "eng-malik", waived), "hadith")


def test_a_drop_of_a_hundredth_and_a_few_grades_less_are_none(session: HadithSession) -> None:
    first = process(session, "eng-malik")
    assert {name: first.validators[name] for name in counted()} == counted(145, 217, 2, 109)
    known = Known(stored=True, validators=counted(146, 222, 1, 114))
    assert of(process(session, "eng-malik", known), "hadith")


@pytest.mark.parametrize("validators", [{}, {"etag": "x", "hadiths": "145", "grades": "217", "empty_texts": "0"}])
def test_what_was_stored_without_all_counts_is_counted_where_it_is_stored(
    session: HadithSession, validators: dict[str, str]
) -> None:
    known = Known(stored=True, body_hash="another", validators=validators)
    with pytest.raises(MismatchError, match=r"hadith\.shrink: 169 hadiths, 200 are stored"):
        process(session, "eng-tirmidhi", known)
    assert process(session, "eng-tirmidhi").validators["hadiths"] == "169"


def test_an_answer_that_is_known_is_stored_with_the_counts_it_lacked(session: HadithSession) -> None:
    first = process(session, "eng-tirmidhi")
    again = process(session, "eng-tirmidhi", stored(first, validators={"etag": first.validators["etag"]}))
    assert again.unchanged
    assert {name: again.validators[name] for name in counted()} == counted(200, 300, 1, 150)


def test_an_error_in_place_of_texts_is_accepted_by_a_waiver_only(session: HadithSession, cdn: LoopbackServer) -> None:
    cdn.faults.rules = [Fault(Kind.BEND, "error-as-text")]
    with pytest.raises(MismatchError, match="20 of 42 hadiths have the same text"):
        session.process(spec("eng-nawawi", accept_shrink=True), NOTHING_KNOWN)
