"""Qurans and hadith files that are wrong in one way each: refused by the rule that names it, through a real worker."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.e2e.conftest import Call, Home
from tests.upstream import alquran, hadith
from tests.upstream.bodies import encode, envelope
from tests.upstream.server import Asked, LoopbackServer, Reply

LIKE = "en.sahih"
"""The edition of the stand-in that all those of this test are made of."""
QURANS: Mapping[str, tuple[str, str]] = {
    "a surah is cut short": ("truncated-surah", "quran.surah-counts"),
    "a surah is missing": ("missing-surah", "quran.surahs"),
    "two surahs change places": ("swapped-surahs", "quran.surahs"),
    "it is another edition": ("renamed-edition", "quran.edition"),
    "an excuse stands for ayahs": ("no-ayahs", "quran.ayahs-missing"),
    "an ayah is there twice": ("replaced-ayah", "quran.numbering"),
    "two ayahs change places": ("swapped-ayahs", "quran.numbering"),
    "an ayah is empty": ("empty-ayah", "quran.empty-ayah"),
    "a surah is of the other city": ("swapped-revelation", "quran.revelation"),
    "a juz begins late": ("shifted-juz", "quran.structure"),
    "a sajda is gone": ("missing-sajda", "quran.sajdas"),
    "an error is the text": ("error-as-text", "quran.text"),
}
HADITHS: Mapping[str, tuple[str, str, str]] = {
    "a hadith is there twice": ("eng-bukhari", "twice", "hadith.unique"),
    "three in a hundred are gone": ("eng-muslim", "drop", "hadith.shrink"),
    "it is another collection": ("eng-tirmidhi", "renamed", "hadith.edition"),
    "it is in another script": ("ara-malik", "other-script", "hadith.edition"),
    "it is in another language": ("eng-dehlawi", "other-language", "hadith.edition"),
    "a text is endless": ("eng-qudsi", "long-text", "hadith.length"),
    "an error is the text": ("eng-nasai", "error-as-text", "hadith.texts"),
    "a section is gone": ("eng-ibnmajah", "no-section", "hadith.sections"),
    "a section is empty": ("fra-nawawi", "empty-section", "hadith.sections"),
    "a hadith is in another section": ("ara-muslim", "misplaced", "hadith.counts"),
    "a text is null": ("ara-bukhari", "null-text", "hadith.shape"),
    "a number is a text": ("fra-qudsi", "number-as-text", "hadith.shape"),
}
GOOD = {"quran": "en.good", "hadith": "eng-nawawi"}
TABLES = {"quran": ("quran_surah", "quran_ayah"), "hadith": ("hadith", "hadith_section", "hadith_grade")}


@dataclass
class Bent:
    """alquran.cloud with an edition for each way to be wrong, and a good one; wrong as soon as it is told to be."""

    wrong: bool = False
    bends: dict[str, str] = field(default_factory=lambda: {f"en.{bend}": bend for bend, _ in QURANS.values()})

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/v1/edition":
            (like,) = (one for one in alquran.EDITIONS if one["identifier"] == LIKE)
            return Reply(200, envelope(encode([{**like, "identifier": name} for name in (GOOD["quran"], *self.bends)])))
        edition = asked.path.removeprefix("/v1/quran/")
        if edition not in {GOOD["quran"], *self.bends}:
            return alquran.answer(asked)
        answered = json.loads(alquran.answer(Asked(f"/v1/quran/{LIKE}", {})).plain)
        answered["data"]["edition"]["identifier"] = edition
        if self.wrong and edition in self.bends:
            alquran.BENDS[self.bends[edition]](answered["data"])
        return Reply(200, encode(answered).encode())


@dataclass(frozen=True)
class Synced:
    """A home whose good rows met the wrong answers: of each resource the run, and the rows before."""

    home: Home
    runs: dict[str, str]
    before: dict[str, list[list[tuple[Any, ...]]]]


@pytest.fixture(scope="module")
def synced(module_home: Home) -> Iterator[Synced]:
    bent, files = Bent(), hadith.Files()
    editions = {"quran": bent.bends, "hadith": [edition for edition, *_ in HADITHS.values()]}
    chosen = {
        name: [word for edition in (GOOD[name], *wrong) for word in ("--edition", edition)]
        for name, wrong in editions.items()
    }
    with LoopbackServer(bent) as quran, hadith.serve(files=files) as cdn:
        module_home.environment |= {
            "SYNCTL_SOURCES__ALQURAN__BASE_URL": f"{quran.url}/v1",
            "SYNCTL_SOURCES__ALQURAN__RATE": "0",
            "SYNCTL_SOURCES__HADITH_API__BASE_URL": cdn.url,
            "SYNCTL_SOURCES__HADITH_API__RATE": "0",
            "SYNCTL_WORKERS__PRAYER": "0",
            "SYNCTL_WORKERS__QURAN": "1",
            "SYNCTL_WORKERS__HADITH": "1",
            "NO_PROXY": "127.0.0.1",
        }
        module_home.run("up")
        runs = {name: module_home.json("enqueue", name, *words, "--wait")["run"] for name, words in chosen.items()}
        before = {name: stored(module_home, name) for name in TABLES}
        bent.wrong = True
        files.edits |= {edition: hadith.BENDS[bend] for edition, bend, _ in HADITHS.values()}
        for name, words in chosen.items():
            module_home.run("enqueue", name, *words, "--wait", "--force", code=3)
        yield Synced(module_home, runs, before)


def stored(home: Home, resource: str) -> list[list[tuple[Any, ...]]]:
    return [home.sql(f"SELECT * FROM {table} ORDER BY 1, 2, 3") for table in TABLES[resource]]


CASES = [
    *((f"Quran: {words}", f"en.{bend}", rule) for words, (bend, rule) in QURANS.items()),
    *((f"hadith: {words}", edition, rule) for words, (edition, _, rule) in HADITHS.items()),
]


@pytest.mark.parametrize(("key", "rule"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_a_wrong_answer_is_quarantined_by_the_rule_that_names_it(synced: Synced, key: str, rule: str) -> None:
    assert synced.home.sql("SELECT state, error_class FROM sync_unit WHERE key = ?", key) == [
        ("quarantined", "MismatchError")
    ]
    ((named, message),) = synced.home.sql("SELECT rule, message FROM quarantine WHERE key = ?", key)
    assert named == rule, message


@pytest.mark.parametrize(("resource", "wrong"), [("quran", len(QURANS)), ("hadith", len(HADITHS))])
def test_nothing_of_it_is_published_and_the_good_rows_stay(
    synced: Synced, call: Call, resource: str, wrong: int
) -> None:
    assert stored(synced.home, resource) == synced.before[resource]
    assert all(synced.before[resource][0])
    view = call(synced.home, "status", synced.runs[resource], "--json").json
    assert (view["state"], view["quarantined"], view["failed"]) == ("partial", wrong, wrong)
    assert view["done"] == view["unchanged"] == view["total"] - wrong
    assert call(synced.home, "changes", synced.runs[resource], "--json").lines == []
    assert call(synced.home, "verify", resource, "--json").lines == []
