"""Hadith through the whole stack: synced, shown, answered by 304, changed, shrunk, refused."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Call, Home
from tests.upstream import hadith
from tests.upstream.faults import Fault, Kind
from tests.upstream.hadith import File, Files
from tests.upstream.server import LoopbackServer

TABLES = ("hadith", "hadith_section", "hadith_grade")


@pytest.fixture(scope="module")
def files() -> Files:
    return Files()


@pytest.fixture(scope="module")
def cdn(files: Files) -> Iterator[LoopbackServer]:
    with hadith.serve(files=files) as server:
        yield server


@pytest.fixture(scope="module")
def synced(module_home: Home, cdn: LoopbackServer) -> Home:
    """A home into which the default selection and one more edition were synced."""
    module_home.environment |= {
        "SYNCTL_SOURCES__HADITH_API__BASE_URL": cdn.url,
        "SYNCTL_SOURCES__HADITH_API__RATE": "0",
        "SYNCTL_WORKERS__HADITH": "1",
        "SYNCTL_WORKERS__PRAYER": "0",
        "NO_PROXY": "127.0.0.1",
    }
    module_home.run("up")
    module_home.run("enqueue", "hadith", "--wait")
    module_home.run("enqueue", "hadith", "--edition", "eng-tirmidhi", "--wait")
    return module_home


@pytest.fixture(autouse=True)
def _as_it_was(files: Files, cdn: LoopbackServer) -> Iterator[None]:
    yield
    files.edits.clear()
    cdn.faults.rules = []


def stored(home: Home, edition: str) -> list[list[tuple[Any, ...]]]:
    return [home.sql(f"SELECT * FROM {table} WHERE edition = ? ORDER BY 1, 2, 3", edition) for table in TABLES]


def sync(home: Home, call: Call, *words: str, code: int = 0) -> dict[str, Any]:
    """Sync anew what was synced today: by a selection that no other test makes, or by force."""
    run = call(home, "enqueue", "hadith", *words, "--wait", "--json", code=code).json["run"]
    found: dict[str, Any] = call(home, "status", run, "--json").json
    return found


def test_the_default_selection_is_stored_whole(synced: Home) -> None:
    counts = synced.sql("SELECT name, hadiths, empty_texts FROM hadith_edition WHERE unit_id IS NOT NULL ORDER BY 1")
    assert counts == [
        ("eng-bukhari", 209, 0), ("eng-muslim", 170, 3), ("eng-nawawi", 42, 0), ("eng-qudsi", 40, 0),
        ("eng-tirmidhi", 169, 1),
    ]  # fmt: skip
    assert synced.sql("SELECT edition, COUNT(*) FROM hadith GROUP BY edition ORDER BY 1") == [row[:2] for row in counts]


def test_coverage_tells_what_is_stored_missing_listed_and_old(synced: Home, call: Call) -> None:
    stored = call(synced, "coverage", "hadith", "--json").lines
    assert [(one["edition"], one["state"], one["texts"], one["empty_texts"]) for one in stored] == [
        ("eng-bukhari", "complete", 209, 0), ("eng-muslim", "complete", 170, 3), ("eng-nawawi", "complete", 42, 0),
        ("eng-qudsi", "complete", 40, 0), ("eng-tirmidhi", "complete", 169, 1),
    ]  # fmt: skip
    assert all(one["language"] == "English" and one["synced_at"] for one in stored)
    listed = call(synced, "coverage", "hadith", "--listed", "--json").lines
    assert {one["state"] for one in listed[5:]} == {"listed"}
    said = call(synced, "coverage", "hadith").out
    assert f"5 of 5 editions complete, {len(listed) - 5} more listed upstream (--listed shows them)." in said

    assert call(synced, "coverage", "hadith", "--gaps").err == "synctl: no gaps: 5 editions complete\n"
    with sqlite3.connect(synced.path / "synctl.db") as database:
        database.execute("UPDATE stored_unit SET synced_at = synced_at - 864000000 WHERE key = 'eng-nawawi'")
        database.execute("DELETE FROM hadith WHERE edition = 'eng-qudsi' AND number = '7'")
    assert call(synced, "coverage", "hadith", "--gaps").out.endswith(" enqueue hadith --edition eng-qudsi\n")
    old = call(synced, "coverage", "hadith", "--gaps", "--older-than", "7d", "--json").lines
    assert [(one["edition"], one["state"], one["texts"]) for one in old] == [
        ("eng-nawawi", "old", 42),
        ("eng-qudsi", "incomplete", 39),
    ]
    call(synced, "enqueue", "hadith", "--edition", "eng-qudsi", "--edition", "eng-nawawi", "--force", "--wait")
    assert "name the resource" in call(synced, "coverage", "--listed", code=2).err
    assert "no cities" in call(synced, "coverage", "hadith", "--year", "2026", code=2).err


def test_all_editions_that_upstream_lists_can_be_ordered_at_once(synced: Home, call: Call) -> None:
    planned = call(synced, "enqueue", "hadith", "--edition", "all", "--dry-run", "--json").json
    assert planned["units"] == len(call(synced, "coverage", "hadith", "--listed", "--json").lines)


def test_a_hadith_is_shown_by_its_number_to_the_digit(synced: Home, call: Call) -> None:
    shown = call(synced, "show", "hadith", "eng-tirmidhi", "3604.1", "3604.10", "--json").lines
    assert [(one["number"], one["section"], one["source"]) for one in shown] == [
        ("3604.1", 2, "hadith_api"), ("3604.10", 2, "hadith_api"),
    ]  # fmt: skip
    text = call(synced, "show", "hadith", "eng-nawawi", "1").out
    assert "eng-nawawi 1\ninvented sentence “quoted”" in text
    assert "section 1: The Book of Things 1" in text
    assert "(no text upstream)" in call(synced, "show", "hadith", "eng-muslim", "28").out
    assert "eng-muslim 27, arabic number 26.01" in call(synced, "show", "hadith", "eng-muslim", "27").out


def test_a_section_an_edition_and_all_editions_are_shown(synced: Home, call: Call) -> None:
    unplaced = call(synced, "show", "hadith", "eng-muslim", "--section", "0", "--json").lines
    assert [one["number"] for one in unplaced] == [*map(str, range(1, 9)), "28", "100"]
    sections = call(synced, "show", "hadith", "eng-bukhari", "--json").lines
    assert [(one["section"], one["hadiths"], one["hadith_last"]) for one in sections] == [
        (0, 0, "0"), (1, 7, "7"), (2, 53, "60"), (3, 149, "210"),
    ]  # fmt: skip
    assert "Sahih Muslim (English), 170 hadiths, 3 without text" in call(synced, "show", "hadith", "eng-muslim").out
    editions = call(synced, "show", "hadith", "--json").lines
    assert [(one["edition"], one["empty_texts"]) for one in editions][:2] == [("eng-bukhari", 0), ("eng-muslim", 3)]
    assert "Sahih al Bukhari" in call(synced, "show", "hadith").out


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (("eng-nawawy", "1"), "did you mean eng-nawawi?"),
        (("eng-nawawi", "43"), "they are 1 to 42"),
        (("eng-tirmidhi", "3604.11"), "there are 3604, 3604.1, 3604.10, 3604.2"),
        (("eng-nawawi", "--section", "9"), "sections: 0, 1"),
        (("eng-nawawi", "1", "--section", "1"), "exclude each other"),
        (("--section", "1"), "--section needs an edition"),
        (("eng-nawawi", "1", "--city", "London"), "--city does not select in hadith"),
    ],
)
def test_what_is_not_there_is_told_with_what_is(synced: Home, call: Call, words: tuple[str, ...], says: str) -> None:
    assert says in call(synced, "show", "hadith", *words, code=2).err


def test_a_sync_of_what_did_not_change_is_answered_by_304_and_writes_nothing(
    synced: Home, call: Call, cdn: LoopbackServer
) -> None:
    names = ("eng-bukhari", "eng-muslim", "eng-nawawi", "eng-qudsi", "eng-tirmidhi")
    before, asked = [stored(synced, name) for name in names], len(cdn.seen)
    run = sync(synced, call, *(word for name in names for word in ("--edition", name)))
    assert (run["state"], run["done"], run["changed"]) == ("succeeded", 5, 0)
    assert [seen.status for seen in list(cdn.seen)[asked:]] == [304] * 5
    assert [stored(synced, name) for name in names] == before
    assert synced.sql("SELECT unchanged FROM run WHERE id = ?", run["run"]) == [(5,)]


def test_a_changed_text_is_stored_and_the_old_one_kept_with_the_run(synced: Home, call: Call, files: Files) -> None:
    def edit(file: File) -> None:
        file["hadiths"][6]["text"] = "another invented sentence"
        file["hadiths"][6]["grades"] = [{"name": "First Grader", "grade": "Hasan"}]

    files.edits["eng-nawawi"] = edit
    run = sync(synced, call, "--collection", "eng-nawawi")
    assert (run["state"], run["changed"]) == ("succeeded", 2)
    changes = synced.sql(
        "SELECT table_name, row_key, old, new FROM unit_change c JOIN run r ON r.seq = c.run_seq WHERE r.id = ?"
        " ORDER BY table_name",
        run["run"],
    )
    (table, key, old, new), (_, _, none, grade) = changes
    assert (table, json.loads(key)) == ("hadith", {"edition": "eng-nawawi", "number": "7"})
    assert json.loads(old)["text"] != json.loads(new)["text"] == "another invented sentence"
    assert (none, json.loads(grade)) == (None, {"name": "First Grader", "grade": "Hasan"})
    assert call(synced, "show", "hadith", "eng-nawawi", "7", "--json").json["text"] == "another invented sentence"
    files.edits.clear()
    assert sync(synced, call, "--collection", "eng-nawawi", "--accept-shrink")["changed"] == 2  # and back, a grade less


def test_what_shrinks_is_kept_until_that_is_accepted(synced: Home, call: Call, files: Files) -> None:
    def edit(file: File) -> None:  # fewer, and by its own metadata whole
        del file["hadiths"][30:]
        file["metadata"]["section_details"]["1"]["hadithnumber_last"] = hadith.literal("30")

    files.edits["eng-qudsi"] = edit
    before = stored(synced, "eng-qudsi")
    run = sync(synced, call, "--collection", "eng-qudsi", code=4)
    assert (run["state"], run["failed"]) == ("failed", 1)
    assert synced.sql("SELECT rule, message FROM quarantine WHERE key = 'eng-qudsi'") == [
        ("hadith.shrink", "hadith.shrink: 30 hadiths, 40 are stored")
    ]
    assert stored(synced, "eng-qudsi") == before
    run = sync(synced, call, "--collection", "eng-qudsi", "--accept-shrink")
    assert (run["state"], run["changed"]) == ("succeeded", 12)  # ten are gone, a section and the edition changed
    assert len(stored(synced, "eng-qudsi")[0]) == 30
    assert synced.sql("SELECT COUNT(*) FROM quarantine") == [(0,)]


def test_of_a_spoiled_file_nothing_is_published_and_the_others_are(
    synced: Home, call: Call, cdn: LoopbackServer
) -> None:
    cdn.faults.rules = [Fault(Kind.BEND, "twice", only={"path": "/editions/eng-bukhari.min.json"})]
    before = stored(synced, "eng-bukhari")
    run = sync(synced, call, "--edition", "eng-bukhari", "--edition", "fra-nawawi", code=3)
    assert (run["state"], run["done"], run["failed"]) == ("partial", 1, 1)
    assert synced.sql("SELECT key, rule FROM quarantine") == [("eng-bukhari", "hadith.unique")]
    assert stored(synced, "eng-bukhari") == before
    assert len(stored(synced, "fra-nawawi")[0]) == 42
    cdn.faults.rules = []
    call(synced, "retry", run["run"], "--wait")
    assert synced.sql("SELECT COUNT(*) FROM quarantine") == [(0,)]


def test_prayer_takes_no_edition_and_no_shrink(synced: Home, call: Call) -> None:
    assert "--accept-shrink does not select" in call(synced, "enqueue", "prayer", "--accept-shrink", code=2).err
