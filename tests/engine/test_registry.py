"""Which resources there are."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from synctl.engine import registry
from synctl.errors import NotFound

OURS = ["hadith", "prayer", "quran"]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Two that other packages bring, one of them by the name of ours."""
    found = [EntryPoint(name, "elsewhere:RESOURCE", registry.GROUP) for name in ("prayer", "tafsir")]
    monkeypatch.setattr(registry, "entry_points", lambda group: EntryPoints(found).select(group=group))
    registry._entries.cache_clear()
    yield
    registry._entries.cache_clear()


@pytest.mark.usefixtures("installed")
def test_others_add_resources_but_replace_none_of_ours() -> None:
    assert registry.names() == [*OURS, "tafsir"]
    assert registry.require("prayer").value.startswith("synctl.")
    assert registry.require("tafsir").value == "elsewhere:RESOURCE"


def test_ours_are_found_without_a_look_at_all_that_is_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(registry, "_entries", lambda: pytest.fail("not needed"))
    assert [registry.require(name).name for name in OURS] == OURS


def test_a_name_that_nobody_has_is_told_with_the_nearest() -> None:
    with pytest.raises(NotFound, match="did you mean prayer"):
        registry.require("prayr")
