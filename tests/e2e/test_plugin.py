"""The worked example of docs/adding-a-resource.md, run as it stands there."""

from __future__ import annotations

import re
from pathlib import Path

from tests.e2e.conftest import Home

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-resource.md"


def test_the_resource_of_the_docs_syncs_verifies_and_skips_what_did_not_change(home: Home) -> None:
    page = PAGE.read_text(encoding="utf-8")
    (code,) = re.findall(r"^```python\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (entry,) = re.findall(
        r'^\[project\.entry-points\."synctl\.resources"\]\n(.*?)^```$', page, re.DOTALL | re.MULTILINE
    )
    plugin = home.path / "plugin"
    (plugin / "synctl_tafsir-1.0.dist-info").mkdir(parents=True)
    (plugin / "tafsir.py").write_text(code, encoding="utf-8")
    (plugin / "synctl_tafsir-1.0.dist-info" / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: synctl-tafsir\nVersion: 1.0\n"
    )
    points = f"[synctl.resources]\n{entry.replace(chr(34), '')}"
    (plugin / "synctl_tafsir-1.0.dist-info" / "entry_points.txt").write_text(points)
    home.environment |= {"PYTHONPATH": str(plugin), "SYNCTL_WORKERS__TAFSIR": "1", "SYNCTL_WORKERS__PRAYER": "0"}
    home.run("up")
    home.run("enqueue", "tafsir", "--wait")
    stored = "SELECT surah, paragraph, text FROM tafsir ORDER BY surah, paragraph"
    assert [row[:2] for row in home.sql(stored)] == [(1, 1), (1, 2), (112, 1), (112, 2), (114, 1)]
    home.run("verify", "tafsir")
    one = home.json("enqueue", "tafsir", "--edition", "112")["run"]
    home.run("watch", one, "--exit")
    assert home.json("status", one)["unchanged"] == 1
    for odd in ("2", "abc"):
        assert f"no commentary of surah '{odd}'" in home.run("enqueue", "tafsir", "--edition", odd, code=2).stderr
    assert "--city does not select commentaries" in home.run("enqueue", "tafsir", "--city", "London", code=2).stderr
    (plugin / "tafsir.py").write_text(code.replace('"He is One."', '""'), encoding="utf-8")
    home.run("down")
    home.run("up")
    home.run("retry", one, "--wait")  # it succeeded: nothing to do
    home.run("enqueue", "tafsir", "--edition", "112", "--edition", "114", "--wait", code=3)
    assert home.sql(stored)[2][2] == "He is One."  # the old rows stay
    assert home.lines("quarantine", "list")[0]["rule"] == "tafsir.empty"
