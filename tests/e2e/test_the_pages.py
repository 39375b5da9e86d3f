"""Every page of the story's users: it opens, says what it should, and axe finds nothing (WCAG 2.2 AA)."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Platform
from tests.e2e.pages import SHOTS, broken_rules, page_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("platform"),
]

# After the story: every page has something to say. User -> address -> what must stand there.
PAGES = {
    "ana": {"/": "My training", "/read/SOP-101/4": "SOP-101", "/records/{record}": "Ana Vermeer"},
    "coordinator": {
        "/compliance": "OPR",
        "/compliance?view=list&job_function=OPR": "Ana Vermeer",
        "/people": "Ana Vermeer",
        "/people/ANA": "Ana Vermeer",
        "/people/BEN?tab=records": "SOP-101",
        "/people/new": "Given name",
        "/documents": "SOP-101",
        "/documents/SOP-101": "Aseptic filling",
        "/changes": "CC-7",
        "/changes/CC-7": "Isolator pressure",
        "/import": "Written",
        "/import/{job}": "people.csv",
        "/health": "assignment",
        "/about": "Time zone data",
    },
    "sam": {"/people/BEN/late-entry": "Time on the paper"},
    "admin": {"/access": "ana"},
}


@pytest.mark.req("SR-21")
@pytest.mark.parametrize("username", PAGES)
def test_pages_say_what_they_should_and_axe_finds_nothing(platform: Platform, username: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[str]] = {}
    with page_of(platform.base, platform.user(username).me["username"]) as page:
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: (
                errors.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        for pattern, text in PAGES[username].items():
            path = pattern.format(**platform.memory)
            page.goto(platform.base + path)
            expect(page.locator("main").get_by_text(text).first).to_be_visible()
            # A clock that was moved is announced wherever a time could be read.
            expect(page.get_by_role("banner").get_by_text("Demo clock")).to_be_visible()
            page.wait_for_load_state("networkidle")
            page.screenshot(
                path=SHOTS / f"{re.sub('[^a-z0-9]+', '-', path.lower()).strip('-') or 'home'}.png"
            )
            if broken := broken_rules(page):
                found[path] = broken
    assert found == {}
    assert errors == []


@pytest.mark.req("SR-21")
def test_axe_finds_nothing_on_the_log_in(platform: Platform) -> None:
    with page_of(platform.base, "ana") as page:
        page.context.clear_cookies()
        page.goto(f"{platform.base}/login")
        expect(page.get_by_label("User name")).to_be_visible()
        expect(page.get_by_text("Demo clock")).to_be_visible()
        assert broken_rules(page) == []


def test_control_axe_finds_a_picture_without_a_text(platform: Platform) -> None:
    with page_of(platform.base, "ana") as page:
        page.goto(f"{platform.base}/")
        expect(page.locator("main").get_by_text("My training").first).to_be_visible()
        page.evaluate("document.querySelector('main').append(document.createElement('img'))")
        assert broken_rules(page) == ["image-alt: 1"]


def test_the_import_page_shows_the_rows_of_every_file(platform: Platform) -> None:
    """For each file: rows = taken + refused + identical, as the page says it."""
    job = platform.user("coordinator").get(f"/api/imports/{platform.memory['job']}")
    with page_of(platform.base, "coordinator") as page:
        page.goto(f"{platform.base}/import/{platform.memory['job']}")
        for file in job["files"]:
            row = page.get_by_role("row").filter(has_text=file["file"]).first
            expect(row).to_be_visible()
            cells = row.get_by_role("cell").all_inner_texts()
            numbers = [int(cell.replace(",", "")) for cell in cells if cell.replace(",", "").isdigit()]
            assert numbers[0] == file["rows"] == file["taken"] + file["refused"] + file["identical"]
            assert file["taken"] in numbers[1:]
