"""The page in a real browser, against a real stack: what an operator does, and what is seen of it."""

from __future__ import annotations

from typing import Any

from tests.helpers import until
from tests.web.browser.looking import BROWSER, expect, log_in, picture
from tests.web.server import Server

pytestmark = BROWSER


def test_an_operator_queues_watches_pauses_resumes_cancels_and_retries(page: Any, server: Server) -> None:
    page.get_by_role("link", name="Queue a run").click()
    picture(page, "enqueue")
    page.get_by_label("Resource").select_option("prayer")
    page.get_by_label("The N largest cities").fill("60")
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
    server.stop()
    expect(page.locator("#connection")).to_contain_text("No connection since")
    picture(page, "lost")
    run = server.home.json("enqueue", "prayer", "--city", "Lahore", "--methods", "3", "--year", "2027")["run"]
    server.start()
    expect(page.locator("#connection")).to_contain_text("Live")
    expect(page.locator(f"#run-{run}")).to_be_visible()


def test_a_reader_sees_no_buttons_that_change_anything(browser: Any, server: Server) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        log_in(page, server, "read")
        assert page.locator(".acts").count() == 0
        assert page.goto(f"{server.url}/enqueue").status == 403
        assert context.cookies()[0]["httpOnly"]
        assert context.cookies()[0]["sameSite"] == "Strict"
        assert page.evaluate("document.cookie") == ""
