"""The page in a real browser, against a real stack: what an operator does, and what is seen of it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.e2e.conftest import Home, made_home
from tests.helpers import until
from tests.upstream.aladhan import serve
from tests.upstream.faults import Faults, parse
from tests.upstream.server import LoopbackServer
from tests.web.server import Server

playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed: the page is not tried")
CHROMIUM = shutil.which("chromium")
PATIENCE_MS = 60_000

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no chromium: the page is not tried in a browser"),
]


@pytest.fixture(scope="module")
def upstream() -> Iterator[LoopbackServer]:
    with serve(Faults(*parse("wrong-method@method=4"))) as server:
        yield server


@pytest.fixture(scope="module")
def home(upstream: LoopbackServer) -> Iterator[Home]:
    with made_home() as made:
        made.use(upstream, SYNCTL_SOURCES__ALADHAN__RATE="10")
        made.run("up")
        yield made


@pytest.fixture(scope="module")
def server(home: Home) -> Iterator[Server]:
    made = Server(home)
    made.start()
    yield made
    made.stop()


@pytest.fixture(scope="module")
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


def log_in(page: Any, server: Server, role: str) -> None:
    page.goto(server.url)
    page.get_by_label("Token").fill(server.tokens[role])
    page.get_by_role("button", name="Log in").click()
    playwright.expect(page.locator("#connection")).to_contain_text("Live")


def picture(page: Any, name: str) -> None:
    """Keep pictures, at both widths, light and dark, where somebody wants to look at them."""
    folder = os.environ.get("SYNCTL_TEST_PICTURES")
    if folder is None:
        return
    for width, height in ((390, 844), (1280, 900)):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": height})
            page.emulate_media(color_scheme=scheme)
            page.screenshot(path=str(Path(folder) / f"{name}-{width}-{scheme}.png"), full_page=True)
    page.set_viewport_size({"width": 1280, "height": 900})


def test_an_operator_queues_watches_pauses_resumes_cancels_and_retries(page: Any, server: Server) -> None:
    expect = playwright.expect
    expect.set_options(timeout=PATIENCE_MS)
    page.get_by_role("link", name="Queue a run").click()
    picture(page, "enqueue")
    page.get_by_label("Resource").select_option("prayer")
    page.get_by_label("The N largest cities").fill("30")
    page.get_by_label("Methods").fill("3,4")
    page.get_by_label("Source", exact=True).fill("aladhan")
    page.get_by_label("Why").fill("tried in a browser")
    page.get_by_role("button", name="Queue", exact=True).click()
    expect(page.get_by_text("Queued.")).to_be_visible()
    run = page.locator("h1").inner_text()
    bar = page.locator("#run progress")
    begun = until(lambda: bar.evaluate("one => one.value"))
    until(lambda: bar.evaluate("one => one.value") > begun)
    picture(page, "running")

    page.get_by_role("button", name=f"Pause {run}").click()
    expect(page.locator("#run .state").first).to_have_text("paused")
    page.get_by_role("button", name=f"Resume {run}").click()
    expect(page.locator("#run .state").first).to_have_text("running")

    page.goto(server.url)
    page.locator(f"#cancel-{run}").click()
    page.get_by_label("Why").fill("seen enough")
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.locator("#run .state").first).to_have_text("cancelled")
    expect(page.get_by_role("cell", name="seen enough").first).to_be_visible()
    expect(page.get_by_role("cell", name="web:operate").first).to_be_visible()

    page.get_by_role("button", name=f"Retry {run}").click()
    expect(page.locator("#run .state").first).to_have_text("partial")  # without anybody loading it again
    expect(page.locator("#run table").first).to_contain_text("MismatchError")
    picture(page, "partial")
    for name in ("Coverage", "Workers", "Runs"):
        page.get_by_role("navigation").get_by_role("link", name=name, exact=True).click()
        expect(page.locator("h1")).to_have_text(name)
        wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        assert not wide
        picture(page, name.lower())


def test_a_lost_connection_is_told_and_what_happened_meanwhile_is_shown(page: Any, server: Server) -> None:
    expect = playwright.expect
    server.stop()
    expect(page.locator("#connection")).to_contain_text("No connection since", timeout=PATIENCE_MS)
    picture(page, "lost")
    run = server.home.json("enqueue", "prayer", "--city", "Lahore", "--methods", "3", "--year", "2027")["run"]
    server.start()
    expect(page.locator("#connection")).to_contain_text("Live", timeout=PATIENCE_MS)
    expect(page.locator(f"#run-{run}")).to_be_visible(timeout=PATIENCE_MS)


def test_a_reader_sees_no_buttons_that_change_anything(browser: Any, server: Server) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        log_in(page, server, "read")
        assert page.locator(".acts").count() == 0
        assert page.goto(f"{server.url}/enqueue").status == 403
        assert context.cookies()[0]["httpOnly"]
        assert context.cookies()[0]["sameSite"] == "Strict"
        assert page.evaluate("document.cookie") == ""
