"""Where a database is, as workers and those who queue compare it."""

from __future__ import annotations

from pathlib import Path

import pytest

from synctl.store.db import whereabouts


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://writer:secret@db.internal:5432/synctl?sslmode=require",
        "postgresql://reader@db.internal:5432/synctl",
        "postgresql://db.internal:5432/synctl?password=secret",
    ],
)
def test_of_a_server_it_is_the_same_for_every_user(url: str) -> None:
    assert whereabouts(url) == "postgresql://db.internal:5432/synctl"


def test_of_a_server_behind_a_socket_it_is_the_folder_and_the_name() -> None:
    assert whereabouts("postgresql://synctl@/one?host=/run/pg&sslmode=disable") == "postgresql:///run/pg/one"


def test_of_a_file_it_is_its_path_from_the_root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    monkeypatch.chdir(tmp_path)
    found = {whereabouts(f"sqlite:///{name}") for name in ("a.db", "./a.db", "link/a.db", tmp_path / "a.db")}
    assert found == {str(tmp_path.resolve() / "a.db")}
