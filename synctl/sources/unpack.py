"""Content encoding: an answer comes packed, and is unpacked at once when it is whole.

httpx would unpack each piece as it comes, in three times the CPU that this takes for half a megabyte; and it takes an
answer that was cut for a whole one where no length was announced.
"""

from __future__ import annotations

from zlib_ng import zlib_ng

ACCEPTED = "gzip"
"""For `Accept-Encoding`."""
MOST_BYTES = 256 * 2**20
"""Of an answer, unpacked: twenty times the largest file of the three services. Beyond it is no answer but a bomb."""
_GZIP = 31
"""zlib's number for a gzip header with any window."""


def unpacked(body: bytes, encoding: str) -> bytes:
    """Return the body without its content encoding. Raises ValueError for what cannot be unpacked, or is too much."""
    coding = encoding.strip().lower()
    if coding in ("", "identity"):
        return body
    if coding not in ("gzip", "x-gzip"):
        raise ValueError(f"its content encoding is {coding[:40]!r}, {ACCEPTED} was asked for")
    unpacker = zlib_ng.decompressobj(_GZIP)
    try:
        plain: bytes = unpacker.decompress(body, MOST_BYTES)
    except zlib_ng.error as error:  # type: ignore[misc]  # its stub calls the class an instance
        raise ValueError(f"its gzip is broken: {error}") from error
    if not unpacker.eof:
        full = len(plain) == MOST_BYTES
        raise ValueError(f"it unpacks to more than {MOST_BYTES:,} bytes" if full else "its gzip ends too early")
    return plain
