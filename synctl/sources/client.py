"""httpx's client, which looks for cookies only where an answer sets some.

httpx makes urllib's request and answer of each of its own, to find none: 40 µs, more than it takes to send a request.
"""

from __future__ import annotations

from typing import Any

import httpx


class Client(httpx.Client):
    """Takes what httpx's takes."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**options)
        self._jar = _Cookies(super().cookies)

    @property
    def cookies(self) -> httpx.Cookies:
        """What upstreams had us keep."""
        return self._jar

    @cookies.setter
    def cookies(self, cookies: Any) -> None:
        self._jar = _Cookies(cookies)


class _Cookies(httpx.Cookies):
    def extract_cookies(self, response: httpx.Response) -> None:
        """Keep what the answer sets."""
        if "set-cookie" in response.headers:
            super().extract_cookies(response)
