"""What the headers of an answer keep a real browser from doing."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

import pytest
from gateway_svc.front import door, headers
from gateway_testing import Platform
from playwright.async_api import Page, async_playwright

from tests.e2e.browser import ARGUMENTS, chromium

pytestmark = [
    pytest.mark.browser,
    pytest.mark.part("PL-32", "security headers protect in a real browser"),
    pytest.mark.asyncio(loop_scope="module"),
]

INJECTED = "<script>document.title = 'taken over'</script>"
"""Stands for what somebody gets into a page that forgot to escape it."""

PAGE = f"""<!doctype html><title>Attest</title>
<p onclick="document.title = 'taken over'">Text</p>
{INJECTED}
<script src="/assets/own.js"></script>
"""


@pytest.fixture
def page_with_a_hole(attest: Platform) -> str:
    """The address of a page that bears an injected script beside a file of the application's own."""
    folder = attest.settings.static_dir
    assert folder is not None
    (folder / "hole.html").write_text(PAGE)
    # The last one on the page: when it has run, the injected one has had its turn.
    (folder / "assets" / "own.js").write_text("document.body.dataset.own = 'ran'")
    return f"{attest.url}/hole.html"


@asynccontextmanager
async def looking_at(url: str) -> AsyncIterator[Page]:
    """The page, once the application's own script has run."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(chromium()), args=ARGUMENTS)
        try:
            page = await browser.new_page()
            await page.goto(url)
            await page.wait_for_selector("body[data-own=ran]", state="attached")
            yield page
        finally:
            await browser.close()


async def test_an_injected_script_does_not_run(page_with_a_hole: str) -> None:
    async with looking_at(page_with_a_hole) as page:
        assert await page.title() == "Attest"
        await page.click("p")
        assert await page.title() == "Attest"


async def test_control_without_the_policy_an_injected_script_runs(
    page_with_a_hole: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without(path: str, *, hsts: bool) -> Mapping[str, str]:
        found = headers.security_headers(path, hsts=hsts)
        return {name: value for name, value in found.items() if name != "content-security-policy"}

    monkeypatch.setattr(door, "security_headers", without)
    async with looking_at(page_with_a_hole) as page:
        assert await page.title() == "taken over"
