"""`synctl metrics`: to a terminal, to a file for the node exporter, as objects; whatever is down."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.e2e.conftest import Call, Home


def test_without_a_redis_the_rest_is_told(filled: Home, call: Call) -> None:
    text = call(filled, "metrics").out
    values = {sample.name: sample.value for family in text_string_to_metric_families(text) for sample in family.samples}
    assert (values["synctl_redis_up"], values["synctl_database_up"]) == (0, 1)
    lines = call(filled, "metrics", "--json").lines
    assert {"name", "type", "labels", "sample", "value"} == set(lines[0])
    rows = {line["labels"]["resource"]: line["value"] for line in lines if line["name"] == "synctl_stored_units"}
    assert rows == {"prayer": 8, "quran": 1, "hadith": 1}


def test_a_file_is_replaced_whole(filled: Home, call: Call, tmp_path: Path) -> None:
    target = tmp_path / "synctl.prom"
    target.write_text("what was measured before")
    assert call(filled, "metrics", "--textfile", str(target)).out == ""
    assert target.read_text().startswith("# HELP synctl_build_info ")
    assert list(tmp_path.iterdir()) == [target]


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("--textfile", "synctl.txt"), "reads files that end in .prom; name it NAME.prom"),
        (("--textfile", "no/folder/synctl.prom"), "no/folder/synctl.prom cannot be written: No such file"),
        (("--textfile", "a.prom", "--json"), "exclude each other"),
    ],
    ids=" ".join,
)
def test_nonsense_is_told_in_one_line(filled: Home, call: Call, arguments: tuple[str, ...], says: str) -> None:
    said = call(filled, "metrics", *arguments, code=2)
    assert says in said.err
    assert (said.out, said.err.count("\n")) == ("", 1)
