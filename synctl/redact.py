"""Keeps secrets out of what is shown, logged and stored: passwords in URLs, keys, tokens."""

from __future__ import annotations

import re
from typing import Final

HIDDEN: Final = "***"

_NAMES: Final = r"(?:[\w-]{0,40}(?:passw(?:or)?d|passwd|pwd|secret|token|api[_-]?key|apikey|access[_-]?key))"
_USER_INFO: Final = re.compile(
    r"(?<![A-Za-z0-9+.-])([A-Za-z][A-Za-z0-9+.-]{0,30}://)([^\s:/?#@'\"<>]*):[^\s/?#'\"<>]*@"
)
"""A password has no bare / ? #: the configuration refuses such URLs. It may have a bare @. What is repeated is bounded,
or begins in one place only: a long text must not take long."""
_BYTES: Final = r"(?:b(?=['\"]))?"
"""The mark of Python's bytes before a quote: httpx has headers as such."""
_HEADER: Final = re.compile(
    rf"(?i)(\b(?:proxy-)?authorization\b['\"]?\s*[:=,]\s*{_BYTES}['\"]?)"
    r"(?:(?:basic|bearer|digest|token)\s+)?[^\s'\",;)]+"
)
_NAMED: Final = re.compile(
    rf"(?i)((?:\b{_NAMES}(?:['\"]\s*[:=,]|\s*=)|(?<!/)\b{_NAMES}\s*:(?!//))\s*){_BYTES}('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"|[^\s'\"&,;)}}]+)"
)
"""Not `/etc/passwd: File exists`: the end of a path, and what is said of it."""


def redacted(text: str) -> str:
    """Return a URL or a text with its secrets replaced. What libraries say may hold the URL they were given."""
    text = _USER_INFO.sub(rf"\1\2:{HIDDEN}@", text)
    text = _HEADER.sub(rf"\1{HIDDEN}", text)
    return _NAMED.sub(rf"\1{HIDDEN}", text)
