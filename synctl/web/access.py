"""Who may do what: tokens in a file of the home that only its owner reads, made at the first start."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Final

from synctl.errors import ConfigError

FILE_NAME: Final = "web-tokens"
SECRET_BYTES: Final = 32
SHORTEST: Final = 32
"""Characters of a token that somebody wrote there: what can be guessed is none."""
_NAME: Final = re.compile(r"[a-z][a-z0-9_-]{0,39}")
_HEAD: Final = """\
# Tokens of `synctl serve`, one a line: NAME ROLE TOKEN. The role is read or operate (read, and change runs).
# The audit trail names who asked by NAME. Add lines for more callers, remove one to end its access, then restart.
"""


class Role(StrEnum):
    """What a token may do."""

    READ = "read"
    OPERATE = "operate"

    def covers(self, needed: Role) -> bool:
        """Whether it is enough for what needs a role."""
        return self is Role.OPERATE or needed is Role.READ


@dataclass(frozen=True, slots=True)
class Token:
    """One line of the file. The secret is never shown."""

    name: str
    role: Role
    secret: str = field(repr=False)

    @property
    def digest(self) -> bytes:
        """What is compared, and what browser sessions are signed with: it ends with the token."""
        return hashlib.blake2b(self.secret.encode(), digest_size=32, person=b"synctl-web").digest()


class Keyring:
    """The tokens of a server."""

    def __init__(self, tokens: Sequence[Token]) -> None:
        self._tokens = tuple(tokens)

    def identify(self, secret: str) -> Token | None:
        """Return the token of a secret. All are compared, each in constant time."""
        given = Token("", Role.READ, secret).digest
        found = None
        for token in self._tokens:
            if hmac.compare_digest(token.digest, given):
                found = token
        return found

    def named(self, name: str) -> Token | None:
        """Return a token by its name."""
        return next((token for token in self._tokens if token.name == name), None)


def keyring(path: Path) -> Keyring:
    """Read the tokens, making one of each role where there is no file. Raises ConfigError with file and line."""
    if not path.exists():
        _make(path)
    mode = path.stat().st_mode
    if stat.S_IMODE(mode) & 0o077:
        raise ConfigError(f"{path}: others may read it", hint=f"`chmod 600 {path}`, and change the tokens in it")
    lines = enumerate(path.read_text(encoding="utf-8").splitlines(), start=1)
    tokens = [_token(path, number, line) for number, line in lines if line.strip() and not line.startswith("#")]
    if len({token.name for token in tokens}) < len(tokens) or len({token.secret for token in tokens}) < len(tokens):
        raise ConfigError(f"{path}: a name or token is there twice", hint="give each caller its own")
    if not tokens:
        raise ConfigError(f"{path}: it has no token", hint="remove the file: the next start makes it anew")
    return Keyring(tokens)


def _make(path: Path) -> None:
    """Write a file with two tokens; of several starters the first one's stays."""
    lines = [f"{role} {role} {secrets.token_urlsafe(SECRET_BYTES)}\n" for role in Role]
    draft = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.writelines([_HEAD, *lines])
        with suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()


def _token(path: Path, number: int, line: str) -> Token:
    """Read a line. What is wrong is told without the line: it has a secret."""
    place = f"{path}:{number}"
    words = line.split()
    if len(words) != 3:
        raise ConfigError(f"{place}: {len(words)} words", hint="write NAME ROLE TOKEN")
    name, role, secret = words
    if not _NAME.fullmatch(name):
        raise ConfigError(f"{place}: this is no name", hint="a-z, then also 0-9, - and _; at most 40")
    if role not in set(Role):
        raise ConfigError(f"{place}: no such role", hint=f"one of: {', '.join(Role)}")
    if len(secret) < SHORTEST or not secret.isascii():
        raise ConfigError(
            f"{place}: the token is too short", hint=f"{SHORTEST} ASCII characters or more, made at random"
        )
    return Token(name, Role(role), secret)
