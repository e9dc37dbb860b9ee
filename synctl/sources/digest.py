"""The hash by which an answer that is known is recognised."""

from __future__ import annotations

from xxhash import xxh3_128


def body_hash(question: object, body: bytes) -> str:
    """Return the hash of what was asked and what was answered: an old answer to another question is news.

    128 bits, enough to tell answers apart; not against an upstream that wants them to collide, which can say what it
    likes anyway. For half a megabyte it takes 13 µs, where BLAKE2 takes 500.
    """
    digest = xxh3_128(str(question).encode())
    digest.update(b"\0")
    digest.update(body)
    return digest.hexdigest()
