"""The Quran through a real stack: as installed without a network, from a stand-in with all its quirks, shown."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from tests.e2e.conftest import Call, Home
from tests.upstream import alquran
from tests.upstream.faults import Fault, Kind
from tests.upstream.server import LoopbackServer

ARABIC = "quran-uthmani"
SIMPLE = alquran.FALLBACK
WHOLE = 1 + 114 + 6236


@pytest.fixture(scope="module")
def upstream() -> Iterator[LoopbackServer]:
    with alquran.serve() as server:
        yield server


@pytest.fixture(scope="module")
def stack(module_home: Home, upstream: LoopbackServer) -> Home:
    """Up once for all tests, each of which syncs editions of its own."""
    module_home.environment |= {
        "SYNCTL_SOURCES__ALQURAN__BASE_URL": f"{upstream.url}/v1",
        "SYNCTL_SOURCES__ALQURAN__RATE": "0",
        "SYNCTL_RETRY__BACKOFF": "0.01",
        "SYNCTL_WORKERS__QURAN": "1",
        "SYNCTL_WORKERS__PRAYER": "0",
    }
    module_home.run("up")
    return module_home


@pytest.fixture(autouse=True)
def _in_order(upstream: LoopbackServer) -> Iterator[None]:
    yield
    upstream.faults.rules = []


def counts(stack: Home, edition: str) -> tuple[int, ...]:
    tables = ("quran_edition", "quran_surah", "quran_ayah")
    return tuple(stack.sql(f"SELECT COUNT(*) FROM {table} WHERE edition = ?", edition)[0][0] for table in tables)


def synced(stack: Home, *arguments: str, code: int = 0) -> dict[str, object]:
    """Sync, and return the run."""
    out = stack.run("enqueue", "quran", *arguments, "--wait", "--json", code=code).stdout
    run: dict[str, object] = stack.json("status", json.loads(out.splitlines()[0])["run"])
    return run


@pytest.fixture(scope="module")
def shown(stack: Home) -> Home:
    """Has two editions to show."""
    synced(stack)
    synced(stack, "--edition", SIMPLE)
    return stack


def test_without_a_word_the_arabic_text_is_synced_without_a_network(stack: Home, upstream: LoopbackServer) -> None:
    before = len(upstream.seen)
    run = synced(stack)
    assert (run["state"], run["source"], run["rows"], run["changed"]) == ("succeeded", "packaged", WHOLE, WHOLE)
    assert counts(stack, ARABIC) == (1, 114, 6236)
    assert len(upstream.seen) == before
    again = synced(stack, "--force")
    assert (again["rows"], again["changed"]) == (WHOLE, 0)


def test_an_unchanged_edition_writes_nothing_in_another_run(stack: Home) -> None:
    first = synced(stack, "--edition", "en.invented")
    assert (first["rows"], first["changed"]) == (WHOLE + len(alquran.EDITIONS),) * 2
    second = synced(stack, "--edition", "en.invented", "--edition", "fa.invented")
    assert second["changed"] == WHOLE
    run = stack.sql("SELECT unchanged, done FROM run WHERE id = ?", second["run"])
    assert run == [(2, 3)]  # the edition and the list


def test_a_changed_ayah_is_stored_and_kept_with_the_run(stack: Home, upstream: LoopbackServer) -> None:
    synced(stack, "--edition", "en.sahih")
    upstream.faults.rules = [Fault(Kind.BEND, "reworded", {"path": "/v1/quran/en.sahih"})]
    run = synced(stack, "--edition", "en.sahih", "--force")
    assert (run["state"], run["changed"]) == ("succeeded", 3)
    changes = stack.sql(
        "SELECT table_name, row_key, old, new FROM unit_change c JOIN run r ON r.seq = c.run_seq WHERE r.id = ?"
        " AND table_name = 'quran_ayah'",
        run["run"],
    )
    ((_, key, old, new),) = changes
    assert json.loads(key) == {"edition": "en.sahih", "surah": 2, "ayah": 255}
    assert json.loads(old)["text"].startswith("Invented words")
    assert json.loads(new)["text"] == "Other words."


def test_what_breaks_a_rule_is_quarantined_and_the_old_rows_stay(stack: Home, upstream: LoopbackServer) -> None:
    synced(stack, "--edition", "en.transliteration")
    before = stack.sql("SELECT * FROM quran_ayah WHERE edition = 'en.transliteration' ORDER BY number")
    upstream.faults.rules = [Fault(Kind.BEND, "truncated-surah", {"path": "/v1/quran/en.transliteration"})]
    run = synced(stack, "--edition", "en.transliteration", "--force", code=3)
    assert (run["state"], run["changed"]) == ("partial", 0)
    assert stack.sql("SELECT * FROM quran_ayah WHERE edition = 'en.transliteration' ORDER BY number") == before
    assert stack.sql("SELECT key, rule FROM quarantine WHERE resource = 'quran'") == [
        ("en.transliteration", "quran.surah-counts")
    ]


def test_editions_that_upstream_has_not_fail_alone(stack: Home) -> None:
    run = synced(stack, "--edition", alquran.WITHOUT_VERSES, "--edition", SIMPLE, code=3)
    assert (run["state"], run["total"], run["done"], run["failed"]) == ("partial", 3, 2, 1)
    rules = dict(stack.sql("SELECT key, rule FROM quarantine WHERE resource = 'quran'"))
    assert rules[alquran.WITHOUT_VERSES] == "quran.ayahs-missing"
    assert counts(stack, alquran.WITHOUT_VERSES) == (0, 0, 0)
    out = stack.run("enqueue", "quran", "--edition", "en.nobody", code=2).stderr
    assert "lists no edition 'en.nobody'" in out


def test_passages_are_shown_in_each_edition(shown: Home, call: Call) -> None:
    stack = shown
    found = call(stack, "show", "quran", "2:255-256", "112:1", "--edition", ARABIC, "--edition", SIMPLE, "--json")
    assert [(one["surah"], one["ayah"], one["edition"]) for one in found.lines] == [
        (2, 255, ARABIC), (2, 255, SIMPLE), (2, 256, ARABIC), (2, 256, SIMPLE),
        (112, 1, ARABIC), (112, 1, SIMPLE),
    ]  # fmt: skip
    assert found.lines[0] == {
        "edition": ARABIC, "language": "ar", "type": "quran", "direction": "rtl", "surah": 2, "ayah": 255,
        "number": 262, "text": found.lines[0]["text"], "bismillah": 0, "juz": 3, "manzil": 1, "page": 42, "ruku": 35,
        "hizb_quarter": 17, "sajda": None, "source": "packaged", "run": found.lines[0]["run"],
        "synced_at": found.lines[0]["synced_at"],
    }  # fmt: skip
    assert stack.sql("SELECT text FROM quran_ayah WHERE edition = ? AND number = 262", ARABIC) == [
        (found.lines[0]["text"],)
    ]
    text = call(stack, "show", "quran", "7:206", "--edition", ARABIC).out
    assert "7:206  juz 9, page 176, ruku 145, sajda (recommended)\n" in text
    assert f"{ARABIC}: from packaged, synced" in text
    whole = call(stack, "show", "quran", "112", "--edition", SIMPLE).out
    assert whole.startswith("Surah 112: ")
    assert [line for line in whole.splitlines() if line.startswith("112:")] == [
        f"112:{number}  juz 30, page 604, ruku 554" for number in range(1, 5)
    ]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ((), "show quran needs a place"),
        (("115",), "there is no surah 115"),
        (("0",), "there is no surah 0"),
        (("2:287",), "there are no ayahs 2:287; surah 2 has 286 ayahs"),
        (("2:5-3",), "there are no ayahs 2:5-3"),
        (("2:0",), "there are no ayahs 2:0"),
        (("2:255:1",), "'2:255:1' is no place in the Quran"),
        (("٢",), "is no place in the Quran"),
        (("2:255", "--edition", "quran-simpl"), "edition 'quran-simpl' is not stored (did you mean quran-simple?)"),
        (("2:255", "--city", "London"), "--city does not select in quran"),
    ],
)
def test_what_cannot_be_shown_is_told(shown: Home, call: Call, words: tuple[str, ...], says: str) -> None:
    assert says in call(shown, "show", "quran", *words, code=2).err


def test_options_of_the_quran_select_no_prayer_times(stack: Home, call: Call) -> None:
    assert (
        "--edition does not select prayer times"
        in call(stack, "enqueue", "prayer", "--edition", "en.sahih", code=2).err
    )
    assert (
        "--edition does not select in prayer"
        in call(stack, "show", "prayer", "--city", "London", "--edition", "en.sahih", code=2).err
    )


def test_coverage_of_editions_tells_what_is_listed_too(shown: Home) -> None:
    stack = shown
    synced(stack, "--edition", "en.sahih")
    listed = stack.lines("coverage", "quran", "--listed")
    assert [one["state"] for one in listed if one["edition"] == "en.sahih"] == ["complete"]
    assert {one["edition"] for one in listed} == {e["identifier"] for e in alquran.EDITIONS if e["format"] == "text"}
    assert stack.json("enqueue", "quran", "--edition", "all", "--dry-run")["units"] == len(listed) + 1
