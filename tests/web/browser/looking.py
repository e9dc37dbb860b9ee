"""What tests of the page share: the browser that they need, and how they log in and take pictures."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the page is not tried")
CHROMIUM = shutil.which("chromium")
PATIENCE_MS = 60_000
BROWSER = [
    pytest.mark.slow,
    pytest.mark.timeout(600),  # one looks at each page in each size
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: the page is not tried in a browser"),
]
SIZES = ((360, 740), (768, 1024), (1280, 900), (1920, 1080))
SCHEMES = ("light", "dark")

expect = playwright.expect
expect.set_options(timeout=PATIENCE_MS)


def log_in(page: Any, server: Any, role: str) -> None:
    page.goto(server.url)
    page.get_by_label("Token").fill(server.tokens[role])
    page.get_by_role("button", name="Log in").click()
    expect(page.locator("#connection")).to_contain_text("Live")


def picture(page: Any, name: str) -> None:
    """Keep pictures, from phone to desktop, light and dark, where somebody wants to look at them."""
    folder = os.environ.get("SYNCTL_TEST_PICTURES")
    if folder is None:
        return
    for width, height in SIZES:
        for scheme in SCHEMES:
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=str(Path(folder) / f"{name}-{width}-{scheme}.png"), full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})
