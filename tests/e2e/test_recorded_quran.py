"""What the real server answered about the Quran, replayed over HTTP, is made again from the database: every field."""

from __future__ import annotations

import gzip
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Home
from tests.upstream.server import Asked, LoopbackServer, Reply

RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "quran"
EDITIONS = ("quran-uthmani", "en.sahih", "en.transliteration")

pytestmark = pytest.mark.skipif(
    not RECORDED.is_dir(), reason="the recorded answers of alquran.cloud (../shared/recorded) are not here"
)

Json = dict[str, Any]


def recorded(name: str) -> Any:
    return json.loads(_bytes(name))["data"]


def _bytes(name: str) -> bytes:
    return gzip.decompress((RECORDED / f"{name}.json.gz").read_bytes())


def _answer(asked: Asked) -> Reply:
    match asked.path.removeprefix("/v1/").split("/"):
        case ["edition"]:
            return Reply(200, _bytes("edition"))
        case ["quran", edition] if edition in EDITIONS:
            return Reply(200, _bytes(f"quran-{edition}"))
    return Reply(404, b"")


class Stored:
    """The database, and nothing else."""

    def __init__(self, home: Home) -> None:
        self._path = home.path / "synctl.db"

    def rows(self, query: str, *parameters: object) -> list[Json]:
        with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True)) as database:
            database.row_factory = sqlite3.Row
            return [dict(row) for row in database.execute(query, parameters)]

    def edition(self, name: str, *, listed: bool) -> Json:
        columns = "edition AS identifier, language, name, english_name AS englishName, format, type"
        if listed:
            return self.rows(f"SELECT {columns}, direction FROM quran_catalogue WHERE edition = ?", name)[0]
        return self.rows(f"SELECT {columns} FROM quran_edition WHERE edition = ?", name)[0]

    def surahs(self, edition: str) -> list[Json]:
        return self.rows(
            "SELECT surah AS number, name, english_name AS englishName, ayahs AS numberOfAyahs,"
            " english_name_translation AS englishNameTranslation, revelation_type AS revelationType"
            " FROM quran_surah WHERE edition = ? ORDER BY surah",
            edition,
        )

    def ayahs(self, edition: str, where: str = "1 = 1") -> list[tuple[int, Json]]:
        """Every ayah as upstream writes it, with its surah."""
        rows = self.rows(f"SELECT * FROM quran_ayah WHERE edition = ? AND {where} ORDER BY number", edition)
        return [(row["surah"], _ayah(row)) for row in rows]


def _ayah(row: Json) -> Json:
    sajda: Any = False
    if row["sajda"]:
        sajda = {"id": row["sajda_id"], "recommended": row["sajda"] == 1, "obligatory": row["sajda"] == 2}
    return {
        "number": row["number"],
        "text": "\ufeff" * row["bom"] + row["text"],
        "numberInSurah": row["ayah"],
        **{name: row[name] for name in ("juz", "manzil", "page", "ruku")},
        "hizbQuarter": row["hizb_quarter"],
        "sajda": sajda,
    }


def _without(surah: Json, *names: str) -> Json:
    return {name: value for name, value in surah.items() if name not in names}


@pytest.fixture(scope="module")
def stored(module_home: Home) -> Stored:
    home = module_home
    with LoopbackServer(_answer) as upstream:
        home.environment |= {
            "SYNCTL_SOURCES__ALQURAN__BASE_URL": f"{upstream.url}/v1",
            "SYNCTL_SOURCES__ALQURAN__RATE": "0",
            "SYNCTL_WORKERS__QURAN": "1",
            "SYNCTL_WORKERS__PRAYER": "0",
        }
        home.run("up")
        chosen = [word for edition in EDITIONS for word in ("--edition", edition)]
        home.run("enqueue", "quran", *chosen, "--wait")
        assert sorted(seen.path for seen in upstream.seen) == [
            "/v1/edition", *(f"/v1/quran/{edition}" for edition in sorted(EDITIONS))
        ]  # fmt: skip
    return Stored(home)


