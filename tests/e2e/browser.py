"""Chromium for the journeys: the one of the machine, or Debian's, installed when we may."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
_NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")


def chromium() -> Path:
    """The executable. Fails the test when there is none and none can be installed: a journey is never skipped."""
    if named := os.environ.get("ATTEST_CHROMIUM"):
        return Path(named)
    for name in _NAMES:
        if found := shutil.which(name):
            return Path(found)
    if os.geteuid() == 0 and shutil.which("apt-get"):
        environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(["apt-get", "update", "-qq"], check=True, env=environment, capture_output=True)
        subprocess.run(
            ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "chromium"],
            check=True,
            env=environment,
            capture_output=True,
        )
        if found := shutil.which("chromium"):
            return Path(found)
    pytest.fail("no Chromium: install it, or name it in ATTEST_CHROMIUM")


class SharedBrowser:
    """The Chromium of a test run. It starts with the first page; each page has a context of its own."""

    def __init__(self) -> None:
        self._playwright: Playwright | None = None
        self._browser: Browser | None = None

    def running(self) -> Browser:
        """The browser; starts it when it does not run."""
        if self._playwright is None or self._browser is None:
            self._playwright = sync_playwright().start()
            self._browser = self._playwright.chromium.launch(executable_path=str(chromium()), args=ARGUMENTS)
        return self._browser

    def close(self) -> None:
        """Ends the browser, so that the tests that follow may run an event loop of their own."""
        if self._browser is not None:
            self._browser.close()
        if self._playwright is not None:
            self._playwright.stop()
        self._playwright = self._browser = None


BROWSER = SharedBrowser()
