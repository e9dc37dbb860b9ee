"""Serves the recorded files of hadith-api byte for byte, or not at all."""

from __future__ import annotations

import gzip
from functools import cache
from pathlib import Path

from tests.upstream.server import Asked, LoopbackServer, Reply

RECORDED = Path(__file__).parents[3] / "shared" / "recorded" / "hadith"
ABSENT = "the recorded files of hadith-api (../shared/recorded) are not here"


@cache
def recorded(path: str) -> bytes | None:
    """Return the body of a path such as `/editions.min.json`, None where it was not recorded."""
    file = RECORDED / f"{path.lstrip('/')}.gz"
    return gzip.decompress(file.read_bytes()) if file.is_file() else None


def paths() -> list[str]:
    """Every path that was recorded."""
    return sorted(f"/{file.relative_to(RECORDED).as_posix()}".removesuffix(".gz") for file in RECORDED.rglob("*.gz"))


def serve() -> LoopbackServer:
    """Make the server; use it as a context manager."""
    return LoopbackServer(answer)


def answer(asked: Asked) -> Reply:
    """Answer what was recorded, and nothing else."""
    body = recorded(asked.path)
    return Reply(404, b"") if body is None else Reply(200, body, {"ETag": f'W/"{len(body):x}"'})