@pytest.mark.parametrize("edition", EDITIONS)
def test_an_edition_comes_out_as_it_went_in(stored: Stored, edition: str) -> None:
    ayahs = stored.ayahs(edition)
    made = {
        "surahs": [
            {
                **_without(surah, "numberOfAyahs"),
                "ayahs": [ayah for number, ayah in ayahs if number == surah["number"]],
            }
            for surah in stored.surahs(edition)
        ],
        "edition": stored.edition(edition, listed=False),
    }
    assert made == recorded(f"quran-{edition}")


def test_the_list_of_editions_comes_out_as_it_went_in(stored: Stored) -> None:
    names = [row["edition"] for row in stored.rows("SELECT edition FROM quran_catalogue ORDER BY position")]
    assert [stored.edition(name, listed=True) for name in names] == recorded("edition")


def test_the_surahs_can_be_made_of_an_edition(stored: Stored) -> None:
    assert stored.surahs("quran-uthmani") == recorded("surah")


def test_a_juz_can_be_made_of_an_edition(stored: Stored) -> None:
    surahs = {surah["number"]: surah for surah in stored.surahs("quran-uthmani")}
    ayahs = stored.ayahs("quran-uthmani", "juz = 30")
    made = {
        "number": 30,
        "ayahs": [{**ayah, "surah": surahs[surah]} for surah, ayah in ayahs],
        "surahs": {str(number): surahs[number] for number, _ in ayahs},
        "edition": stored.edition("quran-uthmani", listed=True),
    }
    assert made == recorded("juz-30-quran-uthmani")


def test_a_surah_can_be_made_in_two_of_the_three_editions_recorded(stored: Stored) -> None:
    """Of the third, en.asad, only this surah was recorded: a unit is a whole edition, so none of it is stored."""
    made = []
    for edition in ("quran-uthmani", "en.sahih"):
        surah = stored.surahs(edition)[111]
        ayahs = [ayah for _, ayah in stored.ayahs(edition, "surah = 112")]
        made.append({**surah, "ayahs": ayahs, "edition": stored.edition(edition, listed=True)})
    *both, asad = recorded("surah-112-editions")
    assert made == both
    assert stored.edition("en.asad", listed=True) == asad["edition"]
    assert stored.ayahs("en.asad") == []


def test_the_meta_data_can_be_made_of_any_edition(stored: Stored) -> None:
    for edition in EDITIONS:
        surahs, ayahs = stored.surahs(edition), stored.ayahs(edition)
        made: Json = {"ayahs": {"count": len(ayahs)}, "surahs": {"count": len(surahs), "references": surahs}}
        sajdas = [
            {"surah": surah, "ayah": ayah["numberInSurah"], **_without(ayah["sajda"], "id")}
            for surah, ayah in ayahs
            if ayah["sajda"]
        ]
        made["sajdas"] = {"count": len(sajdas), "references": sajdas}
        for name in ("ruku", "page", "manzil", "hizbQuarter", "juz"):
            firsts: dict[int, Json] = {}
            for surah, ayah in ayahs:
                firsts.setdefault(ayah[name], {"surah": surah, "ayah": ayah["numberInSurah"]})
            made[f"{name}s"] = {"count": len(firsts), "references": [firsts[one] for one in sorted(firsts)]}
        assert made == recorded("meta")


def test_what_is_stored_passes_its_own_audit_and_agrees_to_the_letter(stored: Stored, module_home: Home) -> None:
    module_home.environment["SYNCTL_QURAN__AGREEMENT"] = "report"
    code = (
        "from synctl.config import load_settings\n"
        "from synctl.processors.quran import RESOURCE\n"
        "from synctl.store.db import open_database\n"
        "settings = load_settings()\n"
        "with open_database(settings.database_url).read() as transaction:\n"
        "    print(list(RESOURCE.audit(transaction, settings)))\n"
    )
    out, _ = module_home.python(code).communicate(timeout=60)
    assert out == "[]\n"
