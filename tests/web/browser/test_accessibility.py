"""The page for who has no mouse, no sight, a small screen or no love for motion."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.helpers import until
from tests.web.browser.looking import BROWSER, SCHEMES, SIZES, expect, log_in, picture
from tests.web.server import Server

pytestmark = BROWSER
ALADHAN = {"resource": "prayer", "source": "aladhan", "madhab": "shafi"}
MOST_TABS = 80
FOCUS = """() => {
    const one = document.activeElement;
    if (one === document.body) return null;
    const style = getComputedStyle(one), box = one.getBoundingClientRect();
    return {
        id: one.id,
        name: one.getAttribute("aria-label") ?? one.labels?.[0]?.innerText.trim() ?? one.innerText?.trim() ?? "",
        seen: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2 && box.width > 0 && box.height > 0,
    };
}"""

GLIDING = """() => {
    const gliding = (rules) => [...rules].flatMap((rule) => {
        if (rule instanceof CSSMediaRule) return matchMedia(rule.conditionText).matches ? gliding(rule.cssRules) : [];
        return rule.style.transition || rule.style.animation ? [rule.selectorText] : [];
    });
    return [...document.styleSheets].flatMap((sheet) => gliding(sheet.cssRules));
}"""


@pytest.fixture(scope="module")
def partial(server: Server) -> str:
    """A run half of whose units were answered wrongly."""
    order = {**ALADHAN, "cities": 3, "methods": "3,4", "year": 2028}
    run = str(server.post("/api/runs", order)["run"])
    until(lambda: server.home.sql("SELECT state FROM run WHERE id = ?", run) == [("partial",)])
    return run


@pytest.fixture(scope="module")
def paused(server: Server) -> str:
    run = str(server.post("/api/runs", {**ALADHAN, "cities": 300, "methods": "3", "year": 2029})["run"])
    server.post(f"/api/runs/{run}/pause", {"reason": "to be looked at"})
    until(lambda: server.home.sql("SELECT state FROM run WHERE id = ?", run) == [("paused",)])
    return run


@pytest.fixture
def at_work(server: Server) -> Iterator[str]:
    """A run that is at work for half a minute; cancelled at the end."""
    run = str(server.post("/api/runs", {**ALADHAN, "cities": 300, "methods": "3", "year": 2027})["run"])
    until(lambda: server.home.sql("SELECT state FROM run WHERE id = ?", run) == [("running",)])
    yield run
    server.home.run("cancel", run, "--wait")
    server.home.run("delete", run)


def places(partial: str, paused: str) -> dict[str, str]:
    return {
        "list": "/",
        "none": "/?state=failed",
        "failures": f"/runs/{partial}",
        "paused": f"/runs/{paused}?note=pause",
        "cancel": f"/runs/{paused}/cancel",
        "enqueue": "/enqueue",
        "coverage": "/coverage?year=2028",
        "workers": "/fleet",
        "problem": "/runs/prayer-20200101-0000000000",
    }


def flaws(page: Any) -> list[str]:
    """Return what axe finds on a page."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {node['html']}" for one in found for node in one["nodes"]]


def sideways(page: Any) -> list[int]:
    """Return the widths at which the page scrolls sideways."""
    found = []
    for width, height in SIZES:
        page.set_viewport_size({"width": width, "height": height})
        if page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"):
            found.append(width)
    return found


def test_no_page_has_a_flaw_that_axe_knows_and_none_scrolls_sideways(
    page: Any, server: Server, partial: str, paused: str
) -> None:
    for name, path in places(partial, paused).items():
        for scheme in SCHEMES:
            page.emulate_media(color_scheme=scheme)
            page.goto(server.url + path)
            assert sideways(page) == [], name
            for width in (360, 1280):
                page.set_viewport_size({"width": width, "height": 900})
                page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
                assert flaws(page) == [], (name, scheme, width)
                assert sideways(page) == [], name
        picture(page, f"page-{name}")


def test_the_log_in_and_what_goes_wrong_have_no_flaw(browser: Any, page: Any, server: Server) -> None:
    page.goto(f"{server.url}/enqueue")
    page.get_by_label("Cities by name, one a line").fill("Lundon")
    page.get_by_role("button", name="Queue", exact=True).click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_role("alert")).to_contain_text("Lundon")
    assert (flaws(page), sideways(page)) == ([], [])
    picture(page, "page-refused")
    with browser.new_context() as context:
        stranger = context.new_page()
        stranger.goto(server.url)
        stranger.get_by_label("Token").fill("wrong")
        stranger.keyboard.press("Enter")
        expect(stranger.get_by_role("alert")).to_be_visible()
        expect(stranger.get_by_label("Token")).to_be_focused()
        assert (flaws(stranger), sideways(stranger)) == ([], [])
        picture(stranger, "page-login")


def test_the_units_of_a_run_at_work_move_and_what_has_the_focus_keeps_it(
    page: Any, server: Server, at_work: str
) -> None:
    page.goto(f"{server.url}/runs/{at_work}")
    page.evaluate("() => { window.sameDocument = true; }")
    page.locator(f"#pause-{at_work}").focus()
    done = page.locator("#run-units .grid .cell.done")
    moved = {done.count()}
    until(lambda: moved.add(done.count()) or len(moved) > 2)  # type: ignore[func-returns-value]
    assert page.evaluate("window.sameDocument")
    expect(page.locator(f"#pause-{at_work}")).to_be_focused()
    assert flaws(page) == []
    picture(page, "page-running")


