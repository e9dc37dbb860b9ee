"""The hash by which an answer that is known is recognised."""

from __future__ import annotations

from hashlib import blake2b

HASH_BYTES = 16
"""Enough to tell answers apart, and half the room in the ledger."""


def body_hash(question: object, body: bytes) -> str:
    """Return the hash of what was asked and what was answered: an old answer to another question is news."""
    digest = blake2b(str(question).encode(), digest_size=HASH_BYTES)
    digest.update(b"\0")
    digest.update(body)
    return digest.hexdigest()
