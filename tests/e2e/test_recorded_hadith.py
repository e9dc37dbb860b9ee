"""What hadith-api answered, replayed over HTTP, comes out of the database equal: field by field, digit by digit."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Home
from tests.upstream.replay_hadith import ABSENT, paths, recorded, serve

EDITIONS = [path for path in paths() if path.count("/") == 2 and path.startswith("/editions/")]
PARTS = [path for path in paths() if path.count("/") > 2]
pytestmark = pytest.mark.skipif(not EDITIONS, reason=ABSENT)


class Number(str):
    """A number as it is written: 3604.1 is not 3604.10, and no "3604.1" either."""

    __slots__ = ()

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and str(self) == str(other)

    def __ne__(self, other: object) -> bool:
        return not self == other

    __hash__ = str.__hash__


def document(path: str) -> Any:
    body = recorded(path)
    assert body is not None
    return json.loads(body, parse_float=Number, parse_int=Number)


@pytest.fixture(scope="module")
def database(module_home: Home) -> Path:
    """A database into which every recorded edition was synced."""
    with serve() as upstream:
        module_home.environment |= {
            "SYNCTL_SOURCES__HADITH_API__BASE_URL": upstream.url,
            "SYNCTL_SOURCES__HADITH_API__RATE": "0",
            "SYNCTL_WORKERS__HADITH": "1",
            "SYNCTL_WORKERS__PRAYER": "0",
        }
        names = [path.rsplit("/", 1)[1].removesuffix(".min.json") for path in EDITIONS]
        module_home.run("up")
        module_home.run("enqueue", "hadith", *(word for name in names for word in ("--edition", name)), "--wait")
    return module_home.path / "synctl.db"


def rebuilt(database: Path, edition: str) -> dict[str, Any]:
    """An edition as its file says it, from the database alone."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:

        def rows(sql: str) -> list[Any]:
            return connection.execute(sql, (edition,)).fetchall()

        sections = rows("SELECT * FROM hadith_section WHERE edition = ? ORDER BY number")
        grades: dict[str, list[dict[str, str]]] = {}
        for number, name, grade in rows(
            "SELECT number, name, grade FROM hadith_grade WHERE edition = ? ORDER BY number, position"
        ):
            grades.setdefault(number, []).append({"name": name, "grade": grade})
        keys = ("hadithnumber_first", "hadithnumber_last", "arabicnumber_first", "arabicnumber_last")
        return {
            "metadata": {
                "name": rows("SELECT title FROM hadith_edition WHERE name = ?")[0][0],
                "sections": {str(section[1]): section[2] for section in sections},
                "section_details": {
                    str(section[1]): dict(zip(keys, map(Number, section[3:7]), strict=True)) for section in sections
                },
            },
            "hadiths": [
                {
                    "hadithnumber": Number(number),
                    **({} if arabic is None else {"arabicnumber": arabic if quoted else Number(arabic)}),
                    "text": text,
                    "grades": grades.get(number, []),
                    "reference": {"book": Number(section), "hadith": Number(hadith)},
                }
                for number, arabic, quoted, text, section, hadith in rows(
                    "SELECT number, arabic_number, arabic_quoted, text, section, section_hadith FROM hadith"
                    " WHERE edition = ? ORDER BY position"
                )
            ],
        }


def test_the_list_of_editions_comes_out_as_it_went_in(database: Path) -> None:
    keys = ("language", "direction", "author", "source", "comments")
    listed = {
        edition["name"]: (collection, of["name"], *(edition[key] for key in keys))
        for collection, of in document("/editions.min.json").items()
        for edition in of["collection"]
    }
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        stored = connection.execute(
            "SELECT e.name, collection, c.title, language, direction, author, origin, comments"
            " FROM hadith_edition e JOIN hadith_collection c ON c.name = e.collection WHERE listed = 1"
        ).fetchall()
    assert {row[0]: row[1:] for row in stored} == listed


@pytest.mark.parametrize("path", EDITIONS)
def test_a_recorded_edition_is_rebuilt_from_the_database(database: Path, path: str) -> None:
    edition = path.rsplit("/", 1)[1].removesuffix(".min.json")
    whole = rebuilt(database, edition)
    assert whole == document(path)
    assert [list(hadith) for hadith in whole["hadiths"]] == [list(hadith) for hadith in document(path)["hadiths"]]


COUNTS = {
    "eng-tirmidhi": (3998, 72, 42, 0), "eng-malik": (1858, 40, 0, 18), "ara-malik": (1858, 29, 0, 18),
    "eng-nawawi": (42, 0, 0, 0), "ara-nawawi": (42, 0, 0, 0), "eng-qudsi": (40, 0, 0, 0), "ara-qudsi": (40, 0, 0, 0),
}  # fmt: skip


@pytest.mark.parametrize(("edition", "counts"), COUNTS.items())
def test_entries_empty_texts_fractions_and_unplaced_are_as_many_as_upstream_has(
    database: Path, edition: str, counts: tuple[int, ...]
) -> None:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as connection:
        found = connection.execute(
            "SELECT e.hadiths, e.empty_texts, SUM(h.number LIKE '%.%'), SUM(h.section = 0)"
            " FROM hadith_edition e JOIN hadith h ON h.edition = e.name WHERE e.name = ?",
            (edition,),
        ).fetchone()
    assert found == counts


@pytest.mark.parametrize("path", PARTS)
def test_a_recorded_hadith_or_section_is_part_of_its_edition(database: Path, path: str) -> None:
    """These calls are not made, for one file an edition says the same: so it is checked that it does."""
    edition, part = path.split("/")[2], document(path)
    whole = rebuilt(database, edition)
    of = {hadith["hadithnumber"]: hadith for hadith in whole["hadiths"]}
    assert [of[hadith["hadithnumber"]] for hadith in part["hadiths"]] == part["hadiths"]
    for name, section in part["metadata"]["section"].items():
        assert whole["metadata"]["sections"][name] == section
        assert whole["metadata"]["section_details"][name] == part["metadata"]["section_detail"][name]


def test_recorded_info_agrees_with_what_is_stored(database: Path) -> None:
    """`info.json` is not asked for either: it has no texts, and the rest is in the editions."""
    info = document("/info.min.json")
    for path in EDITIONS:
        edition = path.rsplit("/", 1)[1].removesuffix(".min.json")
        whole, known = rebuilt(database, edition), info[edition.partition("-")[2]]
        assert whole["metadata"]["sections"] == known["metadata"]["sections"]
        assert whole["metadata"]["section_details"] == known["metadata"]["section_details"]
        without = [{key: value for key, value in hadith.items() if key != "text"} for hadith in whole["hadiths"]]
        assert without == known["hadiths"]
