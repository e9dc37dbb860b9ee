"""A browser, and a stack that syncs from a stand-in slowly enough to be looked at; method 4 is answered wrongly."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.conftest import Home, made_home
from tests.upstream.aladhan import serve
from tests.upstream.faults import Faults, parse
from tests.upstream.server import LoopbackServer
from tests.web.browser.looking import CHROMIUM, PATIENCE_MS, log_in, playwright
from tests.web.server import Server


@pytest.fixture(scope="package")
def upstream() -> Iterator[LoopbackServer]:
    with serve(Faults(*parse("wrong-method@method=4"))) as server:
        yield server


@pytest.fixture(scope="package")
def home(upstream: LoopbackServer) -> Iterator[Home]:
    with made_home() as made:
        made.use(upstream, SYNCTL_SOURCES__ALADHAN__RATE="10")
        made.run("up")
        yield made


@pytest.fixture(scope="package")
def server(home: Home) -> Iterator[Server]:
    made = Server(home)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="package")
def browser() -> Iterator[Any]:
    with playwright.sync_playwright() as driver:
        made = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield made
        made.close()


@pytest.fixture
def page(browser: Any, server: Server) -> Iterator[Any]:
    """A page of an operator who has logged in. What the browser complains of fails the test."""
    context = browser.new_context()
    made = context.new_page()
    made.set_default_timeout(PATIENCE_MS)
    complaints: list[str] = []
    made.on("pageerror", lambda error: complaints.append(str(error)))
    made.on("console", lambda told: complaints.append(told.text) if "Content Security Policy" in told.text else None)
    log_in(made, server, "operate")
    yield made
    context.close()
    assert complaints == []
