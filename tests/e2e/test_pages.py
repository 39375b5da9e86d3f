"""Every page of the story's users: it opens, says what it should, and axe finds nothing (WCAG 2.2 AA)."""

from __future__ import annotations

from pathlib import Path

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.e2e.conftest import Platform
from tests.e2e.pages import page_of

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.timeout(600),
    pytest.mark.xdist_group("platform"),
]

PAGES = {
    "ana": ["/"],
    "coordinator": [
        "/compliance",
        "/people",
        "/people/ANA",
        "/people/new",
        "/documents",
        "/changes",
        "/import",
        "/health",
        "/about",
    ],
    "admin": ["/access"],
}
SHOTS = Path(__file__).parents[2] / "build" / "screenshots"
"""To be looked at: build/screenshots."""
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


@pytest.mark.req("SR-21")
@pytest.mark.parametrize("username", ["ana", "coordinator"])
def test_pages_open_and_axe_finds_nothing(platform: Platform, username: str) -> None:
    SHOTS.mkdir(parents=True, exist_ok=True)
    found: dict[str, list[str]] = {}
    with page_of(platform.base, username) as page:
        errors: list[str] = []
        page.on("pageerror", lambda error: errors.append(str(error)))
        page.on(
            "console",
            lambda message: (
                errors.append(message.text) if "Content Security Policy" in message.text else None
            ),
        )
        for path in PAGES[username]:
            page.goto(platform.base + path)
            page.wait_for_load_state("networkidle")
            page.screenshot(path=SHOTS / f"{path.strip('/').replace('/', '-') or 'home'}.png")
            result = Axe().run(page, options=RULES)
            broken = [f"{v['id']}: {len(v['nodes'])}" for v in result.response["violations"]]
            if broken:
                found[path] = broken
    assert found == {}
    assert errors == []
