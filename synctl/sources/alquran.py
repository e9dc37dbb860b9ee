"""The Quran from alquran.cloud: one call for an edition, one for the list of editions.

Upstream answers 200 to much that it did not understand: an unknown edition becomes quran-simple, one without verses
has an excuse in place of ayahs. So nothing is taken on trust: the processor verifies what is decoded here.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final, Generic, TypeVar

import msgspec

from synctl.errors import RejectedError, TransientError
from synctl.sources.digest import body_hash
from synctl.sources.quran import Fetched, Listed, Quran

if TYPE_CHECKING:
    from synctl.sources.http import Fetcher

T = TypeVar("T")


class _Answer(msgspec.Struct, Generic[T]):
    code: int
    data: T | str  # a string where `code` tells of an error


_decode_quran: Final = msgspec.json.Decoder(_Answer[Quran]).decode
_decode_list: Final = msgspec.json.Decoder(_Answer[list[Listed]]).decode


class AlquranSource:
    """api.alquran.cloud, or a server that speaks like it."""

    name = "alquran"

    def __init__(self, fetcher: Fetcher) -> None:
        self._fetcher = fetcher

    def fetch(self, edition: str, known: str | None = None) -> Fetched[Quran]:
        """One call for the whole edition. An answer that is known is not even decoded."""
        return self._get(f"/quran/{edition}", _decode_quran, known)

    def listed(self, known: str | None = None) -> Fetched[list[Listed]]:
        """One call."""
        return self._get("/edition", _decode_list, known)

    def close(self) -> None:
        """Interrupt requests under way and release the connections."""
        self._fetcher.close()

    def _get(self, path: str, decode: Callable[[bytes], _Answer[T]], known: str | None) -> Fetched[T]:
        response = self._fetcher.get(path, {}, partial(_unless_known, path, decode, known))
        value, digest = response.value
        return Fetched(value, digest, response.attempts)


def _unless_known(
    path: str, decode: Callable[[bytes], _Answer[T]], known: str | None, body: bytes
) -> tuple[T | None, str]:
    digest = body_hash(path, body)
    if digest == known:
        return None, digest
    answer = decode(body)
    if isinstance(answer.data, str):
        refusal = TransientError if answer.code >= 500 else RejectedError
        raise refusal(f"upstream says {answer.code}: {answer.data}")
    return answer.data, digest