def test_everything_is_done_by_keyboard_alone(browser: Any, server: Server) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        page.goto(server.url)
        page.keyboard.type(server.tokens["operate"])
        enter(page)
        expect(page.get_by_role("link", name="Queue a run")).to_be_visible()  # Tab would be pressed on the old page
        go(page, "Queue a run")
        for label, text in (
            ("The N largest cities", "400"), ("Methods", "3"), ("Year", "2031"), ("Source", "aladhan"),
            ("Why (kept in the audit trail)", "by keyboard"),
        ):  # fmt: skip
            reach(page, label)
            page.keyboard.type(text)
        go(page, "Queue")
        expect(page.locator("#note")).to_be_focused()
        run = page.locator("h1").inner_text()
        state = page.locator("#run .state").first
        expect(state).to_have_text("running")
        for verb, becomes in (("Pause", "paused"), ("Resume", "running")):
            go(page, f"{verb} {run}")
            expect(page.locator("#note")).to_be_focused()
            expect(state).to_have_text(becomes)
        go(page, f"Cancel {run}")
        expect(page.get_by_label("Why")).to_be_focused()
        page.keyboard.type("seen enough")
        go(page, "Cancel the run")
        expect(state).to_have_text("cancelled")
        go(page, f"Retry {run}")
        expect(page.locator("#note")).to_be_focused()
        go(page, f"Cancel {run}")
        go(page, "Cancel the run")
        expect(state).to_have_text("cancelled")
        reach(page, "Delete the run")
        page.keyboard.press("Enter")  # opens what it hides
        go(page, f"Delete {run}")
        expect(page.locator("#note")).to_have_text("The run is deleted; what it synced is kept.")
        expect(page.locator("#note")).to_be_focused()
        go(page, "Log out")
        expect(page.get_by_label("Token")).to_be_focused()


def reach(page: Any, name: str) -> None:
    """Press Tab until the control of this name has the focus; every stop on the way is to be seen."""
    for _ in range(MOST_TABS):
        page.keyboard.press("Tab")
        at = page.evaluate(FOCUS)
        assert at is None or at["seen"], at
        if at is not None and at["name"] == name:
            return
    raise AssertionError(f"no {name!r} within {MOST_TABS} stops")


def go(page: Any, name: str) -> None:
    reach(page, name)
    enter(page)


def enter(page: Any) -> None:
    with page.expect_navigation():
        page.keyboard.press("Enter")


def test_a_screen_reader_is_told_where_it_is_and_what_happens(page: Any, server: Server, paused: str) -> None:
    page.goto(f"{server.url}/runs/{paused}")
    page.set_viewport_size({"width": 360, "height": 740})  # where rows are laid out as blocks
    told = page.locator("body").aria_snapshot()
    for landmark in (
        "link \"Skip to the content\"", "- banner", "navigation \"Pages\"", "- main", "- status: ",
        f"heading \"{paused}\" [level=1]", "heading \"Units\" [level=2]", f"progressbar \"Units of {paused}\"",
        f"button \"Resume {paused}\"", "table \"Timeline\"", "columnheader \"Who\"", "cell \"web:operate\"",
    ):  # fmt: skip
        assert landmark in told, told
    expect(page.locator("#connection")).to_contain_text("Live")
    assert page.locator("#said").get_attribute("aria-live") == "polite"
    server.post(f"/api/runs/{paused}/resume", {"reason": "looked at"})
    expect(page.locator("#said")).to_contain_text(f"{paused} is ")
    server.post(f"/api/runs/{paused}/pause", {"reason": "again"})
    expect(page.locator("#run .state").first).to_have_text("paused")


def test_nothing_glides_where_that_is_not_wanted(page: Any, server: Server, at_work: str) -> None:
    page.goto(f"{server.url}/runs/{at_work}")
    assert page.evaluate(GLIDING) == ["progress::-webkit-progress-value"]
    page.emulate_media(reduced_motion="reduce")
    assert page.evaluate(GLIDING) == []


def test_a_lost_connection_is_told_to_eyes_and_ears(page: Any, server: Server, partial: str) -> None:
    page.goto(f"{server.url}/runs/{partial}")
    expect(page.locator("#connection")).to_contain_text("Live")
    server.stop()
    try:
        expect(page.get_by_role("status").filter(has_text="No connection since")).to_be_visible()
        assert (flaws(page), sideways(page)) == ([], [])
        picture(page, "page-lost")
    finally:
        server.start()
    expect(page.locator("#connection")).to_contain_text("Live")


def test_a_reader_is_offered_nothing_that_it_may_not(browser: Any, server: Server, paused: str) -> None:
    with browser.new_context() as context:
        page = context.new_page()
        log_in(page, server, "read")
        page.goto(f"{server.url}/runs/{paused}")
        assert page.get_by_role("button").all_inner_texts() == ["Log out"]
        assert flaws(page) == []
